"""Bank accounts, VAT ids and payment methods of an entity."""

import pytest

from monite_auth.emulator import ANNA_ID, BAKERY_ID, BOOKS_ID, VIKTOR_ID

EURO = {"country": "DE", "currency": "EUR", "iban": "DE02120300000000202051"}
DOLLAR = {
    "country": "US",
    "currency": "USD",
    "account_holder_name": "B",
    "account_number": "1",
    "routing_number": "2",
}
VAT_IDS = f"/entities/{BAKERY_ID}/vat_ids"
METHODS = f"/entities/{BAKERY_ID}/payment_methods"


def add(api, body):
    answer = api.call("POST", "/bank_accounts", api.token(ANNA_ID), BAKERY_ID, json=body)
    assert answer.status_code == 201, answer.text
    return f"/bank_accounts/{answer.json()['id']}"


@pytest.fixture
def empty(api):
    """The bakery without bank accounts."""
    table = api.monite.directory.table("bank_accounts")
    table.remove(*table.all(BAKERY_ID))


def test_one_account_of_each_currency_is_the_default(api, empty):
    def defaults():
        return [
            api.call("GET", each, partner, BAKERY_ID).json()["is_default_for_currency"] for each in accounts
        ]

    partner = api.token()
    accounts = [add(api, EURO), add(api, EURO), add(api, DOLLAR)]
    assert defaults() == [True, False, True]
    made = api.call("POST", f"{accounts[1]}/make_default", api.token(ANNA_ID), BAKERY_ID)
    assert made.json()["is_default_for_currency"]
    assert defaults() == [False, True, True]
    accounts.append(add(api, EURO | {"is_default_for_currency": True}))
    assert defaults() == [False, False, True, True]
    assert api.call("DELETE", accounts.pop(), partner, BAKERY_ID).status_code == 204
    assert defaults() == [True, False, True]


@pytest.mark.parametrize(
    ("body", "missing"),
    [
        ({"currency": "EUR"}, ["iban"]),
        ({"currency": "GBP", "account_number": "1"}, ["account_holder_name", "sort_code"]),
        ({"currency": "CHF", "account_number": "1"}, ["iban"]),
        ({"currency": "CHF", "account_number": "1", "sort_code": "2"}, []),
    ],
)
def test_an_account_has_what_its_currency_needs(api, body, missing):
    answer = api.call("POST", "/bank_accounts", api.token(), BAKERY_ID, json={"country": "CH"} | body)
    assert [each["loc"][-1] for each in answer.json().get("detail", ())] == missing
    assert answer.status_code == (422 if missing else 201)


def test_a_bank_account_takes_its_own_permission(api):
    account, viewer = add(api, EURO), api.token(VIKTOR_ID)
    changed = api.call("PATCH", account, api.token(ANNA_ID), BAKERY_ID, json={"display_name": "Till"})
    assert (changed.json()["display_name"], changed.json()["was_created_by_user_id"]) == ("Till", ANNA_ID)
    assert api.call("GET", f"{account}/verifications", api.token(ANNA_ID), BAKERY_ID).json() == {}
    for method, path in (("GET", account), ("POST", f"{account}/make_default"), ("GET", "/bank_accounts")):
        answer = api.call(method, path, viewer, BAKERY_ID)
        assert (answer.status_code, "entity_bank_account" in answer.text) == (403, True)


def test_vat_ids_are_kept_by_the_partner_and_by_whoever_may(api):
    token = api.token(ANNA_ID)
    created = api.call(
        "POST", VAT_IDS, token, json={"country": "DE", "type": "eu_vat", "value": "DE123456789"}
    )
    assert (created.status_code, created.json()["entity_id"]) == (201, BAKERY_ID)
    one = f"{VAT_IDS}/{created.json()['id']}"
    changed = api.call("PATCH", one, api.token(), json={"value": "DE987654321", "country": None})
    assert (changed.json()["value"], changed.json()["country"]) == ("DE987654321", "DE")
    assert changed.json() in api.call("GET", VAT_IDS, token).json()["data"]
    assert api.call("GET", VAT_IDS, api.token(VIKTOR_ID)).status_code == 403
    assert api.call("GET", f"/entities/{BOOKS_ID}/vat_ids", token).status_code == 403
    assert api.call("DELETE", one, token).status_code == 204
    assert api.call("GET", one, token).status_code == 404


def test_payment_methods_are_active_once_they_are_chosen(api):
    def active(token):
        data = api.call("GET", METHODS, token).json()["data"]
        return [(each["direction"], each["name"]) for each in data if each["status"] == "active"]

    partner = api.token()
    assert active(partner) == []
    api.call("PUT", METHODS, partner, json={"payment_methods_receive": ["sepa_credit", "card"]})
    api.call("PUT", METHODS, partner, json={"payment_methods_send": ["us_ach"]})
    expected = [("receive", "SEPA Payments"), ("send", "US ACH Payments"), ("receive", "Card payments")]
    assert active(api.token(ANNA_ID)) == expected
    assert api.call("PUT", METHODS, api.token(ANNA_ID), json={}).status_code == 403
    assert api.call("PUT", METHODS, partner, json={"payment_methods": ["cash"]}).status_code == 422
