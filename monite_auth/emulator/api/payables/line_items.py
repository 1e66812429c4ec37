"""What stands on a bill: `/payables/{payable_id}/line_items`. The amounts of a bill follow from its line items."""

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from monite_auth.emulator.api.payables.bills import PAYABLES
from monite_auth.emulator.api.serving.call import Call
from monite_auth.emulator.api.serving.dispatch import serves
from monite_auth.emulator.api.serving.resource import Resource
from monite_auth.emulator.specification.validation import InvalidError
from monite_auth.emulator.world.directory import Record
from monite_auth.emulator.world.permissions import Action


class LineItems(Resource):
    """Line items. Whoever may change a payable may change them, as long as the payable may be changed."""

    def create(self, call: Call) -> dict[str, Any]:
        shown = super().create(call)
        _count(call)
        return shown

    def update(self, call: Call) -> dict[str, Any]:
        shown = super().update(call)
        _count(call)
        return shown

    def filled(self, call: Call) -> dict[str, Any]:
        return _with_amounts(call.body)

    def changed(self, call: Call, record: Record) -> dict[str, Any]:
        return _with_amounts(record.fields | call.body)

    def remove(self, call: Call, record: Record) -> None:
        super().remove(call, record)
        _count(call)

    def _parent(self, call: Call, action: Action) -> str:
        return (PAYABLES.found(call, "read") if action == "read" else PAYABLES.editable(call)).id


LINE_ITEMS = LineItems("/payables/{payable_id}/line_items", "line item", parent=PAYABLES)
LINE_ITEMS.serve()


@serves("PUT /payables/{payable_id}/line_items")
def replace(call: Call) -> dict[str, Any]:
    bill = PAYABLES.editable(call)
    table = LINE_ITEMS.table(call)
    table.remove(*table.all(parent_id=bill.id))
    items = [LINE_ITEMS.add(call, _with_amounts(each), bill.id) for each in call.body["data"]]
    _count(call)
    return {"data": [item.shown() for item in items]}


def _with_amounts(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return a line item with what follows from its price. Without a price, the amounts are those that it tells."""
    if "unit_price" not in item or "quantity" not in item:
        return dict(item)
    try:
        subtotal = _rounded(Decimal(str(item["quantity"])) * item["unit_price"])
        tax = _rounded(Decimal(subtotal) * item.get("tax", 0) / 10_000)
    except InvalidOperation:
        raise InvalidError([(("body", "quantity"), "This amount is too large", "value_error")]) from None
    return {**item, "subtotal": subtotal, "tax_amount": tax, "total": subtotal + tax}


def _rounded(amount: Decimal) -> int:
    return int(amount.quantize(Decimal(1), ROUND_HALF_UP))


def _count(call: Call) -> None:
    """Let the amounts of the call's payable follow from its line items. Without any there is nothing to pay."""
    bill = PAYABLES.found(call, "update")
    items = LINE_ITEMS.table(call).all(parent_id=bill.id)
    PAYABLES.change(call, bill, {} if items else {"subtotal": 0, "tax_amount": 0, "total_amount": 0})
