"""Seed files: a world in YAML or JSON, checked with the place of what is wrong, and exported again."""

import json
import re
import sys
from datetime import date, timedelta
from pathlib import Path

import jsonschema
import pytest
import yaml
from click.testing import CliRunner

from monite_auth.cli.plain import monite_auth as app
from monite_auth.emulator import ANNA_ID, BAKERY_ID, DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, Monite
from tests.emulator.conftest import Api

CLIENT, SECRET = "5c11e000-0000-4000-8000-000000000001", "the studio's secret"
STUDIO = "57d10000-0000-4000-8000-000000000001"
ZOE = "20e00000-0000-4000-8000-000000000001"
WORLD = f"""
partners:
  - credentials:
      - client_id: {CLIENT}
        client_secret: {SECRET}
      - client_id: {CLIENT}
        client_secret: another one
    entities:
      - id: {STUDIO}
        organization:
          legal_name: Studio Nord
        email: hello@studio.example
        address: {{country: DE, city: Kiel, postal_code: "24103", line1: Hafenstraße 1}}
        default_role: Reader
        roles:
          - name: Reader
            permissions: {{payable: [read]}}
          - name: Owner
            permissions: {{payable: {{read: allowed, create: allowed_for_own}}, tag: [create, read]}}
        entity_users:
          - id: {ZOE}
            login: zoe
            first_name: Zoe
            role: Owner
          - login: max
            first_name: Max
        counterparts:
          - type: organization
            organization:
              legal_name: Papier KG
              is_vendor: true
              is_customer: false
              address: {{country: DE, city: Kiel, postal_code: "24103", line1: Kai 2}}
            contacts:
              - first_name: Ute
                last_name: Krohn
                address: {{country: DE, city: Kiel, postal_code: "24103", line1: Kai 2}}
        payables:
          - currency: EUR
            document_id: PK-1
            due_date: today+14
            created_by: zoe
            created_at: 2026-01-05T09:00:00Z
            status: waiting_to_be_paid
        tags:
          - name: urgent
"""


@pytest.fixture
def world():
    return yaml.safe_load(WORLD)


def listed(api, path, entity=STUDIO, credentials=(CLIENT, SECRET)):
    pair = dict(zip(("client_id", "client_secret"), credentials, strict=True))
    token = api.mint(**pair).json()["access_token"]
    answer = api.call("GET", path, token, entity)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def test_a_yaml_file_becomes_a_world(tmp_path):
    file = tmp_path / "world.yaml"
    file.write_text(WORLD)
    monite = Monite(seed=file)
    api = Api(monite)
    (entity,) = listed(api, "/entities", None)
    assert (entity["id"], entity["organization"]["legal_name"]) == (STUDIO, "Studio Nord")
    roles = {role["name"]: role["id"] for role in listed(api, "/roles")}
    assert roles.keys() == {"Reader", "Owner"}
    users = {user["login"]: user["role_id"] for user in listed(api, "/entity_users")}
    assert users == {"zoe": roles["Owner"], "max": roles["Reader"]}
    (bill,) = listed(api, "/payables")
    due = date.today() + timedelta(days=14)  # noqa: DTZ011 - in UTC below
    assert abs(date.fromisoformat(bill["due_date"]) - due) <= timedelta(days=1)
    assert (bill["status"], bill["was_created_by_user_id"]) == ("waiting_to_be_paid", ZOE)
    assert bill["created_at"].startswith("2026-01-05T09:00:00")
    (counterpart,) = listed(api, "/counterparts")
    (contact,) = listed(api, f"/counterparts/{counterpart['id']}/contacts")
    assert contact["first_name"] == "Ute"
    assert listed(api, "/tags", credentials=(CLIENT, "another one"))[0]["name"] == "urgent"
    token = api.mint(ZOE, client_id=CLIENT, client_secret=SECRET).json()["access_token"]
    assert api.call("POST", "/tags", token, STUDIO, json={"name": "late"}).status_code == 201
    assert api.call("GET", "/counterparts", token, STUDIO).status_code == 403


def test_a_json_file_needs_no_yaml(tmp_path, world, monkeypatch):
    monkeypatch.setitem(sys.modules, "yaml", None)
    file = tmp_path / "world.json"
    file.write_text(json.dumps(world, default=str))
    assert listed(Api(Monite(seed=file)), "/tags")
    file = tmp_path / "world.yaml"
    file.write_text(WORLD)
    with pytest.raises(ValueError, match="pip install pyyaml"):
        Monite(seed=file)


def test_a_reset_begins_with_the_file_again(world):
    monite = Monite(seed=world)
    monite.directory.payables.clear()
    monite.reset()
    assert len(listed(Api(monite), "/payables")) == 1


def test_a_first_partner_without_credentials_has_those_of_the_demo(world):
    del world["partners"][0]["credentials"]
    assert listed(Api(Monite(seed=world)), "/tags", credentials=(DEMO_CLIENT_ID, DEMO_CLIENT_SECRET))


def at(world, *steps):
    for step in steps:
        world = world[step]
    return world


ENTITY = ("partners", 0, "entities", 0)


@pytest.mark.parametrize(
    ("where", "changes", "sentence"),
    [
        ((), {"partner": []}, r"^partner: there is no such field; there are partners$"),
        ((), {"partners": []}, r"^partners: there has to be one at least$"),
        ((), {"partners": {}}, r"^partners: this has to be a list$"),
        (("partners", 0), {"users": []}, r"^partners\[0\]\.users: there is no such field"),
        (
            ("partners", 0, "credentials", 1),
            {"client_id": "studio"},
            r"^partners\[0\]\.credentials\[1\]\.client_id: Input should be a valid UUID",
        ),
        (ENTITY, {"email": "nobody"}, r"^partners\[0\]\.entities\[0\]\.email: String should match"),
        (ENTITY, {"colour": "red"}, r"^partners\[0\]\.entities\[0\]\.colour: there is no such field"),
        (
            ENTITY,
            {"default_role": "Boss"},
            r"default_role: this entity has no role 'Boss'; it has 'Reader', 'Owner'",
        ),
        ((*ENTITY, "entity_users", 0), {"role": "Boss"}, r"entity_users\[0\]\.role: this entity has no role"),
        (
            (*ENTITY, "entity_users", 0),
            {"role": ["Owner"]},
            r"entity_users\[0\]\.role: this entity has no role",
        ),
        ((*ENTITY, "roles", 0), {"permissions": {"tag": [{}]}}, r"roles\[0\]\.permissions\.objects\[0\]"),
        (
            (*ENTITY, "entity_users", 1),
            {"id": ZOE},
            r"entity_users\[1\]\.id: there is another of the entity_users with the id 20e",
        ),
        ((*ENTITY, "entity_users", 1), {"login": "zoe"}, r"entity_users\[1\]: The login 'zoe' is taken"),
        ((*ENTITY, "roles", 0), {"permissions": {"cake": ["eat"]}}, r"roles\[0\]\.permissions\.objects\[0\]"),
        ((*ENTITY, "payables", 0), {"status": "lost"}, r"payables\[0\]\.status: Input should be"),
        ((*ENTITY, "payables", 0), {"due_date": "soon"}, r"payables\[0\]\.due_date: "),
        ((*ENTITY, "payables", 0), {"created_by": "eve"}, r"created_by: this entity has no user 'eve'"),
        ((*ENTITY, "counterparts", 0, "contacts", 0), {"first_name": 5}, r"contacts\[0\]\.first_name: "),
        ((*ENTITY, "tags"), None, None),
    ],
)
def test_a_wrong_seed_is_refused_with_its_place(world, where, changes, sentence):
    if changes is None:
        at(world, *where).append("urgent")
        sentence = r"tags\[1\]: this has to be an object"
    else:
        at(world, *where).update(changes)
    with pytest.raises(ValueError, match=sentence):
        Monite(seed=world)


def test_an_export_begins_the_same_world_again(world):
    for monite in (Monite(), Monite(seed=world)):
        exported = monite.export(secrets=True)
        assert Monite(seed=exported).export(secrets=True) == exported


def test_an_id_belongs_to_one_record_of_all_partners(world):
    again = json.loads(json.dumps(world["partners"][0], default=str))
    again["credentials"] = [{"client_id": ZOE, "client_secret": "s"}]
    world["partners"].append(again)
    with pytest.raises(
        ValueError, match=r"^partners\[1\]\.entities\[0\]\.id: there is another of the entities"
    ):
        Monite(seed=world)


def test_a_counterpart_needs_no_address(world):
    """Nothing in Monite's shapes demands one, and an export has it beside the counterpart."""
    (counterpart,) = at(world, *ENTITY, "counterparts")
    del counterpart["organization"]["address"]
    api = Api(Monite(seed=world))
    (found,) = listed(api, "/counterparts")
    assert found["organization"]["legal_name"] == "Papier KG"
    assert listed(api, "/counterparts?address.city=Kiel") == []


def test_an_export_tells_what_clients_have_made(api, monite):
    def made(path, body, token=None):
        return api.call("POST", path, token or api.token(ANNA_ID), BAKERY_ID, json=body).json()

    bill = "9a1ab1e0-0000-4000-8000-000000000001"
    invoice = made("/receivables/4ece17ab-0000-4000-8000-000000000002/clone", None)
    made(f"/receivables/{invoice['id']}/issue", None)
    made("/comments", {"object_type": "payable", "object_id": bill, "text": "Paid?"}, api.token())
    made("/comments", {"object_type": "payable", "object_id": bill, "text": "Yes"})
    made("/approval_policies", {"name": "Mine", "script": [], "trigger": True}, api.token())
    exported = monite.export(secrets=True)
    again = Monite(seed=exported, clock=monite.clock)
    assert again.export(secrets=True) == exported


def test_secrets_are_masked_unless_asked_for(api, monite):
    masked = api.send("GET", "/_emulator/export")
    assert DEMO_CLIENT_SECRET not in masked.text
    with pytest.raises(ValueError, match="write the secret"):
        Monite(seed=masked.json())
    whole = api.send("GET", "/_emulator/export", params={"secrets": True}).json()
    assert Api(Monite(seed=whole)).token(ANNA_ID)
    assert whole["partners"][0]["entities"][0]["id"] == BAKERY_ID


def test_the_published_schema_takes_what_the_emulator_takes(api, monite, world):
    schema = api.send("GET", "/_emulator/seed_schema").json()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    world = json.loads(json.dumps(world, default=str))
    for seed in (world, monite.export()):
        assert [error.message for error in validator.iter_errors(seed)] == []
    world["partners"][0]["entities"][0]["colour"] = "red"
    assert not validator.is_valid(world)


def test_the_seed_file_of_the_documentation_works():
    page = (Path(__file__).parents[2] / "docs" / "emulator.md").read_text()
    shown = yaml.safe_load(re.search(r"```yaml\n(.*?)```", page, re.DOTALL)[1])
    monite = Monite(seed=shown)
    assert [user.login for user in monite.directory.users.all()] == ["zoe", "max"]


def test_the_command_says_what_is_wrong_with_a_seed_file(tmp_path):
    file = tmp_path / "world.json"
    file.write_text('{"partners": [{"people": []}]}')
    result = CliRunner().invoke(app, ["emulator", "--seed-file", str(file)])
    assert result.exit_code != 0
    assert "partners[0].people: there is no such field" in result.output
