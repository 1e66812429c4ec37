"""A world with records of every kind, each made through the API as a client makes it."""

import base64
from typing import Any

from monite_auth.emulator import ANNA_ID, BAKERY_ID
from monite_auth.emulator.world.permissions import ObjectType, common
from tests.emulator.conftest import Api
from tests.emulator.payables import COMPLETE, ITEM
from tests.emulator.test_approvals import BODIES, REQUEST
from tests.emulator.test_receivables import Office

ADDRESS = {"country": "DE", "city": "Kiel", "postal_code": "24103", "line1": "Kai 2"}
PDF = base64.b64encode(b"%PDF-1.4").decode()


class Maker(Office):
    """Anna, whose role allows everything, and the partner."""

    def make(self, path: str, body: Any = None, /, *, user: bool = True, **fields: Any) -> Any:
        token = self.token if user else self.api.token()
        made = self.api.call("POST", path, token, BAKERY_ID, json={**(body or {}), **fields})
        assert made.is_success, f"{path}: {made.text}"
        return made.json()


def make_everything(api: Api) -> None:
    """Add to the demo's data at least one record of each kind, and let things happen to them."""
    directory = api.monite.directory
    anna = directory.users.get(ANNA_ID)
    role = directory.roles.get(anna.role_id or "") if anna else None
    assert role
    kinds: tuple[ObjectType, ...] = ("comment", "approval_policy", "approval_request", "tag", "project")
    more = [common(kind, "create", "read", "update", "delete") for kind in kinds]
    objects = [each for each in role.permissions["objects"] if each["object_type"] not in kinds]
    directory.roles.change(role, {"permissions": {"objects": [*objects, *more]}})
    partner, maker = api.token(), Maker(api)
    maker.make("/webhook_subscriptions", user=False, object_type="payable", url="http://127.0.0.1:9/")
    api.call("PATCH", "/settings", partner, json={"website": "https://example.com/"})
    api.call("PUT", f"/entities/{BAKERY_ID}/partner_metadata", partner, json={"metadata": {"a": 1}})
    maker.make("/roles", user=False, name="Guest", permissions={"objects": []})
    maker.make("/entity_users", user=False, login="new", first_name="New", role_id=role.id)
    maker.make(f"/entities/{BAKERY_ID}/vat_ids", user=False, country="DE", type="eu_vat", value="DE123456789")
    maker.make(
        "/bank_accounts",
        iban="DE89370400440532013000",
        currency="EUR",
        country="DE",
        is_default_for_currency=True,
    )
    tag = maker.make("/tags", name="late")["id"]
    _make_bills(maker, role.id, tag)
    api.monite.clock.advance(60)
    _make_invoices(maker, tag)


def _make_bills(maker: Maker, role_id: str, tag: str) -> None:
    supplier = maker.make(
        "/counterparts",
        type="organization",
        organization={
            "legal_name": "Mill",
            "is_vendor": True,
            "is_customer": True,
            "address": ADDRESS,
        },
    )["id"]
    maker.make(f"/counterparts/{supplier}/addresses", ADDRESS)
    maker.make(f"/counterparts/{supplier}/contacts", first_name="Ute", last_name="Krohn", address=ADDRESS)
    maker.make(
        f"/counterparts/{supplier}/bank_accounts", iban="DE89370400440532013000", currency="EUR", country="DE"
    )
    maker.make(f"/counterparts/{supplier}/vat_ids", country="DE", type="eu_vat", value="DE123456789")

    for path, body in BODIES.items():
        maker.make(path, body)
    project = maker.make("/projects", name="Third oven")["id"]
    maker.make("/projects", name="Its chimney", parent_id=project, tag_ids=[tag])
    maker.make("/comments", BODIES["/comments"], reply_to_entity_user_id=ANNA_ID)
    maker.make("/approval_requests", REQUEST, role_ids=[role_id])
    maker.make("/approval_policies", BODIES["/approval_policies"], user=False)
    maker.make("/comments", BODIES["/comments"], user=False)
    unit = maker.make("/measure_units", name="kg")["id"]
    maker.make(
        "/products",
        name="Flour",
        measure_unit_id=unit,
        smallest_amount=1,
        price={"currency": "EUR", "value": 5},
    )
    reminder = {"days_before": 3, "subject": "Soon", "body": "Please pay."}
    maker.make("/payment_reminders", name="Reminder", term_final_reminder=reminder)
    maker.make(
        "/overdue_reminders", name="Late", terms=[{"days_after": 3, "subject": "Late", "body": "Please pay."}]
    )

    named = {"counterpart_id": supplier, "project_id": project, "tag_ids": [tag]}
    bill = maker.make("/payables", COMPLETE, **named, base64_encoded_file=PDF)["id"]
    maker.make(f"/payables/{bill}/line_items", ITEM)
    maker.make(f"/payables/{bill}/submit_for_approval")


def _make_invoices(maker: Maker, tag: str) -> None:
    quote = maker.issued("quote", signature_required=False)
    maker.do("accept", quote)
    maker.follow("invoice", quote)
    maker.create("invoice", tag_ids=[tag])
    invoice = maker.issued()
    maker.do("issue", maker.follow("credit_note", maker.issued()))
    payment = {"amount": 100, "currency": "EUR", "paid_at": "2025-11-30T09:00:00Z"}
    paid = {"id": invoice["id"], "type": "receivable"}
    maker.make("/payment_records", payment, object=paid, entity_user_id=ANNA_ID)
    maker.do("send", invoice, recipients={"to": ["a@example.com"]}, body_text="Hello", subject_text="Invoice")
    maker.call("GET", f"/receivables/{invoice['id']}/pdf_link")
    draft = maker.create()["id"]
    maker.make("/recurrences", invoice_id=draft, start_date="2026-01-31", max_occurrences=3)
