"""Approval policies at work: which payables they are about, whom they ask, and what becomes of the payable."""

import pytest

from monite_auth.emulator import ANNA_ID, BAKERY_ID, OSKAR_ID, TILDA_ID, VIKTOR_ID
from monite_auth.emulator.api.payables.approval_scripts import applies
from monite_auth.emulator.world.permissions import common
from tests.emulator.payables import Bills


def by_users(*users, count=1):
    params = {"user_ids": list(users), "required_approval_count": count}
    return {"call": "ApprovalRequests.request_approval_by_users", "params": params}


class Office:
    """The bakery with policies of its own, and bills that are submitted. Whoever is asked may answer."""

    def __init__(self, api):
        self.api = api
        self.bills = Bills(api)
        directory = api.monite.directory
        directory.table("approval_policies").clear()
        for user in (ANNA_ID, OSKAR_ID):
            role = directory.roles.get(directory.users.get(user).role_id)
            rules = [*role.fields["permissions"]["objects"], common("approval_request", "read", "update")]
            rules = [each for each in rules if each["object_type"] != "approval_request"] + rules[-1:]
            directory.roles.change(role, {"permissions": {"objects": rules}})

    def call(self, method, path, status=200, user=None, **options):
        answer = self.api.call(method, path, self.api.token(user), BAKERY_ID, **options)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    def policy(self, *script, status=201, **fields):
        body = {"name": "Four eyes", "script": list(script), **fields}
        return self.call("POST", "/approval_policies", status, json=body)

    def submitted(self):
        bill = self.bills.new()
        self.bills.send("POST", f"{bill}/submit_for_approval")
        return bill

    def asked(self, status="waiting"):
        """Return the requests, in their order: whom each asks, and its path."""
        found = self.call("GET", "/approval_requests", params={"status": status})["data"]
        return {tuple(each["user_ids"]): f"/approval_requests/{each['id']}" for each in found}

    def answer(self, user, what):
        path = next(path for users, path in self.asked().items() if user in users)
        return self.call("POST", f"{path}/{what}", user=user)

    def process(self, policy):
        (found,) = self.call("GET", f"/approval_policies/{policy['id']}/processes")["data"]
        path = f"/approval_policies/{policy['id']}/processes/{found['id']}"
        assert self.call("GET", path) == found
        steps = self.call("GET", f"{path}/steps")["data"]
        return path, found["status"], [each["status"] for each in steps]


@pytest.fixture
def office(api):
    return Office(api)


def test_a_bill_that_a_policy_is_about_is_paid_once_those_whom_it_asks_have_agreed(office):
    policy = office.policy(by_users(ANNA_ID, OSKAR_ID, count=2))
    bill = office.submitted()
    told = office.bills.send("GET", bill).json()
    assert (told["status"], told["approval_policy_id"]) == ("approve_in_progress", policy["id"])
    _, status, steps = office.process(policy)
    assert (status, steps) == ("waiting", ["waiting"])
    process_id = office.process(policy)[0].rpartition("/")[2]
    listed = office.call("GET", "/approval_policies", params={"process_id": process_id})["data"]
    assert [each["id"] for each in listed] == [policy["id"]]
    office.answer(ANNA_ID, "approve")
    assert office.bills.status(bill) == "approve_in_progress"
    office.answer(OSKAR_ID, "approve")
    assert office.bills.status(bill) == "waiting_to_be_paid"
    assert office.process(policy)[1:] == ("succeeded", ["approved"])


def test_one_who_rejects_decides_where_all_have_to_agree(office):
    policy = office.policy({"run_concurrently": True, "all": [by_users(ANNA_ID), by_users(OSKAR_ID)]})
    bill = office.submitted()
    office.answer(OSKAR_ID, "reject")
    assert office.bills.status(bill) == "rejected"
    assert office.process(policy)[1:] == ("succeeded", ["canceled", "rejected"])
    assert office.asked() == {}


def test_one_who_agrees_decides_where_any_will_do(office):
    either = {
        "if": {"any": [by_users(ANNA_ID), by_users(OSKAR_ID)]},
        "then": ["{Payables.approve(invoice.id)}"],
    }
    office.policy(either)
    bill, other = office.submitted(), office.submitted()
    assert len(office.call("GET", "/approval_requests", params={"status": "waiting"})["data"]) == 4
    office.answer(ANNA_ID, "reject")
    assert {office.bills.status(each) for each in (bill, other)} == {"approve_in_progress"}
    for _ in range(2):
        office.answer(OSKAR_ID, "approve")
    assert {office.bills.status(each) for each in (bill, other)} == {"waiting_to_be_paid"}


def test_a_chain_asks_one_after_the_other(office):
    policy = office.policy(by_users(ANNA_ID), by_users(OSKAR_ID))
    bill = office.submitted()
    assert office.asked().keys() == {(ANNA_ID,)}
    assert office.process(policy)[1:] == ("waiting", ["waiting", "not_started"])
    office.answer(ANNA_ID, "approve")
    assert office.asked().keys() == {(OSKAR_ID,)}
    office.answer(OSKAR_ID, "approve")
    assert office.bills.status(bill) == "waiting_to_be_paid"


def test_a_chain_ends_with_the_first_who_rejects(office):
    policy = office.policy(by_users(ANNA_ID), by_users(OSKAR_ID))
    bill = office.submitted()
    office.answer(ANNA_ID, "reject")
    assert office.bills.status(bill) == "rejected"
    assert office.process(policy)[1:] == ("succeeded", ["rejected", "skipped"])


def test_a_role_is_asked_for_any_of_its_people(office):
    role = office.api.monite.directory.users.get(OSKAR_ID).role_id
    params = {"role_ids": [role], "required_approval_count": 1}
    office.policy({"call": "ApprovalRequests.request_approval_by_roles", "params": params})
    bill = office.submitted()
    (path,) = office.asked().values()
    office.call("POST", f"{path}/approve", 403, user=ANNA_ID)
    office.call("POST", f"{path}/approve", user=OSKAR_ID)
    assert office.bills.status(bill) == "waiting_to_be_paid"


def test_a_process_is_canceled_once_and_asks_nobody_any_more(office):
    policy = office.policy(by_users(ANNA_ID))
    bill = office.submitted()
    path, _, _ = office.process(policy)
    office.call("POST", f"{path}/cancel", 403, user=VIKTOR_ID)
    assert office.call("POST", f"{path}/cancel")["status"] == "canceled"
    office.call("POST", f"{path}/cancel", 409)
    assert office.asked() == {}
    assert office.bills.status(bill) == "approve_in_progress"
    office.bills.send("POST", f"{bill}/approve_payment_operation")
    assert office.bills.status(bill) == "waiting_to_be_paid"


@pytest.mark.parametrize("by_hand", ["approve_payment_operation", "reject"])
def test_a_bill_that_is_moved_by_hand_ends_its_process(office, by_hand):
    policy = office.policy(by_users(ANNA_ID))
    bill = office.submitted()
    office.bills.send("POST", f"{bill}/{by_hand}")
    assert office.process(policy)[1:] == ("canceled", ["canceled"])


def test_who_cancels_a_request_cancels_its_process(office):
    policy = office.policy(by_users(ANNA_ID), by_users(OSKAR_ID))
    office.submitted()
    (path,) = office.asked().values()
    office.call("POST", f"{path}/cancel")
    assert office.process(policy)[1:] == ("canceled", ["canceled", "skipped"])


def test_the_policy_of_the_highest_priority_is_taken_of_those_that_are_in_force(office):
    office.policy(by_users(OSKAR_ID), priority=1)
    dear = {"all": ["{event_name == 'submitted_for_approval'}", "{invoice.amount > 1000000}"]}
    office.policy(by_users(OSKAR_ID), priority=9, trigger=dear)
    later = {"starts_at": "2099-01-01T00:00:00Z", "ends_at": "2099-02-01T00:00:00Z"}
    office.policy(by_users(OSKAR_ID), priority=9, **later)
    asleep = office.policy(by_users(OSKAR_ID), priority=9)
    office.call("PATCH", f"/approval_policies/{asleep['id']}", json={"status": "pending"})
    office.policy(by_users(ANNA_ID), priority=2)
    office.submitted()
    assert office.asked().keys() == {(ANNA_ID,)}


def test_a_bill_that_no_policy_is_about_waits_for_somebodys_hand(office):
    office.policy(by_users(ANNA_ID), trigger="{invoice.currency == 'USD'}")
    office.policy("{Payables.approve(invoice.id)}")
    bill = office.submitted()
    assert office.bills.status(bill) == "approve_in_progress"
    assert office.asked() == {}


@pytest.mark.parametrize("params", [None, {}, {"user_ids": []}, {"user_ids": [1]}, {"user_ids": [TILDA_ID]}])
def test_a_script_that_asks_nobody_of_the_entity_is_refused(office, params):
    call = {"call": "ApprovalRequests.request_approval_by_users", "params": params}
    refused = office.policy({"all": [call]}, status=400)
    assert "Script validation error" in refused["error"]["message"]
    known = office.policy(by_users(ANNA_ID))
    office.call("PATCH", f"/approval_policies/{known['id']}", 400, json={"script": [call]})


BILL = {
    "total_amount": 30_000,
    "currency": "EUR",
    "was_created_by_user_id": OSKAR_ID,
    "tags": [{"id": "t1", "name": "Urgent"}, {"id": "t2", "name": "Flour"}],
}


def operation(operator, name, value):
    return {"operator": operator, "left_operand": {"name": name}, "right_operand": value}


@pytest.mark.parametrize(
    "trigger",
    [
        None,
        True,
        "{invoice.amount >= 30000}",
        "{invoice.currency in ['EUR', 'USD'] and not invoice.amount > 30000}",
        "{'Urgent' in invoice.tags.name}",
        {"any": ["{invoice.amount < 5}", operation("in", "invoice.tags.id", ["t2", "t3"])]},
        operation("in", "invoice.was_created_by_user_id", [OSKAR_ID]),
        operation("!=", "invoice.currency", "USD"),
        {"all": [operation(">=", "invoice.amount", 100), operation("<=", "invoice.amount", 50_000)]},
        {"operator": "in", "left_operand": "t1", "right_operand": {"name": "invoice.tags.id"}},
    ],
)
def test_a_trigger_is_about_what_it_describes(trigger):
    assert applies(trigger, BILL)


@pytest.mark.parametrize(
    "trigger",
    [
        False,
        "{invoice.amount > 30000}",
        "{invoice.counterpart_id in ['a']}",
        "{'Marketing' in invoice.tags.name}",
        operation("not in", "invoice.currency", ["EUR"]),
        # what the emulator does not understand is about nothing
        "{invoice.amount > '1'}",
        "{__import__('os')}",
        "{" + "(" * 500 + "}",
        "{entity.name == 'x'}",
        {"operator": ">", "left_operand": {"call": "Currency.convert"}, "right_operand": 1},
        {"operator": "~", "left_operand": 1, "right_operand": 1},
        {"operator": "=="},
        {"name": 7},
        {"else": True},
    ],
)
def test_a_trigger_is_about_nothing_else(trigger):
    assert not applies(trigger, BILL)
