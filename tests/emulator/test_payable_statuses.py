"""The way of a bill: which status follows which, who may send it there, what it is told, and its history."""

import pytest

from monite_auth.emulator import ANNA_ID, BAKERY_ID, OSKAR_ID, VIKTOR_ID
from tests.emulator.payables import COMPLETE, ITEM, Bills

STATUSES = {
    "draft": (),
    "new": (),
    "approve_in_progress": ("submit_for_approval",),
    "waiting_to_be_paid": ("submit_for_approval", "approve_payment_operation"),
    "partially_paid": ("approve_payment_operation", "mark_as_partially_paid"),
    "paid": ("approve_payment_operation", "mark_as_paid"),
    "rejected": ("submit_for_approval", "reject"),
    "canceled": ("cancel",),
}
# The permission that each action takes, the statuses that it begins from, and the one that it leads to.
ACTIONS = {
    "submit_for_approval": ("submit", {"new"}, "approve_in_progress"),
    "approve_payment_operation": ("approve", {"new", "approve_in_progress"}, "waiting_to_be_paid"),
    "reject": ("approve", {"approve_in_progress"}, "rejected"),
    "cancel": ("cancel", {"draft", "new"}, "canceled"),
    "reopen": ("reopen", {"rejected", "waiting_to_be_paid"}, "new"),
    "mark_as_paid": ("pay", {"waiting_to_be_paid", "partially_paid"}, "paid"),
    "mark_as_partially_paid": ("pay", {"waiting_to_be_paid", "partially_paid"}, "partially_paid"),
}
BODIES = {"mark_as_partially_paid": {"amount_paid": 100}}


@pytest.fixture
def bills(api):
    return Bills(api)


def act(bills, bill, action, **options):
    return bills.send("POST", f"{bill}/{action}", BODIES.get(action), **options)


def bill_that_is(bills, status):
    bill = bills.draft() if status == "draft" else bills.new()
    for action in STATUSES[status]:
        assert act(bills, bill, action).status_code == 200
    assert bills.status(bill) == status
    return bill


@pytest.mark.parametrize("status", STATUSES)
def test_an_action_takes_a_bill_that_monite_documents_for_it_and_no_other(bills, status):
    bill = bill_that_is(bills, status)
    payables = bills.api.monite.directory.payables
    record = payables.get(bill[1:])
    kept = record.fields
    for action, (_, origins, target) in ACTIONS.items():
        answer = act(bills, bill, action)
        if status in origins:
            assert (answer.status_code, answer.json()["status"]) == (200, target), action
            payables.change(record, kept)
        else:
            assert answer.status_code == 409, (action, answer.text)
            assert status in answer.json()["error"]["message"]
            assert bills.status(bill) == status


@pytest.mark.parametrize("action", ACTIONS)
def test_each_action_takes_a_permission_of_its_own(bills, action):
    permission, origins, target = ACTIONS[action]
    bill = bill_that_is(bills, min(origins))
    directory = bills.api.monite.directory
    role = directory.roles.get(directory.users.get(VIKTOR_ID).role_id)

    def grant(**grants):
        actions = [{"action_name": name, "permission": value} for name, value in grants.items()]
        permissions = {"objects": [{"object_type": "payable", "actions": actions}]}
        directory.roles.change(role, {"permissions": permissions})

    others = {name for name, _, _ in ACTIONS.values()} - {permission}
    grant(read="allowed", update="allowed", **dict.fromkeys(others, "allowed"))
    assert act(bills, bill, action, user=VIKTOR_ID).status_code == 403
    grant(**{permission: "allowed_for_own"})
    assert act(bills, bill, action, user=VIKTOR_ID).status_code == 403
    grant(**{permission: "allowed"})
    assert act(bills, bill, action, user=VIKTOR_ID).json()["status"] == target


def test_a_purchaser_submits_only_their_own_bills(bills):
    own, other = bills.new(OSKAR_ID), bills.new(ANNA_ID)
    assert act(bills, own, "submit_for_approval", user=OSKAR_ID).status_code == 200
    assert act(bills, other, "submit_for_approval", user=OSKAR_ID).status_code == 403
    assert act(bills, own, "approve_payment_operation", user=OSKAR_ID).status_code == 403


def test_a_bill_that_is_paid_says_when_by_whom_and_how(bills):
    bill = bill_that_is(bills, "waiting_to_be_paid")
    bills.api.monite.clock.advance(60)
    paid = bills.send("POST", f"{bill}/mark_as_paid", {"comment": "by cheque"}).json()
    assert paid["amount_paid"] == paid["total_amount"] == 1068
    assert (paid["amount_due"], paid["amount_to_pay"]) == (0, 0)
    assert paid["marked_as_paid_by_entity_user_id"] == ANNA_ID
    assert paid["marked_as_paid_with_comment"] == "by cheque"
    assert paid["paid_at"] > paid["created_at"]


def test_partial_payments_are_told_as_their_sum_and_stay_below_the_total(bills):
    bill = bill_that_is(bills, "waiting_to_be_paid")
    for paid in (0, 1068, 2000):
        assert bills.send("POST", f"{bill}/mark_as_partially_paid", {"amount_paid": paid}).status_code == 400
    for paid in (400, 900):
        answer = bills.send("POST", f"{bill}/mark_as_partially_paid", {"amount_paid": paid}).json()
        assert (answer["amount_paid"], answer["amount_due"]) == (paid, 1068 - paid)


def test_a_bill_that_is_sent_for_approval_keeps_its_supplier_as_it_was(bills):
    supplier = bills.api.monite.directory.counterparts.all(BAKERY_ID)[0]
    bill = bills.draft(counterpart_id=supplier.id)
    bills.send("POST", f"{bill}/line_items", ITEM)
    told = act(bills, bill, "submit_for_approval").json()["counterpart"]
    assert (told["name"], told["address"]["city"]) == ("Mühlenhof Mehle KG", "Angermünde")


@pytest.mark.parametrize("status", sorted(STATUSES.keys() - {"draft", "new"}))
def test_a_bill_cannot_be_changed_after_it_was_sent_for_approval(bills, status):
    bill = bill_that_is(bills, status)
    item = bills.send("GET", f"{bill}/line_items").json()["data"][0]["id"]
    assert bills.send("PATCH", bill, {"description": "rye"}).status_code == 409
    assert bills.send("PUT", f"{bill}/line_items", {"data": []}).status_code == 409
    assert bills.send("POST", f"{bill}/line_items", ITEM).status_code == 400
    assert bills.send("PATCH", f"{bill}/line_items/{item}", {}).status_code == 400
    assert bills.send("DELETE", f"{bill}/line_items/{item}").status_code == 400
    is_paid = status in {"partially_paid", "paid"}
    assert bills.send("DELETE", bill).status_code == (409 if is_paid else 204)


def test_a_draft_is_new_as_soon_as_it_has_all_required_fields(bills):
    bill = f"/{bills.send('POST', '', {'document_id': 'X-1'}).json()['id']}"
    lacks = [error["loc"] for error in bills.send("POST", f"{bill}/validate").json()["validation_errors"]]
    assert lacks == [["currency"], ["due_date"], ["issued_at"], ["total_amount"], ["line_items"]]
    bills.send("POST", f"{bill}/line_items", ITEM)
    assert bills.status(bill) == "draft"
    assert bills.send("PATCH", bill, COMPLETE).json()["status"] == "new"
    assert bills.send("POST", f"{bill}/validate").json()["validation_errors"] == []


def test_the_partner_chooses_the_required_fields_for_all_entities(bills):
    def required(method, path="", body=None, user=None):
        return bills.send(method, f"/validations{path}", body, user=user)

    standard = required("GET", user=ANNA_ID).json()
    assert required("GET").json() == standard
    assert required("PUT", body=standard, user=ANNA_ID).status_code == 403
    chosen = {"required_fields": ["document_id", "line_items.name"]}
    assert required("PUT", body=chosen).json() == required("GET").json() == chosen
    created = bills.send("POST", "", {"document_id": "X-2"}).json()
    assert bills.send("PATCH", f"/{created['id']}", {}).json()["status"] == "new"
    assert required("POST", "/reset").json() == required("GET").json() == standard
    assert required("PUT", body={"required_fields": ["colour"]}).status_code == 422


def test_the_history_tells_who_did_what_to_a_bill(bills):
    bill = bills.new(OSKAR_ID)
    bills.send("PATCH", bill, {"description": "rye"})
    bills.send("POST", f"{bill}/submit_for_approval", user=None)
    history = bills.send("GET", f"{bill}/history", user=OSKAR_ID).json()["data"]
    assert [(each["event_type"], each.get("entity_user_id")) for each in history] == [
        ("payable_created", OSKAR_ID),
        ("status_changed", OSKAR_ID),
        ("payable_updated", ANNA_ID),
        ("status_changed", None),
    ]
    assert history[0]["event_data"] == {"payable_source": "upload"}
    assert history[2]["event_data"] == {}
    assert history[3]["event_data"] == {"old_status": "new", "new_status": "approve_in_progress"}
    query = {"event_type__in": "status_changed", "entity_user_id__in": OSKAR_ID, "order": "desc"}
    assert bills.send("GET", f"{bill}/history", params=query).json()["data"] == [history[1]]
    assert bills.send("GET", f"{bills.new()}/history", user=OSKAR_ID).status_code == 403


def test_analytics_count_what_the_caller_sees_by_status(bills):
    everything = bills.send("GET", "/analytics").json()
    assert (everything["count"], everything["sum_total_amount"]) == (7, 771_415)
    assert {each["status"]: each["count"] for each in everything["data"]} == {
        "paid": 1,
        "waiting_to_be_paid": 2,
        "approve_in_progress": 1,
        "new": 2,
        "rejected": 1,
    }
    own = bills.send("GET", "/analytics", params={"status": "new"}, user=OSKAR_ID).json()
    assert own["data"] == [{"status": "new", "count": 1, "sum_total_amount": 27_890}]


def test_the_variables_of_e_mails_about_bills_are_listed(bills):
    listed = bills.send("GET", "/variables", user=VIKTOR_ID).json()["data"]
    assert [each["object_subtype"] for each in listed] == [
        "payables_notify_approver",
        "payables_purchase_order",
    ]
    assert all(each["variables"] for each in listed)
