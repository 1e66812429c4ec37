"""The PDF of a receivable. It is made when somebody asks for it, and made anew once it would say something else."""

import base64
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from monite_auth.emulator.api.files import FILES, keep_file
from monite_auth.emulator.api.master_data.settings import MINOR_UNITS
from monite_auth.emulator.api.receivables.documents import RECEIVABLES
from monite_auth.emulator.api.receivables.pdf import pdf
from monite_auth.emulator.api.serving.call import Call
from monite_auth.emulator.api.serving.dispatch import serves
from monite_auth.emulator.world.directory import Record


@serves("GET /receivables/{receivable_id}/pdf_link")
def read_pdf_link(call: Call) -> dict[str, Any]:
    record = RECEIVABLES.found(call, "read")
    url = _url(call, record)
    return {"file_url": url, "original_file_url": url}


def _url(call: Call, record: Record) -> str:
    """Return where the PDF is. A PDF of an earlier state goes."""
    fields = record.fields
    files = FILES.table(call)
    content = base64.b64encode(pdf(_lines(fields))).decode()
    known = files.get(fields.get("pdf_id", ""))
    if known is None or known.fields["content"] != content:
        if known is not None:
            files.remove(known)
        name = f"{fields.get('document_id') or fields['type']}.pdf"
        known = keep_file(call, name, content, "receivables")
        RECEIVABLES.table(call).amend(record, {"pdf_id": known.id, "file_url": known.fields["url"]})
    return str(known.fields["url"])


def _lines(fields: Mapping[str, Any]) -> list[str]:
    """Return what the page says."""

    def amount(minor: int) -> str:
        currency = fields["currency"]
        return f"{Decimal(minor).scaleb(-MINOR_UNITS.get(currency, 2))} {currency}"

    entity = fields["entity"]
    sender = entity.get("name") or f"{entity.get('first_name')} {entity.get('last_name')}"
    kind = fields["type"].replace("_", " ").capitalize()
    address = fields.get("counterpart_billing_address") or {}
    dates = [
        f"{title}: {fields[name][:10]}"
        for title, name in (("Issued", "issue_date"), ("Due", "due_date"), ("Valid until", "expiry_date"))
        if fields.get(name)
    ]
    items = [
        f"{item['quantity']:g} x {item['product']['name']}: {amount(item['total_before_vat'])}"
        for item in fields["line_items"]
    ]
    return [
        sender,
        "",
        f"{kind} {fields.get('document_id') or '(draft)'}",
        *dates,
        "",
        fields["counterpart_name"],
        *[str(address[name]) for name in ("line1", "postal_code", "city", "country") if address.get(name)],
        "",
        *items,
        "",
        f"Subtotal: {amount(fields['discounted_subtotal'])}",
        f"VAT: {amount(fields['total_vat_amount'])}",
        f"Total: {amount(fields['total_amount'])}",
        *(["", *fields["memo"].splitlines()] if fields.get("memo") else []),
    ]
