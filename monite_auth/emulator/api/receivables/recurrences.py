"""Invoices that come again: `/recurrences`. The plan is kept; the emulator never makes an invoice by itself."""

import calendar
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

from monite_auth.emulator.answers.errors import RefusedError
from monite_auth.emulator.api.receivables.documents import RECEIVABLES, day
from monite_auth.emulator.api.serving.call import Call
from monite_auth.emulator.api.serving.dispatch import serves
from monite_auth.emulator.api.serving.resource import Resource
from monite_auth.emulator.world.directory import Record

_DAYS = {"day": 1, "week": 7}
_MONTHS = {"month": 1, "quarter": 3, "year": 12}
#: As many as Monite allows. A plan with an end date has no more either.
MOST = 1000


class Recurrences(Resource):
    """Recurrences. Each is the plan for one invoice, which is a draft until then."""

    def create(self, call: Call) -> dict[str, Any]:
        self._demand(call, "create")
        invoice = call.known(RECEIVABLES.table(call), call.body["invoice_id"], "invoice")
        call.demand("update", "receivable", invoice)
        if invoice.fields["type"] != "invoice" or invoice.fields["status"] != "draft":
            raise RefusedError(400, "Only an invoice that is a draft can recur.")
        record = self.add(call, {"status": "active", "current_iteration": 1, **_planned(call, call.body)})
        RECEIVABLES.change(call, invoice, {"status": "recurring", "recurrence_id": record.id})
        return record.shown()

    def changed(self, call: Call, record: Record) -> dict[str, Any]:
        if record.fields["status"] not in {"active", "paused"}:
            raise RefusedError(400, f"This recurrence is {record.fields['status']}.")
        kept = {name: value for name, value in record.fields.items() if name not in _ends_of(call.body)}
        return {"max_occurrences": None, "end_date": None, **_planned(call, {**kept, **call.body})}


def _ends_of(body: Mapping[str, Any]) -> set[str]:
    """Return the ways to end of a plan, if the body brings another one."""
    ends = {"end_date", "max_occurrences"}
    return ends if ends & body.keys() else set()


def _planned(call: Call, plan: Mapping[str, Any]) -> dict[str, Any]:
    """Return a plan with the days that follow from it.

    Raises:
        RefusedError: it begins in the past, or does not end in exactly one way (400).

    """
    plan = {**plan, **_in_days(call, plan)}
    start = date.fromisoformat(plan["start_date"])
    is_new = call.operation.method == "POST" or "start_date" in call.body
    if is_new and start < day(call):
        raise RefusedError(400, "A recurrence cannot begin in the past.")
    if (plan.get("end_date") is None) == (plan.get("max_occurrences") is None):
        raise RefusedError(400, "A recurrence has either an end_date or max_occurrences.")
    full = {"frequency": "month", "interval": 1, "day_of_month": "first_day", **plan}
    sends = "subject_text" in full and "body_text" in full
    full.setdefault("automation_level", "issue_and_send" if sends else "issue")
    end, most = plan.get("end_date") or "9999", plan.get("max_occurrences") or MOST
    days = [each.isoformat() for each in _days(start, full["frequency"], full["interval"], most)]
    iterations = [
        {"issue_at": each, "iteration": number, "status": "pending"}
        for number, each in enumerate(days, start=1)
        if each <= end
    ]
    if not iterations:
        raise RefusedError(400, "A recurrence cannot end before it begins.")
    begin = {"start_date": start.isoformat(), "start_month": start.month, "start_year": start.year}
    return {**full, **begin, "iterations": iterations}


def _in_days(call: Call, plan: Mapping[str, Any]) -> dict[str, str]:
    """Return the first and the last day of a plan in the older form, which has months."""
    today, days = day(call), {}
    if "start_date" not in plan:
        first = _month(plan.get("start_year", today.year), plan.get("start_month", today.month), today)
        last = first.replace(day=calendar.monthrange(first.year, first.month)[1])
        chosen = last if plan.get("day_of_month") == "last_day" else max(first, today)
        days["start_date"] = chosen.isoformat()
    if plan.get("end_date") is None and {"end_year", "end_month"} <= plan.keys():
        end = _month(plan["end_year"], plan["end_month"], today)
        days["end_date"] = end.replace(day=calendar.monthrange(end.year, end.month)[1]).isoformat()
    return days


def _month(year: int, month: int, today: date) -> date:
    if (year, month) < (today.year, today.month):
        raise RefusedError(400, "A recurrence cannot begin or end in the past.")
    return date(year, month, 1)


def _days(start: date, frequency: str, interval: int, count: int) -> Iterator[date]:
    """Yield the days of a plan. Where a month is too short, it is the month's last day."""
    for number in range(count):
        if frequency in _DAYS:
            ahead = _DAYS[frequency] * interval * number
            if ahead > (date.max - start).days:
                return
            yield start + timedelta(days=ahead)
            continue
        months = start.month - 1 + _MONTHS[frequency] * interval * number
        year, month = start.year + months // 12, months % 12 + 1
        if year > date.max.year:
            return
        yield date(year, month, min(start.day, calendar.monthrange(year, month)[1]))


RECURRENCES = Recurrences("/recurrences", "recurrence", object_type="receivable")
RECURRENCES.serve()


def _in_status(call: Call, what: str, *statuses: str) -> Record:
    record = RECURRENCES.found(call, "update")
    if record.fields["status"] not in statuses:
        raise RefusedError(409, f"A recurrence that is {record.fields['status']} cannot be {what}.")
    return record


def _become(call: Call, record: Record, status: str) -> None:
    RECURRENCES.table(call).change(record, {"status": status})


@serves("POST /recurrences/{recurrence_id}/pause")
def pause(call: Call) -> dict[str, Any]:
    record = _in_status(call, "paused", "active")
    _become(call, record, "paused")
    return record.shown()


@serves("POST /recurrences/{recurrence_id}/resume")
def resume(call: Call) -> dict[str, Any]:
    record = _in_status(call, "resumed", "paused")
    _become(call, record, "active")
    return record.shown()


@serves("POST /recurrences/{recurrence_id}/cancel")
def cancel(call: Call) -> None:
    record = _in_status(call, "canceled", "active", "paused")
    _become(call, record, "canceled")
    invoice = RECEIVABLES.table(call).get(record.fields["invoice_id"])
    if invoice is not None:
        RECEIVABLES.change(call, invoice, {"status": "canceled"})
