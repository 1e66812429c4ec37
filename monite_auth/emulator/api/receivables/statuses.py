"""What becomes of a receivable: it is issued, accepted or declined, paid, canceled, or nobody will ever pay it."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from monite_auth.emulator.answers.errors import RefusedError
from monite_auth.emulator.api.master_data.settings import take_document_number
from monite_auth.emulator.api.receivables.documents import OPEN, RECEIVABLES, balance, day, note
from monite_auth.emulator.api.serving.call import Call
from monite_auth.emulator.api.serving.dispatch import serves
from monite_auth.emulator.world.clock import iso
from monite_auth.emulator.world.directory import Record


def in_status(call: Call, what: str, kinds: tuple[str, ...], *statuses: str) -> Record:
    """Return the receivable of the path, which the caller may change.

    Raises:
        RefusedError: it is of another kind, or in another status than these (409).

    """
    record = RECEIVABLES.found(call, "update")
    kind, status = record.fields["type"], record.fields["status"]
    if kind not in kinds or status not in statuses:
        raise RefusedError(409, f"A {kind} in status {status} cannot be {what}.")
    return record


@serves("POST /receivables/{receivable_id}/issue")
def issue(call: Call) -> dict[str, Any]:
    record = in_status(call, "issued", ("quote", "invoice", "credit_note"), "draft")
    issue_receivable(call, record)
    return record.shown()


def issue_receivable(call: Call, record: Record) -> None:
    """Give a draft its number and its dates. A credit note takes effect on its invoice."""
    fields = record.fields
    if not fields["line_items"]:
        raise RefusedError(400, "A document without line items cannot be issued.")
    if fields["type"] == "credit_note":
        _credit(call, fields)
    number = fields.get("document_id") or take_document_number(call, fields["type"])
    moment = iso(call.monite.clock.now())
    due = _due_date(call, fields) if fields["type"] == "invoice" else None
    issued = {"status": "issued", "document_id": number, "issue_date": moment, "due_date": due}
    RECEIVABLES.change(call, record, issued)


def _due_date(call: Call, fields: Mapping[str, Any]) -> str | None:
    final = (fields.get("payment_terms") or {}).get("term_final", {})
    if "number_of_days" in final:
        return (day(call) + timedelta(days=final["number_of_days"])).isoformat()
    end: str | None = final.get("end_date")
    return end


def _credit(call: Call, fields: Mapping[str, Any]) -> None:
    """Lower what an invoice demands. If nothing is left to pay, it is paid, or canceled if nobody has paid anything."""
    invoice = call.known(RECEIVABLES.table(call), fields["based_on"], "receivable")
    if invoice.fields["status"] not in OPEN:
        raise RefusedError(409, f"The invoice is in status {invoice.fields['status']}.")
    if fields["total_amount"] > invoice.fields["amount_due"]:
        raise RefusedError(400, "A credit note cannot be higher than what is left to pay of its invoice.")
    credited = invoice.fields["credited"] + fields["total_amount"]
    status = invoice.fields["status"]
    if fields["total_amount"] == invoice.fields["amount_due"]:
        status = "paid" if invoice.fields["amount_paid"] else "canceled"
    RECEIVABLES.change(call, invoice, {"credited": credited, "status": status})


@serves("POST /receivables/{receivable_id}/accept")
def accept(call: Call) -> dict[str, Any]:
    quote = in_status(call, "accepted", ("quote",), "issued")
    signature = (call.body or {}).get("signature")
    if quote.fields["signature_required"] and signature is None:
        raise RefusedError(400, "This quote needs a signature.")
    RECEIVABLES.change(call, quote, {"status": "accepted", "signature": signature})
    return {"success": True}


@serves("POST /receivables/{receivable_id}/decline")
def decline(call: Call) -> dict[str, Any]:
    quote = in_status(call, "declined", ("quote",), "issued")
    RECEIVABLES.change(call, quote, {"status": "declined", **_comment(call)})
    return {"success": True}


@serves("POST /receivables/{receivable_id}/cancel")
def cancel(call: Call) -> None:
    invoice = in_status(call, "canceled", ("invoice",), "issued", "overdue")
    if invoice.fields["amount_paid"]:
        raise RefusedError(409, "An invoice that was paid in part cannot be canceled.")
    RECEIVABLES.change(call, invoice, {"status": "canceled"})


@serves("POST /receivables/{receivable_id}/mark_as_uncollectible")
def mark_as_uncollectible(call: Call) -> dict[str, Any]:
    invoice = in_status(call, "marked as uncollectible", ("invoice",), *OPEN)
    RECEIVABLES.change(call, invoice, {"status": "uncollectible", **_comment(call)})
    return invoice.shown()


@serves("POST /receivables/{receivable_id}/mark_as_paid")
def mark_as_paid(call: Call) -> dict[str, Any]:
    invoice = in_status(call, "marked as paid", ("invoice",), *OPEN)
    receive(call, invoice, invoice.fields["amount_due"], (call.body or {}).get("paid_at"), _comment(call))
    return invoice.shown()


@serves("POST /receivables/{receivable_id}/mark_as_partially_paid")
def mark_as_partially_paid(call: Call) -> dict[str, Any]:
    invoice = in_status(call, "marked as partially paid", ("invoice",), *OPEN)
    amount = call.body["amount_paid"]
    if amount >= invoice.fields["amount_due"]:
        raise RefusedError(400, f"{invoice.fields['amount_due']} is left to pay: use …/mark_as_paid.")
    receive(call, invoice, amount, None, _comment(call))
    return invoice.shown()


def receive(
    call: Call, invoice: Record, amount: int, paid_at: str | None, comment: dict[str, str] | None = None
) -> None:
    """Count money for an invoice. It is paid once nothing is left to pay. A negative amount was paid back."""
    fields = invoice.fields
    sum_paid = max(0, min(fields["amount_paid"] + amount, fields["total_amount_with_credit_notes"]))
    paid = {"amount_paid": sum_paid, **(comment or {})}
    left = balance({**invoice.fields, **paid})["amount_due"]
    if left <= 0:
        paid |= {"status": "paid", "paid_at": paid_at or iso(call.monite.clock.now())}
    elif invoice.fields["status"] == "issued":
        paid["status"] = "partially_paid"
    RECEIVABLES.change(call, invoice, paid)
    data = {"amount_paid": amount, "amount_due": left, **(comment or {})}
    note(call, invoice, "payment_received", data)


def _comment(call: Call) -> dict[str, str]:
    return {name: text for name, text in (call.body or {}).items() if name == "comment"}


@serves("POST /receivables/{receivable_id}/verify")
def verify(call: Call) -> dict[str, Any]:
    """Tell what is missing before the receivable can be issued, or sent."""
    fields = RECEIVABLES.found(call, "read").fields
    missing = {} if fields["line_items"] else {"receivable": ["line_items"]}
    contact = fields.get("counterpart_contact") or {}
    warning = {"payment_reminders": "The counterpart has no e-mail address."}
    wants_mail = "payment_reminder_id" in fields and not contact.get("email")
    return ({"errors": missing} if missing else {}) | ({"warnings": warning} if wants_mail else {})
