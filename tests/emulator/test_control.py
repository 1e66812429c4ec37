"""The control endpoints beside the API, and the live page."""

import re
import uuid

import pytest

from monite_auth.emulator import (
    ANNA_ID,
    BAKERY_ID,
    BOOKS_ID,
    DEMO_CLIENT_ID,
    DEMO_CLIENT_SECRET,
    PEOPLE,
    TEA_ID,
    Monite,
)
from monite_auth.emulator.control.live_page import PAGE
from monite_auth.emulator.control.reference import control_document
from monite_auth.emulator.webhooks import PATIENCE, RETRIES


def test_faults_are_ordered_listed_and_deleted_over_http(api, monite):
    order = {"kind": "status", "path": "/auth", "times": 2, "status": 502}
    added = api.send("POST", "/_emulator/faults", json=order)
    assert added.status_code == 201
    assert added.json().items() >= order.items()
    assert api.mint(ANNA_ID).status_code == 502
    (listed,) = api.send("GET", "/_emulator/faults").json()["faults"]
    assert (listed["hits"], listed["remaining"]) == (1, 1)
    path = f"/_emulator/faults/{listed['id']}"
    assert api.send("DELETE", path).status_code == 204
    assert api.send("DELETE", path).status_code == 404
    assert api.mint(ANNA_ID).status_code == 200
    api.send("POST", "/_emulator/faults", json=order)
    assert api.send("DELETE", "/_emulator/faults").status_code == 204
    assert monite.faults.orders == []


CONTROL = [
    (
        method.upper(),
        re.sub(r"\{\w+\}", ANNA_ID, path),
        [each["name"] for each in operation.get("parameters", ()) if each["in"] == "query"],
    )
    for path, operations in control_document()["paths"].items()
    for method, operation in operations.items()
]


@pytest.mark.parametrize(("method", "path", "names"), CONTROL)
def test_a_misspelt_parameter_is_refused_and_does_nothing(api, monite, method, path, names):
    before = monite.snapshot()
    body = {"json": {}} if method in {"POST", "PUT"} else {}
    refused = api.send(method, path, params={"entity_user": BAKERY_ID}, **body)
    assert refused.status_code == 422
    (complaint,) = refused.json()["detail"]
    known = f"There is no such parameter here, but {', '.join(names)}"
    assert (complaint["loc"], complaint["msg"]) == (
        ["query", "entity_user"],
        known if names else "There are no parameters here",
    )
    assert monite.snapshot() == before


def test_a_parameter_that_stands_there_twice_is_refused(api):
    refused = api.send("GET", "/_emulator/requests?method=GET&method=POST")
    assert refused.status_code == 422
    assert refused.json()["detail"][0]["loc"] == ["query", "method"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("limit", {"requests_per_second": True}),
        ("limit", {"requests_per_second": "7"}),
        ("limit", {"requests_per_second": 7.5}),
        ("partners", {"seed": 1}),
        ("partners", {"seed": "yes"}),
        ("partners", {"client_secret": ""}),
        ("partners", {"client_secret": 5}),
        (f"partners/{DEMO_CLIENT_ID}/credentials", {"client_secret": ""}),
    ],
)
def test_a_value_of_another_kind_is_refused_and_changes_nothing(api, monite, path, body):
    before = monite.snapshot()
    refused = api.send("POST", f"/_emulator/{path}", json=body)
    assert refused.status_code == 422
    assert [each["loc"] for each in refused.json()["detail"]] == [["body", *body]]
    assert monite.snapshot() == before


def test_statistics_are_available_as_json(api):
    api.mint(ANNA_ID)
    statistics = api.send("GET", "/_emulator/statistics").json()
    assert statistics["requests"] == [{"path": "/auth/token", "status": 200, "count": 1}]
    assert statistics["busiest_second"] == statistics["last_second"] == 1


def test_the_seed_names_companies_people_and_roles_with_their_ids(api):
    entities = api.send("GET", "/_emulator/seed").json()["entities"]
    assert [entity["id"] for entity in entities] == [BAKERY_ID, BOOKS_ID, TEA_ID]
    listed = {user["id"] for entity in entities for user in entity["entity_users"]}
    assert listed == {person.entity_user_id for person in PEOPLE}
    for entity in entities:
        roles = {role["id"] for role in entity["roles"]}
        assert roles >= {user["role_id"] for user in entity["entity_users"]} | {entity["default_role_id"]}


def test_a_reset_goes_back_to_the_seed(api, monite):
    token = api.token(ANNA_ID)
    monite.remove_user(monite.directory.users.get(ANNA_ID))
    monite.add_credentials(str(uuid.uuid4()), "another secret")
    api.send("POST", "/_emulator/faults", json={"kind": "dead_token"})
    before = monite.clock.now()
    monite.clock.freeze(before + 86_400)
    assert api.send("POST", "/_emulator/reset").status_code == 204
    assert monite.ledger.tokens == []
    assert monite.statistics.requests == {}
    assert monite.faults.orders == []
    assert (monite.clock.now(), monite.clock.is_frozen) == (before, False)
    assert api.call("GET", "/entity_users/me", token).status_code == 401
    assert api.token(ANNA_ID)


def test_a_reset_brings_the_settings_of_the_beginning_back(monite):
    snapshot = monite.snapshot()
    other = Monite(requests_per_second=7, limit_window="sliding", token_life=60, dead_token_status=400)
    before = other.settings
    other.restore(snapshot)
    other.webhooks.retries, other.webhooks.patience = (1,), 1
    assert other.token_life == 1800
    other.reset()
    assert other.settings == before
    assert (other.webhooks.retries, other.webhooks.patience) == (RETRIES, PATIENCE)


def test_the_page_gets_tokens_counts_and_events_without_a_whole_token(api, monite):
    token = api.token(ANNA_ID)
    api.revoke(token)
    live = api.send("GET", "/_emulator/live")
    assert token not in live.text
    (shown,) = live.json()["tokens"]
    assert (shown["entity"], shown["role"], shown["token"]) == (
        "Brightside Bakery GmbH",
        "Accountant",
        f"…{token[-4:]}",
    )
    assert [event["kind"] for event in live.json()["events"]] == ["minted", "revoked"]
    last = live.json()["last_event"]
    assert api.send("GET", "/_emulator/live", params={"after": last}).json()["events"] == []
    assert live.json()["counts"]["revoked"] == 1


def test_the_page_gets_live_tokens_first_and_no_more_than_it_can_show(api, monite):
    monite.token_life = 60
    for _ in range(30):
        monite.mint(None, "client")
    monite.clock.advance(60)
    for _ in range(210):
        monite.mint(None, "client")
    live = api.send("GET", "/_emulator/live").json()
    assert [token["state"] for token in live["tokens"]] == ["live"] * 200 + ["expired"] * 20
    assert live["hidden"] == 20
    assert live["counts"]["live"] == 210


def test_the_page_loads_nothing_from_elsewhere_and_each_of_its_files(api):
    page = api.send("GET", "/")
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'self'" in page.headers["content-security-policy"]
    texts = {file.name: api.send("GET", f"/_emulator/page/{file.name}").text for file in PAGE.iterdir()}
    loaded = re.findall(r"""(?:"/_emulator/page/|from "\./)([^"]+)\"""", "".join(texts.values()))
    assert {*loaded, "index.html"} == texts.keys()
    for text in texts.values():
        assert not re.search(r"https?://|@import|url\(|innerHTML", text)


def test_the_page_has_no_other_files(api):
    assert api.send("GET", "/_emulator/page/..%2Freference.py").status_code == 404


@pytest.mark.parametrize("path", ["/partners", "/faults", "/clock", "/snapshot", "/reset"])
def test_half_a_surrogate_pair_is_refused_everywhere(api, monite, path):
    method = "PUT" if path == "/snapshot" else "POST"
    body, sent = b'{"client_secret": "\\ud800"}', {"content-type": "application/json"}
    refused = api.send(method, f"/_emulator{path}", content=body, headers=sent)
    assert refused.status_code == 422
    assert "Invalid JSON" in refused.text


def test_people_and_credentials_are_told_to_the_page(api, monite):
    monite.add_partner("11111111-1111-4111-8111-111111111111", "another secret", seed=True)
    first, second = api.send("GET", "/_emulator/people").json()["partners"]
    assert first["credentials"] == [{"client_id": DEMO_CLIENT_ID, "client_secret": DEMO_CLIENT_SECRET}]
    assert [person["entity_user_id"] for person in first["people"]] == [
        each.entity_user_id for each in PEOPLE
    ]
    assert second["credentials"][0]["client_secret"] == "another secret"


def test_a_token_is_revoked_as_by_an_operator_of_monites(api, monite):
    token = monite.ledger.find(api.token(ANNA_ID))
    path = f"/_emulator/tokens/{token.id}/revoke"
    assert api.send("POST", path).status_code == 204
    assert api.call("GET", "/entity_users/me", token.value).status_code == 401
    assert api.send("POST", "/_emulator/tokens/999/revoke").status_code == 404
