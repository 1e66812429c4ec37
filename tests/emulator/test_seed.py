"""The demo's data: every page of Monite's SDKs has something to show, under ids that are always the same."""

import pytest

from monite_auth.emulator import ANNA_ID, BAKERY_ID, Monite
from tests.emulator.conftest import Api

LISTS = {
    "/approval_policies": 3,
    "/bank_accounts": 1,
    "/counterparts": 3,
    f"/entities/{BAKERY_ID}/vat_ids": 1,
    "/measure_units": 3,
    "/payables": 7,
    "/payment_terms": 2,
    "/products": 4,
    "/receivables": 7,
    "/roles": 4,
    "/tags": 3,
}


def rows(api, path, **query):
    return api.call("GET", path, api.token(ANNA_ID), BAKERY_ID, params=query).json()["data"]


@pytest.mark.parametrize(("path", "count"), LISTS.items())
def test_a_list_has_the_same_items_in_every_emulator(api, path, count):
    ids = [each["id"] for each in rows(api, path)]
    assert len(ids) == count
    assert ids == [each["id"] for each in rows(Api(Monite()), path)]


def test_invoices_quotes_and_credit_notes_are_in_several_statuses(api):
    shown = [(each["type"], each["status"], each.get("document_id")) for each in rows(api, "/receivables")]
    assert shown == [
        ("invoice", "paid", "INV-00001"),
        ("invoice", "overdue", "INV-00002"),
        ("quote", "issued", "Q-00001"),
        ("invoice", "issued", "INV-00003"),
        ("credit_note", "draft", None),
        ("quote", "draft", None),
        ("invoice", "draft", None),
    ]
    overdue = rows(api, "/receivables", status="overdue")[0]
    assert overdue["created_at"] < overdue["due_date"] < iso_today(api)
    assert overdue["amount_due"] == overdue["total_amount"] == 58_167


def iso_today(api):
    return rows(api, "/tags")[0]["created_at"][:10]


def test_nobody_offers_loans(api):
    token = api.token(ANNA_ID)
    offers = api.call("GET", "/financing_offers", token, BAKERY_ID).json()
    assert offers == {"business_status": "NEW", "offers": []}
    assert rows(api, "/financing_invoices", type="receivable") == []
