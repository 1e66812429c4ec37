"""The way of a bill from one status to the next, as Monite's page on manual transitions has it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from monite_auth.emulator.answers.errors import RefusedError
from monite_auth.emulator.api.payables.approval_processes import start, stop
from monite_auth.emulator.api.payables.bills import PAYABLES
from monite_auth.emulator.api.payables.history import move
from monite_auth.emulator.api.serving.call import Call
from monite_auth.emulator.api.serving.dispatch import serves
from monite_auth.emulator.world.clock import iso
from monite_auth.emulator.world.directory import Payable, Record
from monite_auth.emulator.world.permissions import Action

#: What a payable is told with its new status.
Details = Callable[[Call, Payable], dict[str, Any]]


@dataclass(frozen=True)
class Transition:
    """Where a payable goes to, from which statuses, and who may send it."""

    action: Action
    origins: tuple[str, ...]
    status: str
    details: Details = lambda _, __: {}


def _supplier(call: Call, bill: Payable) -> dict[str, Any]:
    """Return the counterpart as it is now: later changes of it do not change the bill."""
    known = call.directory.counterparts.get(bill.fields.get("counterpart_id", ""))
    if known is None:
        return {}
    party = known.fields[known.fields["type"]]
    addresses = call.directory.table("counterparts.addresses")
    address: Record | None = addresses.get(known.fields.get("default_billing_address_id", ""))
    told = {name: party[name] for name in ("email", "phone") if name in party}
    return {"counterpart": {"name": known.name, **told, **({"address": address.fields} if address else {})}}


def _payment(call: Call, bill: Payable) -> dict[str, Any]:
    author = {"marked_as_paid_by_entity_user_id": call.user_id} if call.user_id else {}
    comment = (call.body or {}).get("comment")
    told = {"marked_as_paid_with_comment": comment} if comment else {}
    paid = {"amount_paid": bill.fields.get("total_amount", 0), "paid_at": iso(call.monite.clock.now())}
    return {**paid, **author, **told}


def _part(call: Call, bill: Payable) -> dict[str, Any]:
    paid, total = call.body["amount_paid"], bill.fields.get("total_amount", 0)
    if not 0 < paid < total:
        raise RefusedError(
            400, f"The amount_paid is the sum of all payments: more than 0, and less than {total}."
        )
    return {"amount_paid": paid}


UNPAID = ("waiting_to_be_paid", "partially_paid")
#: By the last word of their paths.
TRANSITIONS = {
    "submit_for_approval": Transition("submit", ("new",), "approve_in_progress", _supplier),
    "approve_payment_operation": Transition(
        "approve", ("new", "approve_in_progress"), "waiting_to_be_paid", _supplier
    ),
    "reject": Transition("approve", ("approve_in_progress",), "rejected"),
    "cancel": Transition("cancel", ("draft", "new"), "canceled"),
    "reopen": Transition("reopen", ("rejected", "waiting_to_be_paid"), "new"),
    "mark_as_paid": Transition("pay", UNPAID, "paid", _payment),
    "mark_as_partially_paid": Transition("pay", UNPAID, "partially_paid", _part),
}


def _serve(name: str, transition: Transition) -> None:
    @serves(f"POST /payables/{{payable_id}}/{name}")
    def send(call: Call) -> dict[str, Any]:
        bill = PAYABLES.found(call, transition.action)
        if bill.status not in transition.origins:
            needed = " or ".join(transition.origins)
            raise RefusedError(409, f"This payable is {bill.status}. {name} takes one that is {needed}.")
        move(call, bill, transition.status, **transition.details(call, bill))
        stop(call, bill)
        if bill.status == "approve_in_progress":
            start(call, bill)
        return bill.shown()


for word, way in TRANSITIONS.items():
    _serve(word, way)
