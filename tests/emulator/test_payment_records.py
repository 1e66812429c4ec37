"""Payment records: a payment that succeeds counts for its invoice or its bill."""

import pytest

from monite_auth.emulator import BAKERY_ID, VIKTOR_ID
from tests.emulator.test_receivables import Office

PAID = {"paid_at": "2025-11-30T09:00:00Z"}


@pytest.fixture
def office(api):
    return Office(api)


def record(office, invoice, amount, kind="receivable", **more):
    body = {"amount": amount, "currency": "EUR", "object": {"id": invoice["id"], "type": kind}}
    return office.call("POST", "/payment_records", 201, json=body | more)


def test_a_payment_that_was_made_counts_at_once(office):
    invoice = office.issued()
    made = record(office, invoice, 1210, **PAID)
    assert (made["status"], made["object"]["new_status"]) == ("succeeded", "partially_paid")
    assert office.read(invoice)["amount_due"] == 2000
    last = record(office, invoice, 2500, **PAID, payment_method="cash")
    assert (last["overpaid_amount"], last["is_external"]) == (500, True)
    paid = office.read(invoice)
    assert (paid["status"], paid["paid_at"][:16]) == ("paid", "2025-11-30T09:00")
    listed = office.call("GET", "/payment_records", params={"object_id": invoice["id"], "sort": "amount"})
    assert [each["amount"] for each in listed["data"]] == [1210, 2500]


def test_a_planned_payment_counts_when_it_succeeds(office):
    invoice = office.issued()
    planned = record(office, invoice, 3210, planned_payment_date="2025-12-05")
    path = f"/payment_records/{planned['id']}"
    assert (planned["status"], office.read(invoice)["amount_paid"]) == ("created", 0)
    assert office.call("PATCH", path, json={"payment_method": "cash"})["payment_method"] == "cash"
    assert office.call("POST", f"{path}/start_processing", json={})["status"] == "processing"
    done = office.call("POST", f"{path}/mark_as_succeeded", json=PAID)
    assert [each["status"] for each in done["history"]] == ["created", "processing", "succeeded"]
    assert office.read(invoice)["status"] == "paid"
    office.call("POST", f"{path}/cancel", 422, json={})
    office.call("PATCH", path, 422, json={})


def test_a_canceled_payment_counts_for_nothing(office):
    invoice = office.issued()
    planned = record(office, invoice, 3210)
    office.call("POST", f"/payment_records/{planned['id']}/cancel", json={})
    office.call("POST", f"/payment_records/{planned['id']}/mark_as_succeeded", 422, json=PAID)
    assert office.read(invoice)["status"] == "issued"


def test_what_was_paid_back_is_not_paid(office):
    invoice = office.issued()
    record(office, invoice, 1210, **PAID)
    record(office, invoice, -(10**30), **PAID)
    assert (office.read(invoice)["amount_paid"], office.read(invoice)["amount_due"]) == (0, 3210)
    record(office, invoice, 10**30, **PAID)
    assert (office.read(invoice)["amount_paid"], office.read(invoice)["status"]) == (3210, "paid")


def test_a_bill_is_paid_by_a_record_too(office):
    def bill():
        return office.call("GET", "/payables", params={"document_id": "MIETE-SPREE-12"})["data"][0]

    record(office, bill(), 10_000, "payable", **PAID)
    assert (bill()["status"], bill()["amount_due"]) == ("partially_paid", 300_000)
    record(office, bill(), 300_000, "payable", **PAID)
    assert (bill()["status"], bill()["amount_due"]) == ("paid", 0)


def test_payment_records_take_their_permission_and_an_invoice(office):
    body = {
        "amount": 1,
        "currency": "EUR",
        "object": {"id": office.issued("quote")["id"], "type": "receivable"},
    }
    office.call("POST", "/payment_records", 422, json=body)
    for method in ("GET", "POST"):
        answer = office.api.call(
            method,
            "/payment_records",
            office.api.token(VIKTOR_ID),
            BAKERY_ID,
            json=body if method == "POST" else None,
        )
        assert (answer.status_code, "payment_record" in answer.text) == (403, True)
