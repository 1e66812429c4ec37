"""Entities, entity users and roles: who may create, read, change and delete them."""

import uuid

import pytest

from monite_auth.emulator import (
    ANNA_ID,
    BAKERY_ID,
    BOOKS_ID,
    OSKAR_ID,
    PEOPLE,
    VIKTOR_ID,
    VIOLET_ID,
    Monite,
)
from monite_auth.emulator.api import SERVED

ADDRESS = {"country": "FR", "city": "Lyon", "postal_code": "69001", "line1": "1 rue de la Paix"}
ORGANIZATION = {
    "type": "organization",
    "email": "hello@atelier.example",
    "address": ADDRESS,
    "organization": {"legal_name": "Atelier SARL"},
}
PERSON = {
    "type": "individual",
    "email": "eve@example.com",
    "address": ADDRESS,
    "individual": {"first_name": "Eve", "last_name": "Martin"},
}
READ_PAYABLES = {"object_type": "payable", "actions": [{"action_name": "read", "permission": "allowed"}]}


@pytest.mark.parametrize("body", [ORGANIZATION, PERSON])
def test_the_partner_creates_reads_and_changes_entities(api, body):
    partner = api.token()
    created = api.call("POST", "/entities", partner, json=body)
    assert created.status_code == 201
    path = f"/entities/{created.json()['id']}"
    assert api.call("GET", path, partner).json() == created.json()
    changed = api.call("PATCH", path, partner, json={"address": {"city": "Paris"}, "phone": "+33 1"})
    assert changed.json()["address"] == ADDRESS | {"city": "Paris"}
    assert changed.json()["phone"] == "+33 1"
    assert created.json()["id"] in [
        entity["id"] for entity in api.call("GET", "/entities", partner).json()["data"]
    ]
    listed = api.call("GET", "/entities", partner, params={"type": body["type"]}).json()["data"]
    assert {entity["type"] for entity in listed} == {body["type"]}


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "club"},
        {"email": "nobody"},
        {"organization": None},
        {"individual": PERSON["individual"]},
        {"address": {"city": "Lyon"}},
        {"owner": "me"},
    ],
)
def test_a_malformed_entity_is_refused_with_422(api, wrong):
    assert api.call("POST", "/entities", api.token(), json=ORGANIZATION | wrong).status_code == 422


@pytest.mark.parametrize(
    ("method", "path"), [("GET", ""), ("POST", ""), ("GET", f"/{BAKERY_ID}"), ("PATCH", f"/{BAKERY_ID}")]
)
def test_entities_are_for_partner_tokens_only(api, method, path):
    body = {} if method == "PATCH" else ORGANIZATION
    answer = api.call(method, f"/entities{path}", api.token(ANNA_ID), json=None if method == "GET" else body)
    assert answer.status_code == 403


@pytest.mark.parametrize("path", ["/entity_users/me", "/entity_users/my_entity", "/entity_users/my_role"])
def test_the_endpoints_about_oneself_are_for_entity_user_tokens_only(api, path):
    assert api.call("GET", path, api.token()).status_code == 403


@pytest.mark.parametrize("person", PEOPLE, ids=lambda person: person.login)
def test_everybody_may_ask_who_they_are(api, person):
    token = api.token(person.entity_user_id)
    assert api.call("GET", "/entity_users/me", token).json()["login"] == person.login
    assert api.call("GET", "/entity_users/my_entity", token).json()["id"] == person.entity_id
    assert api.call("GET", "/entity_users/my_role", token).json()["name"] == person.role


def test_everybody_may_change_their_own_name_but_not_their_login_or_role(api):
    token = api.token(VIKTOR_ID)
    changed = api.call("PATCH", "/entity_users/me", token, json={"last_name": "Adler", "first_name": None})
    assert (changed.json()["first_name"], changed.json()["last_name"]) == ("Viktor", "Adler")
    for field in ("login", "role_id"):
        assert api.call("PATCH", "/entity_users/me", token, json={field: ANNA_ID}).status_code == 422


def test_changing_ones_entity_needs_the_permission(api):
    body = {"organization": {"legal_name": "Sunny Bakery GmbH"}, "individual": {"first_name": "No"}}
    assert api.call("PATCH", "/entity_users/my_entity", api.token(ANNA_ID), json=body).status_code == 403
    role = {
        "name": "Owner",
        "permissions": {"objects": [{"object_type": "entity", "actions": [{"action_name": "update"}]}]},
    }
    owner = api.call("POST", "/roles", api.token(), BAKERY_ID, json=role).json()["id"]
    api.call("PATCH", f"/entity_users/{ANNA_ID}", api.token(), BAKERY_ID, json={"role_id": owner})
    changed = api.call("PATCH", "/entity_users/my_entity", api.token(ANNA_ID), json=body)
    assert changed.json()["organization"]["legal_name"] == "Sunny Bakery GmbH"
    assert "individual" not in changed.json()


def test_the_partner_creates_reads_changes_and_deletes_entity_users(api):
    partner = api.token()
    created = api.call(
        "POST", "/entity_users", partner, BAKERY_ID, json={"first_name": "New", "login": "new"}
    )
    assert created.status_code == 200
    path = f"/entity_users/{created.json()['id']}"
    assert api.call("GET", path, partner, BAKERY_ID).json() == created.json()
    assert api.call("PATCH", path, partner, BAKERY_ID, json={"login": "newer"}).json()["login"] == "newer"
    assert api.call("DELETE", path, partner, BAKERY_ID).status_code == 204
    assert api.call("GET", path, partner, BAKERY_ID).status_code == 404


def test_a_user_created_without_a_role_gets_the_entitys_default_role(api, monite):
    body = {"first_name": "New", "login": "new"}
    created = api.call("POST", "/entity_users", api.token(), BAKERY_ID, json=body).json()
    assert created["role_id"] == monite.directory.entities.get(BAKERY_ID).default_role_id
    assert api.call("GET", "/payables", api.token(created["id"]), BAKERY_ID).status_code == 200


def test_a_new_entity_comes_with_a_default_role(api):
    entity = api.call("POST", "/entities", api.token(), json=ORGANIZATION).json()["id"]
    body = {"first_name": "First", "login": "first"}
    user = api.call("POST", "/entity_users", api.token(), entity, json=body).json()["id"]
    assert api.call("GET", "/entity_users/my_role", api.token(user)).json()["name"] == "Default"


def test_a_login_is_unique_within_its_entity(api):
    body = {"first_name": "Other", "login": "violet.frost"}
    assert api.call("POST", "/entity_users", api.token(), BOOKS_ID, json=body).status_code == 400
    assert api.call("POST", "/entity_users", api.token(), BAKERY_ID, json=body).status_code == 200
    path = f"/entity_users/{ANNA_ID}"
    assert api.call("PATCH", path, api.token(), BAKERY_ID, json={"login": "viktor.vogel"}).status_code == 400
    assert api.call("PATCH", path, api.token(), BAKERY_ID, json={"login": "anna.becker"}).status_code == 200


def test_a_role_of_another_entity_cannot_be_given(api, monite):
    role = monite.directory.users.get(VIOLET_ID).role_id
    answer = api.call("PATCH", f"/entity_users/{ANNA_ID}", api.token(), BAKERY_ID, json={"role_id": role})
    assert answer.status_code == 400


def test_entity_users_can_be_found_by_login_and_by_role(api, monite):
    partner = api.token()
    found = api.call("GET", "/entity_users", partner, BAKERY_ID, params={"login": "oskar.lindt"}).json()[
        "data"
    ]
    assert [user["id"] for user in found] == [OSKAR_ID]
    role = monite.directory.users.get(VIKTOR_ID).role_id
    found = api.call("GET", "/entity_users", partner, BAKERY_ID, params={"role_id": role}).json()["data"]
    assert [user["id"] for user in found] == [VIKTOR_ID]


@pytest.mark.parametrize("wrong", [{"login": None}, {"first_name": None}, {"is_admin": True}, {"email": "x"}])
def test_a_malformed_entity_user_is_refused_with_422(api, wrong):
    body = {"first_name": "New", "login": "new"} | wrong
    assert api.call("POST", "/entity_users", api.token(), BAKERY_ID, json=body).status_code == 422


def test_roles_can_be_created_read_changed_found_and_deleted(api):
    partner = api.token()
    body = {"name": "Auditor", "permissions": {"objects": [READ_PAYABLES]}}
    created = api.call("POST", "/roles", partner, BAKERY_ID, json=body)
    assert created.status_code == 201
    assert created.json()["permissions"] == body["permissions"]
    path = f"/roles/{created.json()['id']}"
    assert api.call("GET", path, partner, BAKERY_ID).json() == created.json()
    assert api.call("PATCH", path, partner, BAKERY_ID, json={"name": "Guest"}).json()["name"] == "Guest"
    found = api.call("GET", "/roles", partner, BAKERY_ID, params={"name": "Guest"}).json()["data"]
    assert [role["id"] for role in found] == [created.json()["id"]]
    assert api.call("DELETE", path, partner, BAKERY_ID).status_code == 204
    assert api.call("GET", path, partner, BAKERY_ID).status_code == 404


def test_a_role_in_use_cannot_be_deleted(api, monite):
    partner = api.token()
    held = monite.directory.users.get(VIKTOR_ID).role_id
    default = monite.directory.entities.get(BAKERY_ID).default_role_id
    for role in (held, default):
        assert api.call("DELETE", f"/roles/{role}", partner, BAKERY_ID).status_code == 409


@pytest.mark.parametrize(
    "rule",
    [
        {"object_type": "unicorn", "actions": []},
        {"object_type": "counterpart", "actions": [{"action_name": "pay", "permission": "allowed"}]},
        {"object_type": "payable", "actions": [{"action_name": "pay", "permission": "sometimes"}]},
        {"object_type": "payable", "actions": [{"action_name": "pay", "permission": "allowed", "limit": 5}]},
        {"object_type": "payable", "actions": [], "note": ""},
        {"actions": []},
    ],
)
def test_a_role_with_unknown_objects_actions_or_fields_is_refused_with_422(api, rule):
    body = {"name": "Odd", "permissions": {"objects": [rule]}}
    assert api.call("POST", "/roles", api.token(), BAKERY_ID, json=body).status_code == 422


def test_a_changed_role_holds_for_tokens_that_exist_already(api, monite):
    token, role = api.token(VIKTOR_ID), monite.directory.users.get(VIKTOR_ID).role_id
    assert api.call("GET", "/payables", token, BAKERY_ID).status_code == 200
    change = {"permissions": {"objects": []}}
    answer = api.call("PATCH", f"/roles/{role}", api.token(), BAKERY_ID, json=change)
    assert answer.status_code == 200
    assert api.call("GET", "/payables", token, BAKERY_ID).status_code == 403


def test_a_role_that_grants_nothing_reads_only_what_no_object_type_is_about(api, monite):
    token, role = api.token(VIKTOR_ID), monite.directory.users.get(VIKTOR_ID).role_id
    change = {"permissions": {"objects": []}}
    api.call("PATCH", f"/roles/{role}", api.token(), BAKERY_ID, json=change)
    lists = {path for method, path in SERVED if method == "GET" and "{" not in path}
    statuses = {path: api.call("GET", path, token, BAKERY_ID).status_code for path in lists}
    themselves = {"/entity_users/me", "/entity_users/my_entity", "/entity_users/my_role"}
    free = {"/events", "/files", "/internal/currencies", "/webhook_deliveries"}
    assert {path for path, status in statuses.items() if status == 200} == themselves | free
    assert {*statuses.values()} == {200, 403}


@pytest.mark.parametrize("path", ["/entity_users", "/roles", "/payables"])
def test_a_call_must_name_the_entity_that_it_is_about(api, path):
    token = api.token(ANNA_ID)
    assert api.call("GET", path, token).status_code == 422
    assert api.call("GET", path, token, "no-uuid").status_code == 422
    assert api.call("GET", path, token, BOOKS_ID).status_code == 403
    assert api.call("GET", path, api.token(), str(uuid.uuid4())).status_code == 404


@pytest.mark.parametrize("path", ["/entities", "/entity_users", "/roles", "/payables"])
def test_an_unknown_id_is_refused_with_404_and_a_malformed_one_with_422(api, path):
    assert api.call("GET", f"{path}/{uuid.uuid4()}", api.token(), BAKERY_ID).status_code == 404
    assert api.call("GET", f"{path}/nobody", api.token(), BAKERY_ID).status_code == 422


def test_records_of_another_entity_are_not_found(api):
    assert api.call("GET", f"/entity_users/{VIOLET_ID}", api.token(), BAKERY_ID).status_code == 404


@pytest.mark.parametrize("path", ["/entity_users", "/roles"])
def test_reading_people_and_roles_needs_the_permission(api, path):
    assert api.call("GET", path, api.token(ANNA_ID), BAKERY_ID).status_code == 200
    answer = api.call("GET", path, api.token(VIKTOR_ID), BAKERY_ID)
    assert answer.status_code == 403
    assert "read" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/entity_users", {"first_name": "New", "login": "new"}),
        ("PATCH", f"/entity_users/{OSKAR_ID}", {"last_name": "X"}),
        ("DELETE", f"/entity_users/{OSKAR_ID}", None),
        ("POST", "/roles", {"name": "Own", "permissions": {"objects": []}}),
    ],
)
def test_a_role_that_only_reads_people_and_roles_cannot_change_them(api, method, path, body):
    assert api.call(method, path, api.token(ANNA_ID), BAKERY_ID, json=body).status_code == 403


def test_an_emulator_without_seed_is_empty():
    empty = Monite(seed=False)
    assert empty.directory.entities.all() == []
    assert empty.directory.users.get(ANNA_ID) is None


def test_a_deactivated_entity_performs_no_operations_until_it_is_activated(api):
    partner, token = api.token(), api.token(ANNA_ID)
    assert api.call("POST", f"/entities/{BAKERY_ID}/deactivate", partner).status_code == 200
    assert api.mint(ANNA_ID).status_code == 400
    assert api.call("GET", "/entity_users/me", token).status_code == 403
    assert api.call("GET", "/payables", partner, BAKERY_ID).status_code == 403
    assert api.call("GET", f"/entities/{BAKERY_ID}", partner).json()["status"] == "inactive"
    assert api.call("GET", "/payables", partner, BOOKS_ID).status_code == 200
    assert api.call("POST", f"/entities/{BAKERY_ID}/activate", partner).status_code == 200
    assert api.call("GET", "/entity_users/me", token).status_code == 200
