"""The export: the world as a seed file, which begins the same world again, whatever has happened in it."""

import json

import httpx
import jsonschema
import pytest
import yaml

from monite_auth.emulator import ANNA_ID, BAKERY_ID, Monite
from monite_auth.emulator.seeds.kinds import PAST, kinds, schema
from tests.emulator.conftest import Api
from tests.emulator.world import make_everything
from tests.waiting import PATIENCE


def records(monite):
    """Return every record but those that tell what happened. Only the numbers of records may differ."""
    return {
        (table, record.id): {**record.saved(), "number": 0}
        for partner in monite.partners
        for table, record in partner.directory.saved()
        if table not in PAST
    }


@pytest.fixture
def exported(api, monite):
    make_everything(api)
    return monite.export(secrets=True)


def test_there_is_a_record_of_every_kind(monite, exported):
    assert {*kinds()} <= {table for table, _ in monite.directory.saved()}


def test_whatever_was_made_through_the_api_is_read_back_as_it_was(monite, exported):
    again = Monite(seed=json.loads(json.dumps(exported)))
    assert records(again) == records(monite)
    assert again.export(secrets=True) == exported


def by_yaml_file(api, file, run):
    file.with_suffix(".yaml").write_text(yaml.safe_dump(api.monite.export(secrets=True), sort_keys=False))
    return Monite(seed=file.with_suffix(".yaml")).export(secrets=True)


def by_http(api, file, run):
    return Monite(seed=whole(api).json()).export(secrets=True)


def by_command_line(api, file, run):
    file.write_bytes(whole(api).content)
    _, url = run("--seed-file", str(file))
    return httpx.get(f"{url}/_emulator/export?secrets=true", timeout=PATIENCE).json()


def whole(api):
    return api.send("GET", "/_emulator/export?secrets=true")


@pytest.mark.parametrize("begin", [by_yaml_file, by_http, by_command_line])
def test_an_export_begins_the_same_world_however_it_is_carried(api, exported, tmp_path, run, begin):
    assert begin(api, tmp_path / "world.json", run) == exported


def test_work_goes_on_in_a_world_that_was_read_back(monite, exported):
    def invoices(of):
        token = of.token(ANNA_ID)
        return of.call("GET", "/receivables", token, BAKERY_ID).json()["data"]

    again = Api(Monite(seed=exported, clock=monite.clock))
    draft = next(each for each in invoices(again) if (each["type"], each["status"]) == ("invoice", "draft"))
    issued = again.call("POST", f"/receivables/{draft['id']}/issue", again.token(ANNA_ID), BAKERY_ID)
    assert issued.status_code == 200
    numbers = [each["document_id"] for each in invoices(again) if each.get("document_id")]
    assert len(set(numbers)) == len(numbers)


def test_the_published_schema_takes_an_export(exported):
    assert list(jsonschema.Draft202012Validator(schema()).iter_errors(exported)) == []


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda bakery: bakery["receivables"][0].update(status="lost"), r"receivables\[0\].*status"),
        (lambda bakery: bakery["receivables"][0].pop("type"), r"receivables\[0\]"),
        (
            lambda bakery: bakery["receivables"][0].pop("kept"),
            r"receivables\[0\]\.(source|credited): Field required",
        ),
        (lambda bakery: bakery["payables"][0].update(amount_paid="much"), r"payables\[0\]"),
        (
            lambda bakery: bakery["comments"][0].update(created_by="eve"),
            r"created_by: this entity has no user 'eve'",
        ),
        (lambda bakery: bakery["comments"][0].update(kept=[]), r"comments\[0\]\.kept: Input should be"),
        (
            lambda bakery: bakery.pop("default_role"),
            r"^partners\[0\] \(entities b4c.*\)\.default_role_id: Field required$",
        ),
    ],
)
def test_what_is_put_back_is_checked_too(exported, change, sentence):
    change(exported["partners"][0]["entities"][0])
    with pytest.raises(ValueError, match=sentence):
        Monite(seed=exported)


@pytest.mark.parametrize(
    ("kept", "sentence"),
    [
        ({"cakes": [{}]}, r"kept\.cakes\[0\]\.id: Field required"),
        ({"files": {}}, r"kept\.files: this has to be a list"),
        ([], r"partners\[0\]\.kept: this has to be an object"),
    ],
)
def test_what_has_no_list_is_checked_too(exported, kept, sentence):
    exported["partners"][0]["kept"] = kept
    with pytest.raises(ValueError, match=sentence):
        Monite(seed=exported)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"created_at": 1e300}, r"\[0\]\.created_at: Input should be less than"),
        ({"updated_at": float("nan")}, r"\[0\]\.updated_at: Input should be"),
        ({"number": -1}, r"\[0\]\.number: Input should be greater"),
        ({"entity_id": ANNA_ID}, r"^partners\[0\] \(payables.history .*\)\.entity_id: there is no entity"),
    ],
)
def test_a_world_whose_snapshot_would_be_refused_is_refused_at_once(exported, change, sentence):
    exported["partners"][0]["kept"]["payables.history"][0].update(change)
    with pytest.raises(ValueError, match=sentence):
        Monite(seed=exported)
