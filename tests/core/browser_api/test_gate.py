"""Which requests of a browser reach Monite: none goes anywhere else, and none as anybody else."""

import json
import random
import re
from urllib.parse import unquote

import pytest

from monite_auth import Settings
from monite_auth.adapter import ApiRequest, BrowserApi, MoniteAccess
from monite_auth.emulator import DEMO_CLIENT_ID, DEMO_CLIENT_SECRET
from monite_auth.emulator.specification.facts import operations
from monite_auth.errors import ConfigurationError
from monite_auth.monite_api.own_calls import OWN_CALLS, is_of_own_token
from monite_auth.rbac import permission_for
from tests.core.browser_api.upstream import ANNA, OWN_PAGE, Upstream, call, read

ID = "3fa85f64-5717-4562-b3fc-2c963f66afa6"


@pytest.fixture
def monite(emulator):
    with Upstream(emulator) as broker:
        yield broker


def refusal(answer):
    return answer.status, json.loads(read(answer))["error"]["code"]


@pytest.mark.parametrize(
    ("method", "path", "headers", "said"),
    [
        ("GET", "/payables", {"sec_fetch_site": "cross-site"}, (403, "cross_site")),
        ("GET", "/payables", {"sec_fetch_site": "same-site"}, (403, "cross_site")),
        ("GET", "/payables", {"sec_fetch_site": "none"}, (403, "cross_site")),
        ("PATCH", "/payables", {"x_monite_version": "latest"}, (400, "wrong_version")),
        ("GET", "/payables", {"x_monite_version": "2024-1-1"}, (400, "wrong_version")),
        ("GET", "/payables", {"x_monite_version": ""}, (400, "wrong_version")),
        ("OPTIONS", "/payables", {}, (405, "method_not_allowed")),
        ("TRACE", "/payables", {}, (405, "method_not_allowed")),
        ("POST", "/auth/token", {}, (404, "unknown_call")),
        ("POST", "/auth/revoke", {}, (404, "unknown_call")),
        ("GET", "/webhook_subscriptions", {}, (404, "unknown_call")),
        ("GET", "", {}, (404, "unknown_call")),
        ("GET", "/payables/../auth/token", {}, (404, "unknown_call")),
        ("GET", "/payables//", {}, (404, "unknown_call")),
        ("GET", "//evil.example/payables", {}, (404, "unknown_call")),
        ("GET", "/https://evil.example", {}, (404, "unknown_call")),
        ("GET", "/payables\\..", {}, (404, "unknown_call")),
        ("GET", "/@evil.example/payables", {}, (404, "unknown_call")),
        ("GET", "/payables/%2e%2e", {}, (404, "unknown_call")),
        ("GET", "/payables\n", {}, (404, "unknown_call")),
        ("GET", "/payables?limit=5", {}, (404, "unknown_call")),
        ("POST", "/payables", {"content_length": "50000001"}, (413, "body_too_long")),
        ("POST", "/payables", {"content_length": "-1"}, (400, "wrong_length")),
        ("POST", "/payables", {"content_length": "1, 1"}, (400, "wrong_length")),
    ],
)
def test_what_a_page_of_the_app_would_not_send_reaches_nobody(monite, method, path, headers, said):
    assert refusal(call(monite, method, path, **headers)) == said
    assert not monite.requests


def test_older_browsers_say_by_their_origin_that_a_page_of_the_app_asks(monite):
    own = {"origin": "https://app.example.com"}
    for site in ("https://evil.example", "null", "https://app.example.com.evil.example"):
        answer = _without_fetch_metadata(monite, origin=site)
        assert refusal(answer) == (403, "cross_site")
    assert not monite.requests
    assert _without_fetch_metadata(monite, **own).status == 200


def test_a_query_that_is_none_is_refused(monite):
    for query in ("a=\x00", "a=é", "a b\n", "x" * 9000):
        assert refusal(call(monite, query=query)) == (400, "wrong_query")
    assert not monite.requests


def test_nobody_calls_without_a_session(monite):
    answer = call(monite, principal=None)
    assert refusal(answer) == (401, "not_logged_in")
    assert not monite.requests


def test_only_the_kinds_of_calls_that_the_app_allows_pass(emulator):
    with Upstream(emulator, api_allow="counterpart payable.read") as monite:
        assert call(monite, "GET", "/payables").status == 200
        assert call(monite, "POST", f"/counterparts/{ID}/contacts").status == 200
        assert call(monite, "GET", "/entity_users/me").status == 200
        for method, path in (("POST", "/payables"), ("GET", "/receivables"), ("POST", "/payment_terms")):
            assert refusal(call(monite, method, path)) == (403, "not_permitted")
    assert len(monite.requests) == 3


def test_the_calls_of_monites_react_sdk_pass(monite):
    for method, path in (
        ("GET", "/internal/currencies"),  # without it, no amount is shown
        ("GET", "/payables/validations"),
        ("POST", "/financing_tokens"),
    ):
        call(monite, method, path)
    assert len(monite.requests) == 3


@pytest.mark.parametrize("wrong", ["payables", "payable.reed", "payable:read", ["payable", 1]])
def test_a_word_for_what_pages_may_do_that_means_nothing_is_told(emulator, wrong):
    with pytest.raises(ValueError, match="api_allow"):
        Upstream(emulator, api_allow=wrong)


def test_the_word_that_means_nothing_is_told_in_a_sentence():
    with pytest.raises(ConfigurationError) as caught:
        Settings(client_id=DEMO_CLIENT_ID, client_secret=DEMO_CLIENT_SECRET, api_allow="payables")
    assert caught.value.problems == (
        "api_allow is wrong: 'payables' is no object type; did you mean 'payable'?",
    )


def test_every_call_of_the_table_exists_at_monite():
    known = {(each.method, re.sub(r"{[^}]*}", "*", each.path).strip("/")) for each in operations()}
    assert known >= OWN_CALLS
    assert not any(
        path.startswith(("auth", "webhook", "settings", "portal", "internal"))
        for _, path in OWN_CALLS
        if path != "internal/currencies"
    )
    assert not any(permission_for(method, path.replace("*", ID)) for method, path in OWN_CALLS)


PARTS = [
    "payables",
    "counterparts",
    ID,
    "auth",
    "token",
    "entity_users",
    "me",
    "v1",
    "entities",
    "receivables",
    "pdf_link",
]
TRICKS = [
    "..", ".", "%2e%2e", "%2E", "%2f", "%5c", "\\", "//", "/", "?", "#", "@", ":", ";", "https:", "evil.example", "\0", "\r\n",
    "%00", "é", "%252e", " ", "*", "~", "..;", "\u2215", "%c0%ae", "a" * 300,
]  # fmt: skip
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "get", "OPTIONS", "TRACE", "CONNECT", "Pöst", ""]
HEADERS = {
    "authorization": ["Bearer stolen", "Basic x"],
    "cookie": ["session=1"],
    "x-monite-entity-id": [ID],
    "x-forwarded-host": ["evil.example"],
    "x-forwarded-for": ["1.2.3.4"],
    "forwarded": ["host=evil.example"],
    "connection": ["close, accept", "x-monite-version", "authorization"],
    "te": ["trailers"],
    "upgrade": ["websocket"],
    "transfer-encoding": ["chunked", "gzip"],
    "proxy-authorization": ["Basic x"],
    "accept": ["application/json", "*/*"],
    "content-type": ["application/json", "multipart/form-data; boundary=x"],
    "content-length": ["0", "-5", "5e3", "99999999999999"],
    "host": ["evil.example", "app.example.com"],
    "origin": ["https://evil.example", "https://app.example.com", "null", "\0"],
    "sec-fetch-site": ["same-origin", "cross-site", "none", ""],
    "x-monite-version": ["2024-05-25", "2023-09-01", "x", ""],
    "range": ["bytes=0-5"],
    "idempotency-key": ["1"],
    "x-http-method-override": ["DELETE"],
}
PASSES = {
    "accept", "accept-encoding", "accept-language", "authorization", "connection", "content-encoding", "content-length",
    "content-type", "host", "if-match", "if-modified-since", "if-none-match", "if-range", "if-unmodified-since", "range",
    "x-monite-entity-id", "x-monite-version",
}  # fmt: skip


def test_of_40_000_mutated_requests_none_goes_elsewhere_and_none_as_anybody_else(monite):
    chance = random.Random(13)
    own = monite.token(ANNA)
    base = monite.settings.base_url
    for _ in range(40_000):
        words = [
            chance.choice(PARTS if chance.random() < 0.8 else TRICKS) for _ in range(chance.randint(0, 5))
        ]
        path = chance.choice(["/", "/", "/", ""]) + chance.choice(["/", "/", "/", "//", "%2f"]).join(words)
        method = chance.choice(METHODS)
        names = chance.sample(sorted(HEADERS), chance.randint(0, 4))
        headers = {name.replace("-", "_"): chance.choice(HEADERS[name]) for name in names}
        query = chance.choice(["", "limit=5", "a=%2f..&b=//evil", "x=" + "y" * chance.randint(0, 99)])
        answer = call(monite, method, path, query=query, **headers)
        read(answer)
        if not monite.requests:
            assert answer.status >= 400
            continue
        (request,) = monite.requests
        monite.requests.clear()
        url = str(request.url)
        assert url.startswith(f"{base}/")
        sent = unquote(url.removeprefix(base)).partition("?")[0]
        assert sent == "/" + path.strip("/").removeprefix("v1/")  # what was judged is what is sent
        assert permission_for(method, sent) or is_of_own_token(method, sent)
        assert not sent.startswith("/auth")
        assert request.headers["authorization"] == own.authorization
        assert request.headers["x-monite-entity-id"] == own.entity_user.entity_id
        assert set(request.headers) <= PASSES, request.headers
        assert request.headers["host"] == request.url.netloc.decode()


def _without_fetch_metadata(monite, **headers):
    known = {name: value for name, value in OWN_PAGE.items() if name != "sec-fetch-site"}
    request = ApiRequest("GET", "/payables", "", {**known, **headers})
    return BrowserApi().call(monite, request, None, lambda: MoniteAccess(monite, ANNA))
