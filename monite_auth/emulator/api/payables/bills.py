"""Bills to pay: `/payables`. Their line items, statuses, history and required fields have modules of their own."""

from collections.abc import Mapping
from typing import Any

from monite_auth.emulator.answers.errors import RefusedError
from monite_auth.emulator.api.files import decoded_content, file_fields, keep_file
from monite_auth.emulator.api.master_data.tags import with_tags
from monite_auth.emulator.api.payables.history import TABLE as HISTORY
from monite_auth.emulator.api.payables.history import move, record_event
from monite_auth.emulator.api.payables.validations import LINE_ITEMS, missing
from monite_auth.emulator.api.serving.call import Call
from monite_auth.emulator.api.serving.dispatch import serves
from monite_auth.emulator.api.serving.lists import matching
from monite_auth.emulator.api.serving.resource import Resource
from monite_auth.emulator.demo.companies import PAYABLE
from monite_auth.emulator.world.directory import Payable, Record, Table
from monite_auth.emulator.world.permissions import Action

#: A payable can be changed until it is sent for approval.
EDITABLE = frozenset({"draft", "new"})
#: What is paid, if only in part, stays.
KEPT = frozenset({"partially_paid", "paid"})
#: How long OCR takes by the emulator's clock. It recognizes nothing.
OCR_SECONDS = 5
#: The fields that name other records: their tables, and what such a record is called.
REFERENCES = {
    "counterpart_id": ("counterparts", "counterpart"),
    "counterpart_address_id": ("counterparts.addresses", "address"),
    "counterpart_bank_account_id": ("counterparts.bank_accounts", "bank account"),
    "counterpart_vat_id_id": ("counterparts.vat_ids", "VAT id"),
    "project_id": ("projects", "project"),
    "purchase_order_id": ("payable_purchase_orders", "purchase order"),
}


class Payables(Resource):
    """Payables. One begins as a draft, and is new as soon as it has all required fields."""

    def table(self, call: Call) -> Table[Payable]:
        """Return the table, after the OCR of those payables that it has had the time for."""
        payables = call.directory.payables
        for bill in payables.all(call.entity.id):
            age = call.monite.clock.now() - bill.created_at
            if bill.fields.get("ocr_status") == "processing" and age >= OCR_SECONDS:
                payables.change(bill, {"ocr_status": "success"})
        return payables

    def found(self, call: Call, action: Action) -> Payable:
        return call.find(
            self.table(call), call.ids["payable_id"], self.what, action=action, object_type="payable"
        )

    def editable(self, call: Call) -> Payable:
        """Return the call's payable, if it can be changed.

        Raises:
            RefusedError: its status (409, or 400), or the caller's role does not allow it (403).

        """
        bill = self.found(call, "update")
        if bill.status not in EDITABLE:
            raise call.refusal(f"A payable that is {bill.status} cannot be changed.", 409, 400)
        return bill

    def create(self, call: Call) -> dict[str, Any]:
        self._demand(call, "create")
        fields = {**PAYABLE, **_referring(call)}
        content, name = fields.pop("base64_encoded_file", None), fields.pop("file_name", "default_file_name")
        if content is not None:
            decoded_content(content)  # before anything is there
        bill = self.begin(call, fields)
        if content is not None:
            self.attach(call, bill, name, content)
        return bill.shown()

    def update(self, call: Call) -> dict[str, Any]:
        bill = self.editable(call)
        self.change(call, bill, _referring(call))
        record_event(call, bill, "payable_updated")
        return bill.shown()

    def remove(self, call: Call, record: Record) -> None:
        bill = self.found(call, "delete")
        if bill.status in KEPT:
            raise RefusedError(409, f"A payable that is {bill.status} cannot be deleted.")
        for name in (LINE_ITEMS, HISTORY):
            table = call.directory.table(name)
            table.remove(*table.all(parent_id=record.id))
        super().remove(call, record)

    def begin(self, call: Call, fields: Mapping[str, Any]) -> Payable:
        """Add a payable."""
        role = {"created_by_role_id": call.user.role_id} if call.user else {}
        bill = self.add(call, {**fields, **role})
        assert isinstance(bill, Payable)
        record_event(call, bill, "payable_created", {"payable_source": fields["payable_origin"]})
        return bill

    def change(self, call: Call, bill: Payable, fields: Mapping[str, Any]) -> None:
        """Replace fields of a payable. Its amounts follow from its line items. A draft that has become complete is new."""
        amounts = {}
        if items := call.directory.table(LINE_ITEMS).all(parent_id=bill.id):
            subtotal, tax, total = (
                sum(item.fields.get(name) or 0 for item in items)
                for name in ("subtotal", "tax_amount", "total")
            )
            total -= {**bill.fields, **fields}.get("discount", 0)
            amounts = {"subtotal": subtotal, "tax_amount": tax, "total_amount": total}
        call.directory.payables.change(bill, {**fields, **amounts})
        if bill.status == "draft" and not missing(call, bill):
            move(call, bill, "new")

    def attach(self, call: Call, bill: Payable, name: str, content: str) -> None:
        """Give a payable its file; the content is in base64."""
        file = keep_file(call, name, content, "payables")
        self.change(call, bill, file_fields(file))
        told = {"file_name": name, "file_size": file.fields["size"], "url": file.fields["url"]}
        record_event(call, bill, "file_attached", told)


def _referring(call: Call) -> dict[str, Any]:
    """Return what the body says, with tags in place of their ids, after a look at the other records that it names."""
    for field, (table, what) in REFERENCES.items():
        call.check_reference(field, call.directory.table(table), what)
    return dict(with_tags(call, call.body))


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
            each.id for each in call.directory.table(LINE_ITEMS).all(parent_id=bill.id)
        ],
        "origin": lambda _, bill: bill.fields["payable_origin"],
        "search_text": lambda call, bill: f"{bill.fields.get('document_id', '')}\n{_name(call, bill)}",
        "tag_ids": lambda _, bill: [tag["id"] for tag in bill.fields["tags"]],
    },
)
PAYABLES.serve()


@serves("GET /payables/analytics")
def analyze(call: Call) -> dict[str, Any]:
    seen = call.visible("payable", PAYABLES.table(call).all(call.entity.id))
    bills = matching(call, seen, call.query, PAYABLES.lookups)
    by_status: dict[str, list[int]] = {}
    for bill in bills:
        by_status.setdefault(bill.fields["status"], []).append(bill.fields.get("total_amount", 0))
    return {
        "count": len(bills),
        "sum_total_amount": sum(map(sum, by_status.values())),
        "data": [
            {"status": status, "count": len(amounts), "sum_total_amount": sum(amounts)}
            for status, amounts in by_status.items()
        ],
    }
