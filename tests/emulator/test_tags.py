"""Tags: unique names, who may change them, and that every record shows them as they are."""

from monite_auth.emulator import ANNA_ID, BAKERY_ID, BOOKS_ID, VIKTOR_ID
from tests.emulator.test_counterparts import COMPANY, PERSON


def send(api, method, path, body=None, *, user=ANNA_ID, entity=BAKERY_ID):
    return api.call(method, path, api.token(user), entity, json=body)


def tag(api, name):
    return send(api, "POST", "/tags", {"name": name, "category": "department"}).json()


def test_an_accountant_creates_reads_changes_and_deletes(api):
    created = send(api, "POST", "/tags", {"name": "Marketing"})
    assert created.status_code == 201
    assert created.json()["created_by_entity_user_id"] == ANNA_ID
    path = f"/tags/{created.json()['id']}"
    assert send(api, "GET", path).json() == created.json()
    changed = send(api, "PATCH", path, {"description": "Fairs"}).json()
    assert (changed["name"], changed["description"]) == ("Marketing", "Fairs")
    assert send(api, "GET", "/tags").json()["data"][-1] == changed
    assert send(api, "DELETE", path).status_code == 204
    assert send(api, "GET", path).status_code == 404


def test_a_name_is_unique_in_its_entity_and_case_matters(api):
    first, second = tag(api, "Rent"), tag(api, "rent")
    assert send(api, "POST", "/tags", {"name": "Rent"}).status_code == 400
    assert send(api, "PATCH", f"/tags/{second['id']}", {"name": "Rent"}).status_code == 400
    assert send(api, "PATCH", f"/tags/{first['id']}", {"name": "Rent"}).status_code == 200
    assert send(api, "POST", "/tags", {"name": "Rent"}, user=None, entity=BOOKS_ID).status_code == 201


def test_a_role_without_the_permission_sees_no_tags(api):
    path = f"/tags/{tag(api, 'Rent')['id']}"
    for method, where, body in (
        ("GET", "/tags", None),
        ("POST", "/tags", {"name": "Mine"}),
        ("GET", path, None),
        ("PATCH", path, {}),
        ("DELETE", path, None),
    ):
        assert send(api, method, where, body, user=VIKTOR_ID).status_code == 403


def test_records_bear_tags_and_show_them_as_they_are_now(api):
    rent, flour = tag(api, "Rent"), tag(api, "Flour")
    both = {"tag_ids": [rent["id"], flour["id"]]}
    bill = send(api, "POST", "/payables", both).json()
    company = send(
        api, "POST", "/counterparts", COMPANY | {"organization": COMPANY["organization"] | both}
    ).json()
    person = send(api, "POST", "/counterparts", PERSON | {"individual": PERSON["individual"] | both}).json()

    def borne():
        shown = send(api, "GET", f"/payables/{bill['id']}").json()["tags"]
        for each, kind in ((company, "organization"), (person, "individual")):
            assert send(api, "GET", f"/counterparts/{each['id']}").json()[kind]["tags"] == shown
        return [each["name"] for each in shown]

    assert borne() == ["Rent", "Flour"]
    send(api, "PATCH", f"/tags/{rent['id']}", {"name": "Office"})
    assert borne() == ["Office", "Flour"]
    query = {"tag_ids": rent["id"]}
    found = api.call("GET", "/payables", api.token(ANNA_ID), BAKERY_ID, params=query).json()["data"]
    assert [each["id"] for each in found] == [bill["id"]]
    send(api, "DELETE", f"/tags/{rent['id']}")
    assert borne() == ["Flour"]


def test_a_tag_of_another_entity_cannot_be_given(api):
    theirs = send(api, "POST", "/tags", {"name": "Paper"}, user=None, entity=BOOKS_ID).json()["id"]
    assert send(api, "POST", "/payables", {"tag_ids": [theirs]}).status_code == 400
    assert send(api, "GET", f"/tags/{theirs}").status_code == 404
