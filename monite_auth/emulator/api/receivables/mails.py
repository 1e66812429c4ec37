"""What is sent about a receivable, its history, and what has to stand in it. No e-mail ever leaves the emulator."""

import re
from typing import Any

from monite_auth.emulator.answers.errors import RefusedError
from monite_auth.emulator.api.master_data.trade import asked_about
from monite_auth.emulator.api.master_data.vat_rates import vat_rates
from monite_auth.emulator.api.receivables.documents import OPEN, RECEIVABLES, note
from monite_auth.emulator.api.receivables.statuses import in_status, issue_receivable
from monite_auth.emulator.api.serving.call import Call
from monite_auth.emulator.api.serving.dispatch import serves
from monite_auth.emulator.api.serving.resource import Resource
from monite_auth.emulator.world.directory import Record

KINDS = ("quote", "invoice", "credit_note")
#: What a text can name, and the field that it stands for.
VARIABLES = {
    "document_id": "The number of the document",
    "counterpart_name": "The name of the customer",
    "total_amount": "What is to be paid, in minor units",
    "currency": "The currency of the document",
    "issue_date": "When the document was issued",
    "due_date": "When it is to be paid",
}

HISTORY = Resource("/receivables/{receivable_id}/history", "history record", parent=RECEIVABLES)
MAILS = Resource("/receivables/{receivable_id}/mails", "mail", parent=RECEIVABLES)
for resource in (HISTORY, MAILS):
    resource.serve()


@serves("POST /receivables/{receivable_id}/send")
def send(call: Call) -> dict[str, Any]:
    """Keep a mail. A draft is issued by this."""
    record = in_status(call, "sent", KINDS, "draft", "paid", *OPEN)
    recipients = _recipients(call, record)
    if record.fields["status"] == "draft":
        issue_receivable(call, record)
    return {"mail_id": _mail(call, record, recipients, "mail_sent").id}


@serves("POST /receivables/{receivable_id}/send_test_reminder")
def send_test_reminder(call: Call) -> dict[str, Any]:
    record = in_status(call, "reminded of", ("invoice",), "draft", *OPEN)
    term = call.body["reminder_type"]
    kind = "overdue_reminder" if term == "overdue" else "payment_reminder"
    if f"{kind}_id" not in record.fields:
        raise RefusedError(409, f"This invoice has no {kind.replace('_', ' ')}.")
    mail = _mail(call, record, _recipients(call, record), f"{kind}_mail_sent", {"term": term})
    return {"mail_ids": [mail.id]}


@serves("POST /receivables/{receivable_id}/preview")
def preview(call: Call) -> dict[str, Any]:
    record = RECEIVABLES.found(call, "read")
    if record.fields["status"] not in {"draft", *OPEN}:
        status = record.fields["status"]
        # Monite documents no 409 for this operation, but its guide names it.
        raise call.refusal(f"A receivable in status {status} cannot be previewed.", 409, 400)

    def value(found: re.Match[str]) -> str:
        return str(record.fields.get(found[1]) or "") if found[1] in VARIABLES else found[0]

    subject, body = (re.sub(r"\{(\w+)\}", value, call.body[name]) for name in ("subject_text", "body_text"))
    return {"subject_preview": subject, "body_preview": body}


@serves("GET /receivables/variables", caller="either")
def list_variables(call: Call) -> dict[str, Any]:
    call.demand("read", "receivable")
    variables = [{"name": name, "description": text} for name, text in VARIABLES.items()]
    kinds = (*KINDS, "discount_reminder", "final_reminder", "overdue_reminder")
    return {
        "data": [
            {"object_type": "receivable", "object_subtype": kind, "variables": variables} for kind in kinds
        ]
    }


@serves("GET /receivables/required_fields")
def required_fields(call: Call) -> dict[str, Any]:
    """Tell which fields an invoice needs: in a country whose VAT rates Monite knows, lines need one of these."""
    call.demand("read", "receivable")
    trade = asked_about(call)
    has_rates = bool(vat_rates(trade.seller))

    def field(description: str, *, required: bool) -> dict[str, Any]:
        return {"description": description, "required": required}

    tax_id = {"tax_id": field("A tax number", required=False)}
    vat_id = {"vat_id": field("A VAT id", required=trade.needs_vat_ids)}
    return {
        # A private person has no VAT id.
        "counterpart": tax_id if trade.customer_type == "individual" else tax_id | vat_id,
        "entity": tax_id | vat_id,
        "line_item": {
            "measure_unit": field("The unit in which the product is measured", required=False),
            "tax_rate_value": field("The tax in hundredths of a percent", required=not has_rates),
            "vat_rate_id": field("One of the VAT rates", required=has_rates),
        },
    }


def _recipients(call: Call, record: Record) -> dict[str, Any]:
    """Return who gets a mail: those that the call names, or the customer.

    Raises:
        RefusedError: nobody is named, and the customer has no address (400).

    """
    if named := call.body.get("recipients"):
        return {kind: [{"email": each, "is_success": True} for each in named[kind]] for kind in named}
    customer = call.directory.counterparts.get(record.fields["counterpart_id"])
    party = customer.fields[customer.fields["type"]] if customer else {}
    email = (record.fields.get("counterpart_contact") or {}).get("email") or party.get("email")
    if not email:
        raise RefusedError(400, "The counterpart has no e-mail address: name the recipients.")
    return {"to": [{"email": email, "is_success": True}]}


def _mail(
    call: Call, record: Record, recipients: dict[str, Any], event: str, more: dict[str, Any] | None = None
) -> Record:
    mail = MAILS.add(call, {"recipients": recipients, "status": "sent"}, record.id)
    data = {"mail_id": mail.id, "mail_status": "sent", "recipients": recipients, **(more or {})}
    note(call, record, event, data)
    return mail
