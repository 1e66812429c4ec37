"""The log of requests: what is in it, how it is searched, and that no secret is."""

import json
from urllib.parse import quote

import httpx
import pytest

from monite_auth.emulator import ANNA_ID, BAKERY_ID, DEMO_CLIENT_SECRET, Fault, Monite
from monite_auth.emulator.traffic.requests import BODY_KEPT
from tests.emulator.conftest import Api


def found(api, **query):
    return api.send("GET", "/_emulator/requests", params=query).json()["requests"]


@pytest.fixture
def token(api):
    """A token of Anna's, minted, used to read and to write, and revoked."""
    token = api.token(ANNA_ID)
    api.call("GET", "/payables", token, BAKERY_ID, params={"limit": 1})
    api.call("POST", "/tags", token, BAKERY_ID, json={"name": "Überfällig"})
    api.call("POST", "/payables", token, BAKERY_ID, json={"currency": "EUR"})
    api.revoke(token)
    return token


def test_the_log_has_requests_with_their_answers_newest_first(api, token):
    requests = found(api)
    assert [f"{each['method']} {each['path']}" for each in requests] == [
        "POST /auth/revoke",
        "POST /payables",
        "POST /tags",
        "GET /payables",
        "POST /auth/token",
    ]
    written = requests[1]
    assert (written["status"], written["entity_user_id"]) == (200, ANNA_ID)
    assert written["request"]["body"] == '{"currency":"EUR"}'
    assert '"currency":"EUR"' in written["answer"]["body"]
    assert written["answer"]["headers"]["x-request-id"] == written["request_id"]
    assert requests[3]["query"] == "limit=1"


def test_no_secret_and_no_token_is_in_it(api, token):
    answer = api.send("GET", "/_emulator/requests")
    assert DEMO_CLIENT_SECRET not in answer.text
    assert token not in answer.text
    mint = answer.json()["requests"][-1]
    assert '"client_secret":"…"' in mint["request"]["body"]
    assert f'"access_token":"…{token[-4:]}"' in mint["answer"]["body"]
    assert answer.json()["requests"][3]["request"]["headers"]["authorization"] == f"Bearer …{token[-4:]}"


@pytest.mark.parametrize(
    "body", ['{"client_secret": "a \\"secret\\" that nobody', '{"client_secret":"' + "secret" * 10_000]
)
def test_a_secret_in_a_body_that_is_no_json_or_too_long_is_masked(api, body):
    api.call("POST", "/auth/token", content=body, headers={"content-type": "application/json"})
    (shown,) = found(api)
    assert "secret" not in shown["request"]["body"].replace("client_secret", "")
    assert shown["request"]["length"] == len(body)


JSON, FORM = "application/json", "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        ('{"client_secret":"hush-hush"}', FORM),  # as `curl -d` sends it
        ('{"client_secret":"hush-hush"}', None),
        ("client_secret=hush-hush&grant_type=x", JSON),
        ("client_secret=hush-hush", None),
        ("client_secret=hush-hush", FORM.upper()),
        ("{'client_secret': 'hush-hush'}", JSON),
        ('{"client_secret":"hush-hush","client_secret":null}', JSON),
        ('{"client_secr\\u0065t":"hush-hush"', JSON),
        ('{"client_secret":["hush-hush"]}', JSON),
        ('{"body":"{\\"client_secret\\":\\"hush-hush\\"}"}', JSON),
        ('{"clientSecret":"hush-hush"}', JSON),
        ('{"Password":"hush-hush"}', JSON),
        ('{"revoked_token":"hush-hush"}', JSON),
        (
            '--x\r\nContent-Disposition: form-data; name="client_secret"\r\n\r\nhush-hush\r\n--x--',
            "multipart/x",
        ),
    ],
)
def test_a_secret_is_masked_in_whatever_form_a_slip_has_sent_it(api, content, content_type):
    api.call("POST", "/auth/token", content=content, headers={"content-type": content_type or ""})
    shown = found(api)[0]["request"]["body"]
    assert "hush-hush" not in shown
    assert "…" in shown


def test_a_secret_in_a_query_or_a_header_is_masked(api):
    query = {"token": "hush-hush", "Client_Secret": "hush-hush", "authorization": "Bearer hush-hush"}
    headers = {"x-api-key": "hush-hush", "authorization": "hush-hush", "cookie": "session=hush-hush"}
    api.call("GET", "/payables", params=query | {"limit": 1}, headers=headers)
    (shown,) = found(api)
    assert "hush-hush" not in str(shown)
    assert shown["query"].endswith("limit=1")


@pytest.mark.parametrize("secret", ["demo", 'a "quoted" sécret'])
def test_what_the_emulator_knows_is_masked_wherever_it_stands(api, monite, token, secret):
    known = DEMO_CLIENT_SECRET if secret == "demo" else secret
    monite.add_credentials(ANNA_ID, known)
    for text in (known, token):
        api.call(
            "GET", f"/payables/{quote(text)}", params={"search_text": text}, headers={"x-note": quote(text)}
        )
        api.call("POST", "/tags", token, BAKERY_ID, json={"name": text, "list": [text]})
    log = api.send("GET", "/_emulator/requests").text
    assert known not in log
    assert quote(known) not in log
    assert json.dumps(known)[1:-1] not in log
    assert token not in log


@pytest.mark.parametrize("seen", [5, 20, 29])
def test_what_the_emulator_knows_is_masked_where_a_body_is_cut_off_too(api, token, seen):
    for known in (token, DEMO_CLIENT_SECRET):
        body = f'{{"name":"{"x" * (BODY_KEPT - seen - 19)}","note":"{known}"}}'
        assert body[:BODY_KEPT].endswith(known[:seen])
        api.call("POST", "/tags", token, BAKERY_ID, content=body, headers={"content-type": JSON})
        assert known[:5] not in found(api)[0]["request"]["body"]


@pytest.mark.parametrize("depth", [450, 600, 950, 20_000])
def test_a_body_of_any_depth_is_answered_and_kept(api, depth):
    body = '{"token":"hush-hush","a":' + "[" * depth + "]" * depth + "}"
    answer = api.call("POST", "/auth/token", content=body, headers={"content-type": JSON})
    assert answer.status_code == 422
    assert "hush-hush" not in found(api)[0]["request"]["body"]


def test_half_a_surrogate_pair_does_not_hide_the_log(api):
    body = '{"token":"hush-hush","name":"\\ud800"}'
    api.call("POST", "/auth/token", content=body, headers={"content-type": JSON})
    (shown,) = found(api)
    assert shown["request"]["body"] == '{"token":"…hush","name":"\\ud800"}'
    assert api.send("GET", "/_emulator/live").status_code == 200


def test_what_is_no_secret_is_kept_as_it_was(api):
    body = '{"name": "A token of our esteem",  "pagination_token": "page two", "token_type": "Bearer"}'
    api.call("POST", "/tags", content=body, headers={"content-type": "application/json"})
    assert found(api)[0]["request"]["body"] == body


@pytest.mark.parametrize(
    ("query", "paths"),
    [
        ({"method": "GET"}, ["/payables"]),
        ({"method": "get"}, ["/payables"]),
        ({"path": "/auth"}, ["/auth/revoke", "/auth/token"]),
        ({"path": "/v1/auth"}, ["/auth/revoke", "/auth/token"]),
        ({"path": "/v1/tags", "method": "Post"}, ["/tags"]),
        ({"path": "/v1", "limit": 1}, ["/auth/revoke"]),
        ({"path": "/v1x"}, []),
        ({"status": 200, "path": "/payables"}, ["/payables", "/payables"]),
        ({"user": ANNA_ID, "limit": 1}, ["/auth/revoke"]),
        ({"text": "client_credentials"}, []),
        ({"text": "ÜBERFÄLLIG"}, ["/tags"]),
        ({"text": DEMO_CLIENT_SECRET}, []),
        ({"after": 4}, ["/auth/revoke"]),
        ({"request_id": "unknown"}, []),
    ],
)
def test_it_can_be_searched(api, token, query, paths):
    assert [each["path"] for each in found(api, **query)] == paths


@pytest.mark.parametrize(
    "query",
    [{"method": ""}, {"path": "payables"}, {"user": "anna"}, {"status": "ok"}, {"limit": 0}, {"after": -1}],
)
def test_a_search_that_can_find_nothing_is_refused(api, query):
    refused = api.send("GET", "/_emulator/requests", params=query)
    assert refused.status_code == 422
    assert [each["loc"] for each in refused.json()["detail"]] == [["query", *query]]


def test_a_request_is_found_by_its_id_in_python(api, token, monite):
    request_id = api.mint().headers["x-request-id"]
    (request,) = monite.requests.find(request_id=request_id)
    assert (request.path, request.status, request.entity_user_id) == ("/auth/token", 200, None)


def test_refused_and_disturbed_requests_are_in_it(api, monite):
    monite.requests_per_second = 1
    api.mint()
    api.mint()
    monite.faults.add(Fault(kind="status", status=503))
    monite.clock.advance(1)
    api.mint()
    assert [(each.status, each.fault) for each in monite.requests] == [
        (200, None),
        (429, None),
        (503, "status"),
    ]


def test_a_request_without_an_answer_has_no_status(served, mint):
    served.monite.faults.add(Fault(kind="cut_after"))
    with pytest.raises(httpx.TransportError):
        mint(ANNA_ID)
    assert [(each.status, each.fault) for each in served.monite.requests] == [(None, "cut_after")]


def test_it_keeps_so_many_requests_and_no_more_of_a_body_than_a_little():
    monite = Monite(requests_kept=3)
    api = Api(monite)
    for number in range(5):
        api.call("GET", f"/payables/{number}", content=b"x" * 100_000)
    assert len(monite.requests) == 3
    assert [request.path for request in monite.requests] == ["/payables/2", "/payables/3", "/payables/4"]
    assert len(monite.requests.find()[0].request.body) < 20_000
    assert "100000 bytes" in found(api)[0]["request"]["body"]
    monite.reset()
    assert len(monite.requests) == 0


SECRET = "a secret that nobody may see"
SENT = [
    {
        "content": f"grant_type=x&client_secret={SECRET}&a=b",
        "headers": {"content-type": "application/x-www-form-urlencoded"},
    },
    {"json": {"client_secret": [SECRET]}},
    {"json": {"outer": [{"token": {"value": SECRET}}]}},
    {"content": '{"client\\u005fsecret": "%s"}' % SECRET, "headers": {"content-type": "application/json"}},
    {"headers": {"cookie": f"session={SECRET}; csrf={SECRET}"}},
    {"headers": {"authorization": f"Bearer {SECRET}"}},
    {"params": {"client_secret": SECRET}},
]


@pytest.mark.parametrize("sent", SENT)
def test_a_secret_is_masked_before_it_is_kept(api, monite, sent):
    """Not even a failed assertion about the log prints it."""
    api.call("POST", "/auth/token", **sent)
    (kept,) = monite.requests
    assert "nobody" not in repr(kept)
    assert "nobody" not in str(kept.shown())
    assert monite.requests.find(text="nobody") == []


def test_a_name_in_a_query_is_read_as_servers_read_it(api, monite):
    api.send(
        "GET",
        "/v1/payables?client%5Fsecret=nobody+may+see&limit=5",
        headers={"x-monite-version": "2024-05-25"},
    )
    (kept,) = monite.requests
    assert kept.query == "client_secret=…&limit=5"


def test_long_headers_and_paths_are_cut(api, monite):
    api.send("GET", "/v1/" + "x" * 10_000, headers={"x-long": "y" * 10_000})
    (kept,) = monite.requests
    assert len(kept.path) == len(kept.request.headers["x-long"]) == 2048
