"""Quotes, invoices and credit notes: `/receivables`. What becomes of them is in `receivable_statuses`."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from monite_auth.emulator.answers.errors import RefusedError
from monite_auth.emulator.api.master_data.products import PAYMENT_TERMS, PRODUCTS
from monite_auth.emulator.api.master_data.settings import entity_settings
from monite_auth.emulator.api.receivables.line_items import line_item, with_changes
from monite_auth.emulator.api.receivables.parties import customer, seller
from monite_auth.emulator.api.receivables.totals import totals, with_totals
from monite_auth.emulator.api.serving.call import Call
from monite_auth.emulator.api.serving.dispatch import serves
from monite_auth.emulator.api.serving.lists import LIMIT
from monite_auth.emulator.api.serving.resource import Resource
from monite_auth.emulator.specification.facts import operations
from monite_auth.emulator.world.clock import iso
from monite_auth.emulator.world.directory import Record
from monite_auth.emulator.world.permissions import Action

#: An invoice in one of these waits for money.
OPEN = ("issued", "overdue", "partially_paid")
#: The highest amount that Monite's shapes allow.
HIGHEST = 2**53 - 1
#: A receivable of this type and in one of these statuses gets the last status after the day in this field.
_ENDS = (
    ("invoice", {"issued", "partially_paid"}, "due_date", "overdue"),
    ("quote", {"issued"}, "expiry_date", "expired"),
)
#: What a copy begins without.
_NOT_COPIED = ("attachments", "document_id", "expiry_date", "fulfillment_date", "payment_page_url")


class Receivables(Resource):
    """Receivables. A draft is derived from its `source`, which is what the client has said; later it stays as it is."""

    def create(self, call: Call) -> dict[str, Any]:
        self._demand(call, "create")
        body = dict(call.body)
        if "based_on" in body:
            return self._follow(call, body).shown()
        if entity_settings(call)["receivable_edit_flow"] != "non_compliant":
            # Monite numbers the document itself, when it is issued.
            body.pop("document_id", None)
        lines = body.pop("line_items")
        return self.begin(call, body, [line_item(call, line, body) for line in lines]).shown()

    def begin(
        self,
        call: Call,
        source: dict[str, Any],
        items: Sequence[Mapping[str, Any]],
        more: Mapping[str, Any] | None = None,
    ) -> Record:
        """Add a draft."""
        fields = {"status": "draft", "amount_paid": 0, "credited": 0, **(more or {})}
        receivable = self.add(call, fields | _described(call, source, items))
        note(call, receivable, "receivable_created", {})
        return receivable

    def found(self, call: Call, action: Action) -> Record:
        self._let_time_pass(call)
        return super().found(call, action)

    def list(self, call: Call) -> dict[str, Any]:
        self._let_time_pass(call)
        return super().list(call)

    def changed(self, call: Call, record: Record) -> dict[str, Any]:
        ((kind, changes),) = call.body.items()
        status, fields = record.fields["status"], record.fields
        if kind == "issued_invoice":
            if fields["type"] != "invoice" or status not in OPEN:
                raise RefusedError(
                    409, f"This is no issued invoice, but a {fields['type']} in status {status}."
                )
            if entity_settings(call)["receivable_edit_flow"] == "compliant":
                raise RefusedError(409, "The settings of this entity do not allow to change issued invoices.")
        elif kind != fields["type"]:
            raise RefusedError(400, f"This is a {fields['type']}, and not a {kind}.")
        elif status != "draft":
            raise RefusedError(409, f"Only drafts can be changed. This {kind} is in status {status}.")
        changes = dict(changes)
        items = with_changes(call, fields, changes.pop("line_items", None))
        kept = {
            name: changes.pop(name)
            for name in ("due_date", "issue_date", "entity_address")
            if name in changes
        }
        said = fields["source"] | changes
        source = {name: value for name, value in said.items() if value is not None}
        cleared = dict.fromkeys(said.keys() - source.keys())
        described = _described(call, source, items) | cleared | kept
        note(call, record, "receivable_updated", {})
        return described | balance({**fields, **described})

    def remove(self, call: Call, record: Record) -> None:
        if record.fields["status"] != "draft":
            raise RefusedError(
                409, f"Only drafts can be deleted. This one is in status {record.fields['status']}."
            )
        for part in ("history", "mails"):
            table = call.directory.table(f"{self.table_name}.{part}")
            table.remove(*table.all(parent_id=record.id))
        super().remove(call, record)

    def change(self, call: Call, record: Record, fields: Mapping[str, Any], *, by_hand: bool = True) -> None:
        """Change fields of a receivable, and the amounts that follow from them. A new status goes into its history.

        `by_hand` tells that the caller does it, and not the time that passes.
        """
        before = record.fields["status"]
        self.table(call).change(record, {**fields, **balance({**record.fields, **fields})})
        if (after := record.fields["status"]) != before:
            data = {"old_status": before, "new_status": after}
            note(call, record, "status_changed", data, by_hand=by_hand)

    def _let_time_pass(self, call: Call) -> None:
        """Note which invoices have become overdue, and which quotes have expired."""
        today = day(call).isoformat()
        for each in self.table(call).all(call.entity.id):
            fields = each.fields
            for kind, statuses, end, late in _ENDS:
                is_open = fields["type"] == kind and fields["status"] in statuses
                if is_open and (fields.get(end) or today) < today:
                    self.change(call, each, {"status": late}, by_hand=False)

    def _follow(self, call: Call, body: dict[str, Any]) -> Record:
        """Add an invoice that is based on a quote, or a credit note that is based on an invoice."""
        self._let_time_pass(call)
        first = call.known(self.table(call), body["based_on"], "receivable")
        call.demand("read", "receivable", first)
        kind = {"invoice": "quote", "credit_note": "invoice"}[body["type"]]
        allowed = ("issued", "accepted") if kind == "quote" else OPEN
        if first.fields["type"] != kind or first.fields["status"] not in allowed:
            is_what = f"a {first.fields['type']} in status {first.fields['status']}"
            raise RefusedError(409, f"A new {body['type']} cannot be based on {is_what}.")
        if kind == "invoice" and any(each.fields["status"] == "draft" for each in credit_notes(call, first)):
            raise RefusedError(409, "This invoice has a draft of a credit note already.")
        source = {name: value for name, value in first.fields["source"].items() if name not in _NOT_COPIED}
        based_on = {"based_on": first.id, "based_on_document_id": first.fields.get("document_id")}
        receivable = self.begin(call, source | body, first.fields["line_items"], based_on)
        note(
            call,
            first,
            "based_on_receivable_created",
            {"receivable_id": receivable.id, "type": receivable.fields["type"]},
        )
        if kind == "invoice":
            ids = [each.id for each in credit_notes(call, first)]
            self.change(call, first, {"related_documents": {"credit_note_ids": ids}})
        return receivable


def credit_notes(call: Call, invoice: Record) -> list[Record]:
    """Return the credit notes that are based on an invoice."""
    everything: list[Record] = RECEIVABLES.table(call).all(call.entity.id)
    return [
        each
        for each in everything
        if each.fields["type"] == "credit_note" and each.fields.get("based_on") == invoice.id
    ]


def day(call: Call) -> date:
    """Return the day of the emulator's clock, in UTC."""
    return datetime.fromtimestamp(call.monite.clock.now(), UTC).date()


def note(
    call: Call, receivable: Record, event_type: str, data: Mapping[str, Any], *, by_hand: bool = True
) -> None:
    """Add something to the history of a receivable."""
    call.directory.table("receivables.history").add(
        call.monite.new_id(),
        {
            "receivable_id": receivable.id,
            "event_type": event_type,
            "event_data": dict(data),
            "timestamp": iso(call.monite.clock.now()),
        },
        entity_id=receivable.entity_id,
        created_by=call.user_id if by_hand else None,
        parent_id=receivable.id,
    )


def balance(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is left to pay of an invoice."""
    if fields["type"] != "invoice":
        return {}
    total = fields["total_amount"] - fields["credited"]
    due = max(0, total - fields["amount_paid"])
    return {"total_amount_with_credit_notes": total, "amount_due": due, "amount_to_pay": due}


def _described(call: Call, source: dict[str, Any], items: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the fields of a draft."""
    settings = entity_settings(call)
    fields = {
        "vat_mode": settings["vat_mode"],
        "vat_exempt": False,
        "file_language": settings["language"] or "en",
        "original_file_language": settings["language"] or "en",
        **source,
        **customer(call, source),
        **seller(call, source),
        "source": source,
    }
    for name in ("overdue_reminder", "payment_reminder", "project"):
        if f"{name}_id" in source:
            call.known(call.directory.table(f"{name}s"), source[f"{name}_id"], name.replace("_", " "))
    if "payment_terms_id" in source:
        fields["payment_terms"] = call.known(
            PAYMENT_TERMS.table(call), source["payment_terms_id"], "payment terms"
        ).shown()
    tags = call.directory.table("tags")
    fields["tags"] = [call.known(tags, tag_id, "tag").shown() for tag_id in source.get("tag_ids", ())]
    files = call.directory.table("files")
    fields["attachments"] = [
        {**call.known(files, each["id"], "file").shown(), **each} for each in source.get("attachments", ())
    ]
    fields["line_items"] = [with_totals(item, fields["vat_mode"]) for item in items]
    fields |= totals(fields["line_items"], source.get("discount"), source.get("withholding_tax_rate"))
    prices = (item["product"]["price_after_vat"]["value"] for item in fields["line_items"])
    if max(fields["subtotal_after_vat"], *prices, 0) > HIGHEST:
        raise RefusedError(400, "The amounts are too high.")
    if source["type"] == "quote":
        fields.setdefault("signature_required", settings["quote_signature_required"])
    return fields | balance({"amount_paid": 0, "credited": 0, **fields})


RECEIVABLES = Receivables(
    "/receivables",
    "receivable",
    object_type="receivable",
    kept={
        "amount_paid": {"type": "integer"},
        "credited": {"type": "integer"},
        "total_amount": {"type": "integer"},
        "source": {"type": "object"},
    },
    lookups={
        "amount": lambda _, each: each.fields["total_amount"],
        "product_ids": lambda _, each: [item["product"]["id"] for item in each.fields["line_items"]],
        "tag_ids": lambda _, each: [tag["id"] for tag in each.fields["tags"]],
    },
)
RECEIVABLES.serve()
_LIST = next(each for each in operations() if (each.method, each.path) == ("GET", "/receivables"))


@serves("POST /receivables/search")
def search(call: Call) -> dict[str, Any]:
    """Answer as the list does. The filters are in the body."""
    return RECEIVABLES.list(replace(call, operation=_LIST, query={"limit": LIMIT, **call.body}))


@serves("PUT /receivables/{receivable_id}/line_items")
def replace_line_items(call: Call) -> dict[str, Any]:
    record = RECEIVABLES.found(call, "update")
    if record.fields["type"] == "credit_note" or record.fields["status"] != "draft":
        raise RefusedError(409, "Only the line items of draft quotes and draft invoices can be replaced.")
    items = [line_item(call, line, record.fields) for line in call.body["data"]]
    RECEIVABLES.change(call, record, _described(call, record.fields["source"], items))
    note(call, record, "receivable_updated", {})
    return {"data": record.fields["line_items"]}


@serves("POST /receivables/{receivable_id}/clone")
def clone(call: Call) -> dict[str, Any]:
    first = RECEIVABLES.found(call, "read")
    call.demand("create", "receivable")
    if first.fields["type"] == "credit_note":
        raise RefusedError(409, "A credit note cannot be cloned.")
    for item in first.fields["line_items"]:
        call.known(PRODUCTS.table(call), item["product"]["id"], "product")
    source = {name: value for name, value in first.fields["source"].items() if name not in _NOT_COPIED}
    return RECEIVABLES.begin(call, source, first.fields["line_items"]).shown()
