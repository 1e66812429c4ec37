"""Products, measure units, VAT rates, payment terms and reminders: what invoices are made of."""

import uuid

import pytest

from monite_auth.emulator import ANNA_ID, BAKERY_ID, BOOKS_ID, VIKTOR_ID
from monite_auth.emulator.world.permissions import rule

LOAF = {"name": "Rye loaf", "type": "product", "price": {"currency": "EUR", "value": 450}}
TERM = {"number_of_days": 30}
REMINDER = {"subject": "Soon", "body": "Please pay", "days_before": 3}
KINDS = [
    ("/products", LOAF, {"description": "dark"}, "product"),
    ("/measure_units", {"name": "kg"}, {"description": "Kilogram"}, "receivable"),
    ("/payment_terms", {"name": "Net 30", "term_final": TERM}, {"description": "30 days"}, "receivable"),
    (
        "/payment_reminders",
        {"name": "Soon", "term_final_reminder": REMINDER},
        {"name": "Now"},
        "payment_reminder",
    ),
    ("/overdue_reminders", {"name": "Late"}, {"name": "Too late"}, "overdue_reminder"),
]


@pytest.mark.parametrize(("path", "body", "change", "kind"), KINDS)
def test_an_accountant_creates_reads_changes_and_deletes_it(api, path, body, change, kind):
    def call(method, path, **options):
        return api.call(method, path, token, BAKERY_ID, **options)

    token, viewer = api.token(ANNA_ID), api.token(VIKTOR_ID)
    created = call("POST", path, json=body)
    assert (created.status_code, body.items() <= created.json().items()) == (201, True)
    one = f"{path}/{created.json()['id']}"
    assert created.json() in call("GET", path).json()["data"]
    assert call("GET", one).json() == created.json()
    assert api.call("GET", one, api.token(), BOOKS_ID).status_code == 404
    assert call("PATCH", one, json=change).json().items() >= (body | change).items()
    for refused in (
        api.call("GET", path, viewer, BAKERY_ID),
        api.call("POST", path, viewer, BAKERY_ID, json=body),
        api.call("DELETE", one, viewer, BAKERY_ID),
    ):
        assert (refused.status_code, kind in refused.text) == (403, True)
    assert call("DELETE", one).status_code == 204
    assert call("GET", one).status_code == 404


@pytest.mark.parametrize(("path", "body", "change", "kind"), KINDS)
def test_allowed_for_own_is_what_one_has_created(api, path, body, change, kind):
    directory = api.monite.directory
    role = directory.roles.get(directory.users.get(VIKTOR_ID).role_id)
    own = rule(kind, ("create", "read", "update", "delete"), "allowed_for_own")
    directory.roles.change(role, {"permissions": {"objects": [own]}})
    token = api.token(VIKTOR_ID)
    others = api.call("POST", path, api.token(ANNA_ID), BAKERY_ID, json=body).json()["id"]
    own = api.call("POST", path, token, BAKERY_ID, json=body).json()["id"]
    assert [each["id"] for each in api.call("GET", path, token, BAKERY_ID).json()["data"]] == [own]
    assert api.call("PATCH", f"{path}/{own}", token, BAKERY_ID, json=change).status_code == 200
    assert api.call("PATCH", f"{path}/{others}", token, BAKERY_ID, json=change).status_code == 403


def test_a_product_is_found_by_its_price_its_unit_and_its_name(api):
    def names(**query):
        answer = api.call("GET", "/products", token, BAKERY_ID, params=query)
        return [each["name"] for each in answer.json()["data"]]

    token = api.token(ANNA_ID)
    unit = api.call("POST", "/measure_units", token, BAKERY_ID, json={"name": "piece"}).json()["id"]
    roll = {"name": "Plain roll", "price": {"currency": "EUR", "value": 60}, "measure_unit_id": unit}
    for body in (LOAF | {"name": "Plain loaf"}, roll):
        assert api.call("POST", "/products", token, BAKERY_ID, json=body).json()["entity_user_id"] == ANNA_ID
    plain = {"name__icontains": "plain"}
    assert names(**plain, price__lt=100) == names(measure_unit_id=unit) == ["Plain roll"]
    assert names(**plain, sort="name", order="asc", currency="EUR") == ["Plain loaf", "Plain roll"]
    assert names(currency="USD") == []


@pytest.mark.parametrize("wrong", [{"measure_unit_id": str(uuid.uuid4())}, {"price": {"currency": "EUR"}}])
def test_a_product_with_an_unknown_unit_or_half_a_price_is_refused(api, wrong):
    answer = api.call("POST", "/products", api.token(), BAKERY_ID, json=LOAF | wrong)
    assert answer.status_code == (400 if "measure_unit_id" in wrong else 422)


def test_a_list_without_pages_shows_everything(api):
    partner = api.token()
    before = len(api.call("GET", "/measure_units", partner, BAKERY_ID).json()["data"])
    for number in range(101):
        api.monite.directory.table("measure_units").add(
            str(uuid.uuid4()), {"name": f"unit {number}"}, entity_id=BAKERY_ID
        )
    assert len(api.call("GET", "/measure_units", partner, BAKERY_ID).json()["data"]) == before + 101


def test_the_vat_rates_are_those_of_the_entitys_country(api):
    def rates(entity, **query):
        return api.call("GET", "/vat_rates", api.token(), entity, params=query)

    assert [each["value"] for each in rates(BAKERY_ID).json()["data"]] == [1900, 700, 0]
    assert {each["country"] for each in rates(BOOKS_ID).json()["data"]} == {"GB"}
    assert api.call("GET", "/vat_rates", api.token(VIKTOR_ID), BAKERY_ID).status_code == 403
