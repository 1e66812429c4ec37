"""Recurrences: the plan of an invoice that comes again."""

import pytest

from tests.emulator.test_receivables import Office


@pytest.fixture
def office(api):
    return Office(api)


def plan(office, status=200, **more):
    body = {"invoice_id": office.create()["id"], "start_date": "2026-01-31"} | more
    return office.call("POST", "/recurrences", status, json=body)


@pytest.mark.parametrize(
    ("more", "days"),
    [
        ({"max_occurrences": 3}, ["2026-01-31", "2026-02-28", "2026-03-31"]),
        ({"end_date": "2026-02-14", "frequency": "week", "interval": 2}, ["2026-01-31", "2026-02-14"]),
        ({"max_occurrences": 2, "frequency": "year"}, ["2026-01-31", "2027-01-31"]),
        ({"max_occurrences": 2, "frequency": "quarter"}, ["2026-01-31", "2026-04-30"]),
    ],
)
def test_a_plan_has_its_days(office, more, days):
    made = plan(office, **more)
    assert [each["issue_at"] for each in made["iterations"]] == days
    assert (made["status"], made["automation_level"], made["start_month"]) == ("active", "issue", 1)
    invoice = office.read({"id": made["invoice_id"]})
    assert (invoice["status"], invoice["recurrence_id"]) == ("recurring", made["id"])
    assert office.call("GET", "/recurrences")["data"] == [made]


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"max_occurrences": 1, "end_date": "2026-03-01"},
        {"max_occurrences": 1, "start_date": "2025-11-29"},
        {"end_date": "2026-01-01"},
        {"end_year": -1, "end_month": 1},
    ],
)
def test_a_plan_without_beginning_or_end_is_refused(office, wrong):
    plan(office, 400, **wrong)


def test_a_plan_in_months_begins_and_ends_with_them(office):
    months = {"start_year": 2026, "start_month": 1, "end_year": 2026, "end_month": 3}
    body = {"invoice_id": office.create()["id"], "day_of_month": "last_day", **months}
    made = office.call("POST", "/recurrences", json=body)
    assert [each["issue_at"] for each in made["iterations"]] == ["2026-01-31", "2026-02-28", "2026-03-31"]


def test_a_plan_is_changed_paused_and_canceled(office):
    made = plan(office, max_occurrences=3)
    path = f"/recurrences/{made['id']}"
    changed = office.call("PATCH", path, json={"end_date": "2026-02-28"})
    assert (len(changed["iterations"]), "max_occurrences" in changed) == (2, False)
    office.call("POST", f"{path}/resume", 409)
    office.call("POST", f"{path}/pause")
    assert office.call("GET", path)["status"] == "paused"
    office.call("POST", f"{path}/resume")
    office.call("POST", f"{path}/cancel", 204)
    office.call("POST", f"{path}/cancel", 409)
    office.call("PATCH", path, 400, json={"interval": 2})
    assert office.read({"id": made["invoice_id"]})["status"] == "canceled"


def test_only_a_draft_of_an_invoice_recurs(office):
    plan(office, 400, invoice_id=office.issued()["id"], max_occurrences=1)
    plan(office, 404, invoice_id=office.product, max_occurrences=1)
