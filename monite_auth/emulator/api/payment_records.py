"""Payments that happened or are planned elsewhere: `/payment_records`. One that succeeds counts for its invoice or its bill."""

from collections.abc import Mapping
from typing import Any

from monite_auth.emulator.api.payables.bills import PAYABLES
from monite_auth.emulator.api.payables.history import move as move_bill
from monite_auth.emulator.api.receivables.documents import OPEN, RECEIVABLES
from monite_auth.emulator.api.receivables.statuses import receive
from monite_auth.emulator.api.serving.call import Call
from monite_auth.emulator.api.serving.dispatch import serves
from monite_auth.emulator.api.serving.resource import Resource
from monite_auth.emulator.specification.validation import InvalidError
from monite_auth.emulator.world.clock import iso
from monite_auth.emulator.world.directory import Payable, Record

#: A bill in one of these can be paid.
PAYABLE_STATUSES = ("waiting_to_be_paid", "partially_paid")


class PaymentRecords(Resource):
    """Payment records. Once a payment has succeeded or was canceled, its record stays as it is."""

    def create(self, call: Call) -> dict[str, Any]:
        self._demand(call, "create")
        body = call.body
        paid = _object(call, body["object"])
        call.check_reference("entity_user_id", call.directory.users, "entity user")
        status = body.get("status") or ("succeeded" if "paid_at" in body else "created")
        told = {**body["object"], "old_status": paid.fields["status"], "new_status": paid.fields["status"]}
        # A payment by an intent is made by Monite itself.
        is_external = "payment_intent_id" not in body
        record = self.add(call, {**body, "object": told, "is_external": is_external, "history": []})
        self.move(call, record, status)
        return record.shown()

    def changed(self, call: Call, record: Record) -> dict[str, Any]:
        _refuse_final(record)
        call.check_reference("entity_user_id", call.directory.users, "entity user")
        changes = dict(call.body)
        if "object" in changes:
            status = _object(call, changes["object"]).fields["status"]
            changes["object"] = {**changes["object"], "old_status": status, "new_status": status}
        return changes

    def move(self, call: Call, record: Record, status: str, **fields: Any) -> None:
        """Give a record its status. A success counts for what was paid."""
        moment = iso(call.monite.clock.now())
        step = {"status": status, "timestamp": moment, "entity_user_id": call.user_id}
        fields |= {"status": status, "history": [*record.fields["history"], step]}
        if status == "succeeded":
            fields = {"paid_at": record.fields.get("paid_at", moment), **fields}
            fields |= _count(call, {**record.fields, **fields})
        self.table(call).change(record, fields)


def _object(call: Call, named: Mapping[str, Any]) -> Record:
    """Return what is paid.

    Raises:
        InvalidError: there is no such invoice or bill. Monite documents no 404 for this.

    """
    kind = named["type"]
    resource = RECEIVABLES if kind == "receivable" else PAYABLES
    found: Record | None = resource.table(call).get(named["id"], call.entity.id)
    if found is None or (kind == "receivable" and found.fields["type"] != "invoice"):
        what = "invoice" if kind == "receivable" else kind
        raise call.refusal(f"There is no {what} {named['id']}.", 404, place=("body", "object", "id"))
    return found


def _count(call: Call, fields: dict[str, Any]) -> dict[str, Any]:
    """Count a payment that has succeeded, if what it paid waits for one. Return what the record says about that."""
    paid, amount = _object(call, fields["object"]), fields["amount"]
    before = paid.fields["status"]
    due = paid.shown().get("amount_due") or 0
    if before in OPEN and not isinstance(paid, Payable):
        receive(call, paid, amount, fields["paid_at"])
    elif before in PAYABLE_STATUSES and isinstance(paid, Payable):
        status = "paid" if amount >= due else "partially_paid"
        sum_paid = paid.fields["amount_paid"] + min(amount, due)
        move_bill(call, paid, status, amount_paid=max(0, sum_paid))
    told = {"object": {**fields["object"], "old_status": before, "new_status": paid.fields["status"]}}
    return told | ({"overpaid_amount": amount - due} if amount > due else {})


def _refuse_final(record: Record) -> None:
    """Refuse to change what has an end. Monite documents no status for this but the one of a request that is not valid."""
    status = record.fields["status"]
    if status in {"succeeded", "canceled"}:
        raise InvalidError([(("path", "payment_record_id"), f"This payment is {status}", "value_error")])


PAYMENT_RECORDS = PaymentRecords(
    "/payment_records",
    "payment record",
    object_type="payment_record",
    lookups={
        "object_id": lambda _, each: each.fields["object"]["id"],
        "object_type": lambda _, each: each.fields["object"]["type"],
    },
)
PAYMENT_RECORDS.serve()


def _serve(name: str, status: str) -> None:
    @serves(f"POST /payment_records/{{payment_record_id}}/{name}")
    def move(call: Call) -> dict[str, Any]:
        record = PAYMENT_RECORDS.found(call, "update")
        _refuse_final(record)
        PAYMENT_RECORDS.move(call, record, status, **call.body)
        return record.shown()


for word, becomes in {
    "cancel": "canceled",
    "mark_as_succeeded": "succeeded",
    "start_processing": "processing",
}.items():
    _serve(word, becomes)
