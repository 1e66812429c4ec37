"""What a payable has to say before it is `new`, and no longer a draft: `/payables/validations`."""

from typing import Any

from monite_auth.emulator.api.serving.call import Call
from monite_auth.emulator.api.serving.dispatch import serves
from monite_auth.emulator.world.directory import Payable, Record, Table

#: Monite's own: the fields of a bill, and at least one line item.
REQUIRED = ["currency", "document_id", "due_date", "issued_at", "total_amount", "line_items"]
ITEMS = "line_items"
#: The table of line items.
LINE_ITEMS = f"payables.{ITEMS}"
#: The table of what a partner demands.
TABLE = "payables.validations"


def missing(call: Call, bill: Payable) -> list[str]:
    """Return the names of the required fields that a payable lacks."""
    items = [each.fields for each in call.directory.table(LINE_ITEMS).all(parent_id=bill.id)]

    def is_missing(name: str) -> bool:
        whole, _, field = name.partition(".")
        if whole != ITEMS:
            return bill.fields.get(name) is None
        return any(item.get(field) is None for item in items) if field else not items

    return [name for name in required_fields(call) if is_missing(name)]


def required_fields(call: Call) -> list[str]:
    chosen = [each.fields["required_fields"] for each in _table(call).all()]
    return chosen[0] if chosen else REQUIRED


@serves("POST /payables/{payable_id}/validate")
def validate(call: Call) -> dict[str, Any]:
    bill = call.find(call.directory.payables, call.ids["payable_id"], "payable", object_type="payable")
    errors = [
        {"loc": name.split("."), "msg": "Field required", "type": "missing"} for name in missing(call, bill)
    ]
    return {"id": bill.id, "validation_errors": errors}


@serves("GET /payables/validations", caller="either")
def read_validations(call: Call) -> dict[str, Any]:
    call.demand("read", "payable")
    return {"required_fields": required_fields(call)}


@serves("PUT /payables/validations")
def change_validations(call: Call) -> dict[str, Any]:
    _forget(call)
    _table(call).add(call.monite.new_id(), call.body)
    return {"required_fields": required_fields(call)}


@serves("POST /payables/validations/reset")
def reset_validations(call: Call) -> dict[str, Any]:
    _forget(call)
    return {"required_fields": required_fields(call)}


def _forget(call: Call) -> None:
    _table(call).remove(*_table(call).all())


def _table(call: Call) -> Table[Record]:
    # They are the partner's, and count for all of its entities.
    return call.directory.table(TABLE)
