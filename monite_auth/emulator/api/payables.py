"""Bills to pay: `/payables`."""

from typing import Any

from monite_auth.emulator.api.call import Call
from monite_auth.emulator.api.resource import Resource
from monite_auth.emulator.api.tags import with_tags
from monite_auth.emulator.directory import Payable, Record
from monite_auth.emulator.errors import RefusedError
from monite_auth.emulator.permissions import Action
from monite_auth.emulator.seed import PAYABLE


class Payables(Resource):
    """Payables. What is paid stays as it is."""

    def found(self, call: Call, action: Action) -> Payable:
        payable = super().found(call, action)
        assert isinstance(payable, Payable)
        if action in {"update", "delete"} and payable.status == "paid":
            raise RefusedError(409, f"A paid payable cannot be {action}d.")
        return payable

    def filled(self, call: Call) -> dict[str, Any]:
        return PAYABLE | with_tags(call, call.body)

    def changed(self, call: Call, record: Record) -> dict[str, Any]:  # noqa: ARG002 - of the signature
        return with_tags(call, call.body)


def _name(call: Call, payable: Payable) -> str:
    """Return the name of the counterpart: of the one that is known, or the one that the bill itself tells."""
    known = call.directory.counterparts.get(payable.fields.get("counterpart_id", ""))
    return known.name if known else str(payable.fields.get("counterpart_raw_data", {}).get("name") or "")


PAYABLES = Payables(
    "/payables",
    "payable",
    object_type="payable",
    newest_first=True,
    lookups={
        "amount": lambda _, bill: bill.fields.get("total_amount"),
        "counterpart_name": _name,
        "has_file": lambda _, bill: "file" in bill.fields,
        "has_tags": lambda _, bill: bool(bill.fields["tags"]),
        "line_item_id": lambda call, bill: [
            each.id for each in call.directory.table("payables.line_items").all(parent_id=bill.id)
        ],
        "origin": lambda _, bill: bill.fields["payable_origin"],
        "search_text": lambda call, bill: f"{bill.fields.get('document_id', '')}\n{_name(call, bill)}",
        "tag_ids": lambda _, bill: [tag["id"] for tag in bill.fields["tags"]],
    },
)
PAYABLES.serve()
