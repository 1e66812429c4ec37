"""Payables: who may see and change them, and pagination."""

from typing import Any

import httpx
import pytest

from monite_auth.emulator import (
    ANNA_AT_TEA_ID,
    ANNA_ID,
    BAKERY_ID,
    BOOKS_ID,
    OSKAR_ID,
    TEA_ID,
    TILDA_ID,
    VIKTOR_ID,
    Monite,
)
from monite_auth.emulator.world.directory import Payable

BILL = {"document_id": "X-1", "currency": "EUR", "total_amount": 1250, "due_date": "2030-01-31"}


def documents(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [payable["document_id"] for payable in answer.json()["data"]]


def bill_of(api: Any, author: str) -> Payable:
    monite: Monite = api.monite
    return next(bill for bill in monite.directory.payables.all(BAKERY_ID) if bill.created_by == author)


def test_the_seed_has_plausible_bills_for_all_companies(api):
    partner = api.token()
    for entity, count, currency in ((BAKERY_ID, 7, "EUR"), (BOOKS_ID, 3, "GBP"), (TEA_ID, 3, "CHF")):
        bills = api.call("GET", "/payables", partner, entity).json()["data"]
        assert len(bills) == count
        assert {bill["currency"] for bill in bills} == {currency}
        assert all(bill["amount_due"] == bill["total_amount"] - bill["amount_paid"] for bill in bills)


def test_payables_are_listed_newest_first(api):
    api.monite.clock.advance(1)
    created = api.call("POST", "/payables", api.token(ANNA_ID), BAKERY_ID, json=BILL)
    listed = api.call("GET", "/payables", api.token(ANNA_ID), BAKERY_ID).json()["data"]
    assert listed[0]["id"] == created.json()["id"]
    moments = [bill["created_at"] for bill in listed]
    assert moments == sorted(moments, reverse=True)


def test_an_accountant_creates_reads_changes_and_deletes(api):
    token = api.token(ANNA_ID)
    created = api.call(
        "POST", "/payables", token, BAKERY_ID, json=BILL | {"file_name": "bill.pdf", "tag_ids": []}
    )
    assert created.status_code == 200
    assert created.json()["status"] == "draft"
    assert created.json()["was_created_by_user_id"] == ANNA_ID
    path = f"/payables/{created.json()['id']}"
    assert api.call("GET", path, token, BAKERY_ID).json() == created.json()
    changed = api.call(
        "PATCH", path, token, BAKERY_ID, json={"amount_paid": 250, "counterpart_raw_data": {"name": "Farm"}}
    ).json()
    assert (changed["amount_due"], changed["counterpart_raw_data"]) == (1000, {"name": "Farm"})
    assert api.call("DELETE", path, token, BAKERY_ID).status_code == 204
    assert api.call("GET", path, token, BAKERY_ID).status_code == 404


def test_a_viewer_reads_and_nothing_else(api):
    token, path = api.token(VIKTOR_ID), f"/payables/{bill_of(api, ANNA_ID).id}"
    assert api.call("GET", "/payables", token, BAKERY_ID).status_code == 200
    assert api.call("GET", path, token, BAKERY_ID).status_code == 200
    for answer in (
        api.call("POST", "/payables", token, BAKERY_ID, json=BILL),
        api.call("PATCH", path, token, BAKERY_ID, json={}),
        api.call("DELETE", path, token, BAKERY_ID),
    ):
        assert answer.status_code == 403
        assert "payable" in answer.json()["error"]["message"]


def test_allowed_for_own_means_seeing_and_changing_only_ones_own_bills(api):
    token = api.token(OSKAR_ID)
    listed = api.call("GET", "/payables", token, BAKERY_ID).json()["data"]
    assert [bill["status"] for bill in listed] == ["new", "approve_in_progress"]
    assert {bill["was_created_by_user_id"] for bill in listed} == {OSKAR_ID}
    own, other = f"/payables/{listed[0]['id']}", f"/payables/{bill_of(api, ANNA_ID).id}"
    assert api.call("PATCH", own, token, BAKERY_ID, json={"description": "rye"}).status_code == 200
    for method, body in (("GET", None), ("PATCH", {}), ("DELETE", None)):
        assert api.call(method, other, token, BAKERY_ID, json=body).status_code == 403
    created = api.call("POST", "/payables", token, BAKERY_ID, json=BILL).json()["id"]
    assert api.call("DELETE", f"/payables/{created}", token, BAKERY_ID).status_code == 204


def test_a_clerk_sees_everything_and_changes_only_what_they_created(api):
    token = api.token(ANNA_AT_TEA_ID)
    authors = {
        bill["was_created_by_user_id"]: bill["id"]
        for bill in api.call("GET", "/payables", token, TEA_ID).json()["data"]
    }
    assert authors.keys() == {ANNA_AT_TEA_ID, TILDA_ID}
    assert api.call("DELETE", f"/payables/{authors[TILDA_ID]}", token, TEA_ID).status_code == 403
    assert api.call("DELETE", f"/payables/{authors[ANNA_AT_TEA_ID]}", token, TEA_ID).status_code == 204


def test_the_partner_may_do_everything(api):
    partner = api.token()
    created = api.call("POST", "/payables", partner, BAKERY_ID, json=BILL).json()
    assert "was_created_by_user_id" not in created
    assert api.call("DELETE", f"/payables/{bill_of(api, OSKAR_ID).id}", partner, BAKERY_ID).status_code == 204


def test_a_paid_bill_cannot_be_changed_or_deleted(api):
    paid = next(bill for bill in api.monite.directory.payables.all() if bill.status == "paid")
    path, token = f"/payables/{paid.id}", api.token(ANNA_ID)
    assert api.call("DELETE", path, token, BAKERY_ID).status_code == 409
    assert api.call("PATCH", path, token, BAKERY_ID, json={}).status_code == 409


@pytest.mark.parametrize(
    "wrong",
    [
        {"total_amount": "12"},
        {"total_amount": True},
        {"currency": "euro"},
        {"paid": True},
        {"description": None},
    ],
)
def test_a_malformed_payable_is_refused_with_422(api, wrong):
    assert api.call("POST", "/payables", api.token(), BAKERY_ID, json=BILL | wrong).status_code == 422


def test_payables_can_be_filtered_by_status_and_author(api):
    partner = api.token()
    new = api.call("GET", "/payables", partner, BAKERY_ID, params={"status": "new"})
    assert documents(new) == ["KA-3107", "NV-5531"]
    both = {"status": "new", "was_created_by_user_id": OSKAR_ID}
    assert documents(api.call("GET", "/payables", partner, BAKERY_ID, params=both)) == ["NV-5531"]
    assert api.call("GET", "/payables", partner, BAKERY_ID, params={"status": "odd"}).status_code == 422


@pytest.mark.parametrize("limit", [0, 101, "many"])
def test_a_page_has_between_1_and_100_records(api, limit):
    assert api.call("GET", "/payables", api.token(), BAKERY_ID, params={"limit": limit}).status_code == 422


def test_pages_lead_through_the_whole_list_and_back(api):
    partner = api.token()
    whole = documents(api.call("GET", "/payables", partner, BAKERY_ID))
    pages = [api.call("GET", "/payables", partner, BAKERY_ID, params={"limit": 3})]
    while following := pages[-1].json().get("next_pagination_token"):
        pages.append(api.call("GET", "/payables", partner, BAKERY_ID, params={"pagination_token": following}))
    assert [len(documents(page)) for page in pages] == [3, 3, 1]
    assert [document for page in pages for document in documents(page)] == whole
    assert "prev_pagination_token" not in pages[0].json()
    previous = pages[2].json()["prev_pagination_token"]
    back = api.call("GET", "/payables", partner, BAKERY_ID, params={"pagination_token": previous})
    assert documents(back) == documents(pages[1])


def test_a_page_stays_in_place_when_the_list_grows_or_shrinks(api):
    partner = api.token()
    whole = documents(api.call("GET", "/payables", partner, BAKERY_ID))
    first = api.call("GET", "/payables", partner, BAKERY_ID, params={"limit": 2}).json()
    api.call("POST", "/payables", partner, BAKERY_ID, json=BILL)
    api.call("DELETE", f"/payables/{first['data'][1]['id']}", partner, BAKERY_ID)
    query = {"pagination_token": first["next_pagination_token"]}
    assert documents(api.call("GET", "/payables", partner, BAKERY_ID, params=query)) == whole[2:4]


def test_a_pagination_token_brings_the_filters_of_its_query(api):
    partner = api.token()
    first = api.call("GET", "/payables", partner, BAKERY_ID, params={"limit": 1, "status": "new"}).json()
    query = {"pagination_token": first["next_pagination_token"], "limit": 50, "status": "paid"}
    assert documents(api.call("GET", "/payables", partner, BAKERY_ID, params=query)) == ["NV-5531"]


def test_lists_of_the_directory_have_pages_too_oldest_first(api):
    partner = api.token()
    first = api.call("GET", "/entity_users", partner, BAKERY_ID, params={"limit": 2}).json()
    assert [user["login"] for user in first["data"]] == ["anna.becker", "viktor.vogel"]
    assert first["prev_pagination_token"] is None
    query = {"pagination_token": first["next_pagination_token"]}
    second = api.call("GET", "/entity_users", partner, BAKERY_ID, params=query).json()
    assert [user["login"] for user in second["data"]] == ["oskar.lindt"]
    assert second["next_pagination_token"] is None


def test_a_wrong_pagination_token_is_refused(api):
    partner = api.token()
    roles = api.call("GET", "/roles", partner, BAKERY_ID, params={"limit": 1}).json()["next_pagination_token"]
    for token in ("nonsense", "e30=", "WzFd", roles):
        answer = api.call("GET", "/payables", partner, BAKERY_ID, params={"pagination_token": token})
        assert answer.status_code == 422
