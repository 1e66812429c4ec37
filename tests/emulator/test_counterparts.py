"""Counterparts: what Monite's browser SDK asks about them, and who may see and change them."""

import uuid
from typing import Any

import httpx
import pytest

from monite_auth.emulator import ANNA_AT_TEA_ID, ANNA_ID, BAKERY_ID, BOOKS_ID, OSKAR_ID, TEA_ID, VIKTOR_ID

ADDRESS = {"country": "DE", "city": "Potsdam", "postal_code": "14467", "line1": "Am Kanal 1", "line2": ""}
# The empty strings are those that the SDK sends for the fields that a person leaves empty.
COMPANY: dict[str, Any] = {
    "type": "organization",
    "language": "en",
    "reminders_enabled": True,
    "tax_id": "",
    "organization": {
        "legal_name": "Havel Obst GmbH",
        "email": "post@havelobst.example",
        "phone": "",
        "is_vendor": True,
        "is_customer": False,
        "address": ADDRESS,
    },
}
PERSON: dict[str, Any] = {
    "type": "individual",
    "individual": {
        "first_name": "Frieda",
        "last_name": "Lang",
        "is_vendor": False,
        "is_customer": True,
        "address": ADDRESS,
    },
}


def names(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    parties = [each.get("organization") or each["individual"] for each in answer.json()["data"]]
    return [party.get("legal_name") or party["last_name"] for party in parties]


def listed(api: Any, **query: Any) -> list[str]:
    return names(api.call("GET", "/counterparts", api.token(ANNA_ID), BAKERY_ID, params=query))


@pytest.mark.parametrize(("body", "name"), [(COMPANY, "Havel Obst GmbH"), (PERSON, "Lang")])
def test_an_accountant_creates_reads_changes_and_deletes(api, body, name):
    token, kind = api.token(ANNA_ID), body["type"]
    created = api.call("POST", "/counterparts", token, BAKERY_ID, json=body)
    assert created.status_code == 201
    assert created.json()["created_by_entity_user_id"] == ANNA_ID
    assert listed(api)[0] == name
    path = f"/counterparts/{created.json()['id']}"
    assert api.call("GET", path, token, BAKERY_ID).json() == created.json()
    changed = api.call("PATCH", path, token, BAKERY_ID, json={"tax_id": "DE1", kind: {"phone": "+49 331"}})
    assert changed.json()[kind] == created.json()[kind] | {"phone": "+49 331"}
    assert changed.json()["tax_id"] == "DE1"
    assert api.call("DELETE", path, token, BAKERY_ID).status_code == 204
    assert api.call("GET", path, token, BAKERY_ID).status_code == 404


def test_a_counterpart_begins_with_its_address_and_no_other_parts(api):
    token = api.token(ANNA_ID)
    created = api.call("POST", "/counterparts", token, BAKERY_ID, json=COMPANY).json()
    path = f"/counterparts/{created['id']}"
    (address,) = api.call("GET", f"{path}/addresses", token, BAKERY_ID).json()["data"]
    assert address == ADDRESS | {"id": address["id"], "counterpart_id": created["id"]}
    for part in ("bank_accounts", "contacts", "vat_ids"):
        assert api.call("GET", f"{path}/{part}", token, BAKERY_ID).json() == {"data": []}
        assert api.call("GET", f"/counterparts/{uuid.uuid4()}/{part}", token, BAKERY_ID).status_code == 404


def test_the_seed_has_counterparts_for_all_companies(api):
    partner = api.token()
    for entity, count in ((BAKERY_ID, 3), (BOOKS_ID, 2), (TEA_ID, 2)):
        seeded = api.call("GET", "/counterparts", partner, entity).json()["data"]
        assert len(seeded) == count
        for each in seeded:
            addresses = api.call("GET", f"/counterparts/{each['id']}/addresses", partner, entity).json()
            assert addresses["data"][0]["city"]


def test_the_list_can_be_filtered_as_the_sdk_does(api):
    api.call("POST", "/counterparts", api.token(ANNA_ID), BAKERY_ID, json=PERSON)
    assert listed(api) == ["Lang", "Café Morgenrot", "Spree Immobilien GmbH", "Mühlenhof Mehle KG"]
    assert listed(api, type="individual") == ["Lang"]
    assert listed(api, is_customer=True) == ["Lang", "Café Morgenrot"]
    assert listed(api, is_vendor=True, counterpart_name__icontains="SPREE") == ["Spree Immobilien GmbH"]


def test_pages_lead_through_the_list(api):
    token = api.token(ANNA_ID)
    first = api.call("GET", "/counterparts", token, BAKERY_ID, params={"limit": 2})
    query = {"pagination_token": first.json()["next_pagination_token"]}
    second = api.call("GET", "/counterparts", token, BAKERY_ID, params=query)
    assert names(first) + names(second) == listed(api)
    assert "next_pagination_token" not in second.json()


def test_who_may_only_read_counterparts_is_refused_everything_else(api):
    clerk = api.token(ANNA_AT_TEA_ID)
    seeded = api.call("GET", "/counterparts", clerk, TEA_ID).json()["data"][0]
    path = f"/counterparts/{seeded['id']}"
    for answer in (
        api.call("POST", "/counterparts", clerk, TEA_ID, json=COMPANY),
        api.call("PATCH", path, clerk, TEA_ID, json={"organization": {}}),
        api.call("DELETE", path, clerk, TEA_ID),
        api.call("GET", f"{path}/vat_ids", clerk, TEA_ID),
    ):
        assert answer.status_code == 403
        assert "counterpart" in answer.json()["error"]["message"]


def test_who_may_not_read_counterparts_sees_none(api):
    viewer, seeded = api.token(VIKTOR_ID), api.monite.directory.counterparts.all(BAKERY_ID)[0]
    for path in ("", f"/{seeded.id}", f"/{seeded.id}/addresses"):
        assert api.call("GET", f"/counterparts{path}", viewer, BAKERY_ID).status_code == 403


def test_counterparts_of_other_companies_do_not_exist(api):
    elsewhere = api.monite.directory.counterparts.all(BOOKS_ID)[0]
    for path in ("", "/addresses", "/contacts"):
        answer = api.call("GET", f"/counterparts/{elsewhere.id}{path}", api.token(ANNA_ID), BAKERY_ID)
        assert answer.status_code == 404


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "club"},
        {"individual": PERSON["individual"]},
        {"organization": COMPANY["organization"] | {"address": {"city": "Potsdam"}}},
        {"organization": COMPANY["organization"] | {"phone": None}},
        {"tax_id": None},
        {"owner": "me"},
    ],
)
def test_a_malformed_counterpart_is_refused_with_422(api, wrong):
    answer = api.call("POST", "/counterparts", api.token(ANNA_ID), BAKERY_ID, json=COMPANY | wrong)
    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("body", "status"),
    [({}, 422), ({"organization": {}, "individual": {}}, 422), ({"individual": {"title": "Dr."}}, 422)],
)
def test_a_change_describes_the_party_that_the_counterpart_is(api, body, status):
    path = f"/counterparts/{api.monite.directory.counterparts.all(BAKERY_ID)[0].id}"
    assert api.call("PATCH", path, api.token(ANNA_ID), BAKERY_ID, json=body).status_code == status


PARTS = {
    "addresses": (ADDRESS, {"city": "Werder"}),
    "contacts": ({"first_name": "Ada", "last_name": "Havel", "address": ADDRESS}, {"title": "Dr"}),
    "bank_accounts": (
        {"country": "DE", "currency": "EUR", "iban": "DE02120300000000202051"},
        {"name": "Main"},
    ),
    "vat_ids": ({"value": "DE123456789", "country": "DE", "type": "eu_vat"}, {"value": "DE987654321"}),
}


@pytest.mark.parametrize("part", PARTS)
def test_a_counterpart_has_parts_that_come_and_go(api, part):
    token, (body, change) = api.token(ANNA_ID), PARTS[part]
    path = f"/counterparts/{api.monite.directory.counterparts.all(BAKERY_ID)[0].id}"
    before = api.call("GET", f"{path}/{part}", token, BAKERY_ID).json()["data"]
    made = api.call("POST", f"{path}/{part}", token, BAKERY_ID, json=body).json()
    assert body.items() <= made.items()
    one = f"{path}/{part}/{made['id']}"
    assert api.call("PATCH", one, token, BAKERY_ID, json=change).json() == made | change
    assert api.call("GET", one, token, BAKERY_ID).json() == made | change
    assert api.call("GET", f"{path}/{part}", token, BAKERY_ID).json()["data"] == [*before, made | change]
    elsewhere = api.monite.directory.counterparts.all(BAKERY_ID)[1].id
    assert (
        api.call("GET", f"/counterparts/{elsewhere}/{part}/{made['id']}", token, BAKERY_ID).status_code == 404
    )
    reader = api.token(OSKAR_ID)
    assert api.call("PATCH", one, reader, BAKERY_ID, json=change).status_code == 403
    assert api.call("DELETE", one, token, BAKERY_ID).status_code == 204
    assert api.call("GET", one, token, BAKERY_ID).status_code == 404


@pytest.mark.parametrize(
    ("part", "flag"), [("contacts", "is_default"), ("bank_accounts", "is_default_for_currency")]
)
def test_one_of_the_parts_is_the_one_to_use(api, part, flag):
    token = api.token(ANNA_ID)
    path = f"/counterparts/{api.monite.directory.counterparts.all(BAKERY_ID)[0].id}/{part}"
    made = [api.call("POST", path, token, BAKERY_ID, json=PARTS[part][0]).json()["id"] for _ in range(2)]
    for chosen in made:
        assert api.call("POST", f"{path}/{chosen}/make_default", token, BAKERY_ID).status_code == 200
        rows = api.call("GET", path, token, BAKERY_ID).json()["data"]
        assert [each["id"] for each in rows if each.get(flag)] == [chosen]


def test_a_deleted_counterpart_takes_its_parts_along(api):
    token, counterpart = api.token(ANNA_ID), api.monite.directory.counterparts.all(BAKERY_ID)[0]
    assert api.call("DELETE", f"/counterparts/{counterpart.id}", token, BAKERY_ID).status_code == 204
    assert api.monite.directory.table("counterparts.addresses").all(parent_id=counterpart.id) == []
