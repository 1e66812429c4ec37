"""Snapshots: the state as JSON, taken and brought back, in Python and over HTTP."""

import json
import re

import pytest

from monite_auth.emulator import ANNA_ID, BAKERY_ID, DEMO_CLIENT_SECRET, Clock, Monite
from tests.emulator.conftest import Api
from tests.emulator.world import make_everything

RECORD = {
    "id": "1",
    "number": 1,
    "entity_id": BAKERY_ID,
    "created_at": 0.0,
    "updated_at": 0.0,
    "created_by": None,
    "parent_id": None,
    "fields": {},
}


@pytest.fixture
def token(api):
    return api.token(ANNA_ID)


def test_what_has_happened_since_a_snapshot_is_undone(api, monite, token):
    api.call("PATCH", "/settings", api.token(), json={"website": "https://example.com/"})
    dead = api.token(ANNA_ID)
    api.revoke(dead)
    snapshot = json.loads(json.dumps(monite.snapshot()))
    before = api.call("GET", "/payables", token, BAKERY_ID).json()
    monite.clock.advance(300)
    api.call("DELETE", f"/payables/{before['data'][0]['id']}", token, BAKERY_ID)
    api.call("PATCH", f"/entities/{BAKERY_ID}", api.token(), json={"phone": "+49 30"})
    later = api.token(ANNA_ID)
    monite.remove_user(monite.directory.users.get(ANNA_ID))
    monite.add_partner("5" * 32, "secret")
    monite.token_life = 5
    monite.restore(snapshot)
    assert api.call("GET", "/payables", token, BAKERY_ID).json() == before
    assert api.call("GET", f"/entities/{BAKERY_ID}", api.token()).json().get("phone") is None
    assert api.call("GET", "/entity_users/me", later).status_code == 401
    assert api.call("GET", "/entity_users/me", dead).status_code == 401
    assert (monite.token_life, len(monite.partners)) == (1800, 1)
    assert monite.clock.now() == monite.ledger.find(token).minted_at
    assert api.call("GET", "/settings", api.token()).json()["website"] == "https://example.com/"


def test_another_emulator_goes_on_from_a_snapshot(api, monite, token):
    other = Monite(seed=False, clock=monite.clock)
    other.restore(monite.snapshot())
    assert other.snapshot() == monite.snapshot()
    assert Api(other).call("GET", "/entity_users/me", token).status_code == 200
    assert Api(other).token(ANNA_ID) != Api(monite).token(ANNA_ID)


def test_with_a_seed_the_same_happens_again_after_a_snapshot():
    monite = Monite(random_seed=7)
    snapshot = monite.snapshot()
    monite.clock.advance(60)
    first = Api(monite).token(ANNA_ID), monite.new_id()
    monite.restore(snapshot)
    assert monite.clock.is_frozen
    monite.clock.advance(60)
    assert (Api(monite).token(ANNA_ID), monite.new_id()) == first


def test_snapshots_are_taken_and_brought_back_over_http(api, monite, token):
    snapshot = api.send("GET", "/_emulator/snapshot").json()
    assert DEMO_CLIENT_SECRET in json.dumps(snapshot)
    api.revoke(token)
    restored = api.send("PUT", "/_emulator/snapshot", json=snapshot)
    assert restored.status_code == 200
    assert api.call("GET", "/entity_users/me", token).status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"format": "another/9"},
        {"partners": []},
        {"partners": [{"credentials": {}, "records": [["payables", {"id": "1", "color": "red"}]]}]},
        {"tokens": None},
        {"clock": {}},
        {"token_life": "long"},
        {"token_life": 10**400},
        {"requests_per_second": 0},
        {"limit_window": "leaking"},
        {"dead_token_status": 10**6},
        {"clock": {"ahead": 1e12, "frozen_at": None}},
        {"clock": {"ahead": 0, "frozen_at": -1}},
        {"randomness": {"seed": 7}},
        {"tally": {"minted": "x", "forgotten": {}}},
        {"partners": [{"credentials": {}, "records": [["payables", RECORD | {"fields": None}]]}]},
        {"partners": [{"credentials": {}, "records": [["payables", RECORD | {"created_at": 1e18}]]}]},
        {"partners": [{"credentials": {"1": ["a"]}, "records": []}] * 2},
    ],
)
def test_what_is_no_snapshot_is_refused_and_changes_nothing(api, monite, token, changes):
    before = monite.snapshot()
    refused = api.send("PUT", "/_emulator/snapshot", json=before | changes)
    assert refused.status_code == 422
    assert "snapshot" in refused.text or "clock" in refused.text
    assert monite.snapshot() == before
    assert api.call("GET", "/entity_users/me", token).status_code == 200


def _damage(fields, name, value):
    if value is None:
        fields.pop(name)
    else:
        fields[name] = value


@pytest.mark.parametrize(
    ("table", "name", "value"),
    [
        ("payables", "status", "lost"),
        ("payables", "amount_paid", "much"),
        ("payables", "amount_paid", None),
        ("receivables", "type", None),
        ("receivables", "line_items", 7),
        ("entity_users", "login", 5),
        ("roles", "permissions", "all"),
        ("counterparts", "type", "planet"),
        ("entities", "default_role_id", None),
    ],
)
def test_a_record_that_is_wrong_inside_is_refused_with_its_place(api, monite, table, name, value):
    before = monite.snapshot()
    damaged = json.loads(json.dumps(before))
    records = damaged["partners"][0]["records"]
    number, record = next((at, each) for at, (kind, each) in enumerate(records) if kind == table)
    _damage(record["fields"], name, value)
    refused = api.send("PUT", "/_emulator/snapshot", json=damaged)
    assert refused.status_code == 422
    assert f"partners.0.records.{number} ({table} {record['id']})" in refused.text
    assert monite.snapshot() == before


@pytest.mark.parametrize(
    ("table", "change", "sentence"),
    [
        ("entities", None, "entity_id: there is no entity"),
        ("entity_users", {"entity_id": ""}, "entity_id: there is no entity ''"),
        ("payables", {"entity_id": "5" * 32}, f"entity_id: there is no entity '{'5' * 32}'"),
    ],
)
def test_what_a_record_relies_on_is_in_the_same_snapshot(api, monite, token, table, change, sentence):
    before = monite.snapshot()
    damaged = json.loads(json.dumps(before))
    records = damaged["partners"][0]["records"]
    found = next(each for each in records if each[0] == table)
    if change is None:
        records.remove(found)
    else:
        found[1].update(change)
    refused = api.send("PUT", "/_emulator/snapshot", json=damaged)
    assert refused.status_code == 422
    assert sentence in refused.text
    assert monite.snapshot() == before
    assert api.call("GET", "/entity_users/my_entity", token).status_code == 200


def test_what_was_deleted_may_still_be_named(api, monite, token):
    make_everything(api)
    directory = monite.directory
    directory.roles.remove(*directory.roles.all(BAKERY_ID))
    directory.counterparts.remove(*directory.counterparts.all(BAKERY_ID))
    directory.table("approval_policies").remove(*directory.table("approval_policies").all(BAKERY_ID))
    before = monite.snapshot()
    monite.restore(before)
    assert monite.snapshot() == before
    assert api.call("GET", "/entity_users/me", token).status_code == 200


def test_every_time_and_token_life_that_can_be_is_in_a_snapshot_that_can_be_brought_back():
    monite = Monite(clock=Clock(lambda: 0.0), token_life=10**12)
    monite.mint(None, "client")
    assert min(bill.created_at for bill in monite.directory.payables.all()) < 0
    before = monite.snapshot()
    monite.restore(before)
    assert monite.snapshot() == before


@pytest.mark.parametrize("number", ["1e999", "NaN", "-Infinity"])
@pytest.mark.parametrize("name", ["token_life", "ahead", "expires_at", "number"])
def test_a_number_that_is_none_is_refused_and_changes_nothing(api, monite, token, number, name):
    before = monite.snapshot()
    text = re.sub(rf'"{name}": [0-9.]+', f'"{name}": {number}', json.dumps(before))
    headers = {"content-type": "application/json"}
    assert api.send("PUT", "/_emulator/snapshot", content=text, headers=headers).status_code == 422
    assert monite.snapshot() == before


def test_the_ledger_counts_on_after_a_snapshot():
    monite = Monite(tokens_kept=2)
    for _ in range(5):
        monite.ledger.revoke(monite.mint(None, "client"))
    counts = monite.ledger.counts
    other = Monite(tokens_kept=2)
    other.restore(monite.snapshot())
    assert other.ledger.counts == counts
    assert other.mint(None, "client").id == 6
