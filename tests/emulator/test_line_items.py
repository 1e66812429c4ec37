"""Line items: the amounts that follow from them, and who may change them."""

import pytest

from monite_auth.emulator import ANNA_ID, OSKAR_ID, VIKTOR_ID
from tests.emulator.payables import ITEM, Bills


@pytest.fixture
def bills(api):
    return Bills(api)


def amounts(bills, bill):
    shown = bills.send("GET", bill).json()
    return shown["subtotal"], shown["tax_amount"], shown["total_amount"]


def test_the_amounts_of_a_bill_follow_from_its_line_items(bills):
    bill = bills.draft(total_amount=5)
    assert bills.send("GET", bill).json()["total_amount"] == 5
    first = bills.send("POST", f"{bill}/line_items", ITEM).json()
    assert (first["subtotal"], first["tax_amount"], first["total"]) == (998, 70, 1068)
    assert (first["was_created_by_user_id"], first["payable_id"]) == (ANNA_ID, bill[1:])
    second = bills.send("POST", f"{bill}/line_items", {"unit_price": 1000, "quantity": 1}).json()
    assert amounts(bills, bill) == (1998, 70, 2068)
    bills.send("PATCH", bill, {"discount": 68, "total_amount": 1})
    assert amounts(bills, bill) == (1998, 70, 2000)
    path = f"{bill}/line_items/{second['id']}"
    assert bills.send("PATCH", path, {"quantity": 2}).json()["total"] == 2000
    assert bills.send("GET", path).json()["quantity"] == 2
    assert amounts(bills, bill) == (2998, 70, 3000)
    assert bills.send("DELETE", path).status_code == 204
    assert bills.send("GET", f"{bill}/line_items").json()["data"] == [first]
    assert amounts(bills, bill) == (998, 70, 1000)
    bills.send("DELETE", f"{bill}/line_items/{first['id']}")
    assert amounts(bills, bill) == (0, 0, 0)


def test_all_line_items_are_replaced_at_once(bills):
    bill = bills.new()
    items = [ITEM, {"name": "Delivery", "subtotal": 500, "total": 500}]
    replaced = bills.send("PUT", f"{bill}/line_items", {"data": items}).json()["data"]
    assert [each["name"] for each in replaced] == ["Flour", "Delivery"]
    assert bills.send("GET", f"{bill}/line_items").json()["data"] == replaced
    assert amounts(bills, bill) == (1498, 70, 1568)


def test_whoever_may_change_a_bill_may_change_its_line_items(bills):
    own, other = bills.new(OSKAR_ID), bills.new()
    items = bills.send("GET", f"{other}/line_items", user=VIKTOR_ID)
    path = f"{other}/line_items/{items.json()['data'][0]['id']}"
    for user in (OSKAR_ID, VIKTOR_ID):
        for method, where, body in (
            ("POST", f"{other}/line_items", ITEM),
            ("PUT", f"{other}/line_items", {"data": []}),
            ("PATCH", path, {}),
            ("DELETE", path, None),
        ):
            assert bills.send(method, where, body, user=user).status_code == 403
    assert bills.send("GET", path, user=OSKAR_ID).status_code == 403
    assert bills.send("POST", f"{own}/line_items", ITEM, user=OSKAR_ID).status_code == 201
    assert bills.send("GET", f"{own}{path.removeprefix(other)}").status_code == 404


def test_a_line_item_leads_to_its_bill_and_goes_with_it(bills):
    bill = bills.new()
    item = bills.send("GET", f"{bill}/line_items").json()["data"][0]["id"]
    found = bills.send("GET", "", params={"line_item_id": item}).json()["data"]
    assert [each["id"] for each in found] == [bill[1:]]
    assert bills.send("DELETE", bill).status_code == 204
    assert bills.api.monite.directory.table("payables.line_items").all() == []
