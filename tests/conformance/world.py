"""What the seed of the emulator lacks: at least two records in each list, so that every filter and every id is judged.

They are made through the API. So the run knows that each of these requests is accepted.
"""

from collections import defaultdict
from typing import Any

import httpx

from monite_auth.emulator import ANNA_ID, BAKERY_ID, OSKAR_ID, Emulator, Monite

#: The customer of the seed and its address, a bill that can be changed, and one that can be paid.
CAFE = "c0071e12-0000-4000-8000-000000000003"
CAFES_ADDRESS = "add12e55-0000-4000-8000-000000000003"
NEW_BILL = "9a1ab1e0-0000-4000-8000-000000000013"
OPEN_BILL = "9a1ab1e0-0000-4000-8000-000000000005"
#: Nobody listens there: a webhook of the run leaves this machine as little as anything else does.
NO_LISTENER = "http://127.0.0.1:9/"
#: Records are made so many seconds of the emulator's clock apart, so that their times differ.
APART = 61.5
#: What the id of a new record is called in the bodies of other requests, by the path where it is made.
FIELDS = {
    "/bank_accounts": "entity_bank_account_id",
    "/files": "AttachmentRequest.id",
    "/measure_units": "measure_unit_id",
    "/overdue_reminders": "overdue_reminder_id",
    "/payment_reminders": "payment_reminder_id",
    "/payment_terms": "payment_terms_id",
    "/products": "product_id",
    "/projects": "project_id",
    "/roles": "role_id",
    "/tags": "tag_ids",
    f"/counterparts/{CAFE}/addresses": "counterpart_address_id",
    f"/counterparts/{CAFE}/bank_accounts": "counterpart_bank_account_id",
    f"/counterparts/{CAFE}/contacts": "contact_id",
    f"/counterparts/{CAFE}/vat_ids": "counterpart_vat_id_id",
    f"/entities/{BAKERY_ID}/vat_ids": "entity_vat_id_id",
}
UNLIMITED = 10_000_000
_TERM = {"subject": "Please pay", "body": "Soon."}
_PDF = b"%PDF-1.4"


def monite(seed: int) -> Monite:
    """Return the emulator of a run: nobody is throttled, and no token expires."""
    return Monite(requests_per_second=UNLIMITED, token_life=UNLIMITED, random_seed=seed)


class World:
    """Makes the records, as the partner."""

    def __init__(self, emulator: Emulator, client: httpx.Client) -> None:
        self._emulator = emulator
        self._client = client
        #: Values of fields that name a record: by the name of the field, with that of its schema where it needs one.
        self.fields: defaultdict[str, list[Any]] = defaultdict(list)

    def build(self) -> None:
        """Make everything."""
        for object_type in ("payable", "receivable", "product", "tag"):
            self._make("/webhook_subscriptions", object_type=object_type, url=NO_LISTENER)
        self._belongings()
        self._purchases()
        self._sales()
        self._people()
        self._scans()
        self._emulator.monite.webhooks.wait()

    def _scans(self) -> None:
        """Upload bills: one whose supplier is known and suggested, and a last one, since the OCR of a bill takes a few seconds."""
        scan = {"file": ("bill.pdf", _PDF)}
        bill = self._sent("POST", "/payables/upload_from_file", files=scan)["id"]
        name = self._sent("GET", f"/counterparts/{CAFE}")["organization"]["legal_name"]
        self._sent("PATCH", f"/payables/{bill}", json={"counterpart_raw_data": {"name": name}})
        self._sent("POST", "/payables/upload_from_file", files=scan)

    def _make(self, path: str, **body: Any) -> str:
        """Create something, and return its id."""
        made = str(self._sent("POST", path, json=body).get("id", ""))
        if path in FIELDS:
            self.fields[FIELDS[path]].append(made)
        return made

    def _sent(self, method: str, path: str, **options: Any) -> Any:
        self._emulator.monite.clock.advance(APART)
        answer = self._client.request(method, path, **options)
        assert answer.is_success, f"{method} {path} {options}: {answer.status_code} {answer.text}"
        return answer.json()

    def _belongings(self) -> None:
        for name in ("Flour", "Rent"):
            self._make("/tags", name=name, description=f"Everything about {name}")
        self._make("/projects", name="Second oven", code="OVEN2", description="Another oven")
        self._make("/projects", name="Shop", code="SHOP", start_date="2026-02-01")
        for name, currency, iban in (("Till", "EUR", "DE02120300000000202051"), ("Abroad", "USD", None)):
            named = {"iban": iban} if iban else {"account_number": "123", "routing_number": "021000021"}
            holder = {"account_holder_name": "Brightside"}
            self._make(
                "/bank_accounts", display_name=name, country="DE", currency=currency, **holder, **named
            )
        for value in ("DE123456789", "DE987654321"):
            self._make(f"/entities/{BAKERY_ID}/vat_ids", country="DE", type="eu_vat", value=value)
        for name in ("a.pdf", "b.pdf"):
            self._sent("POST", "/files", data={"file_type": "attachments"}, files={"file": (name, _PDF)})

    def _people(self) -> None:
        roles = [
            self._make("/roles", name=name, permissions={"objects": []}) for name in ("Trainee", "Guest")
        ]
        for login in ("ada", "bob"):
            self._make("/entity_users", login=login, first_name=login.title(), role_id=roles[0])
        address = {"country": "DE", "city": "Berlin", "postal_code": "10999", "line1": "Oranienstraße 41"}
        branches = [
            self._make(
                "/entities",
                type="organization",
                email="b@x.example",
                organization={"legal_name": name, "is_vendor": True, "is_customer": False},
                address=address,
            )
            for name in ("Branch", "Closed branch")
        ]
        self._make(f"/entities/{branches[-1]}/deactivate")

    def _purchases(self) -> None:
        for name, price in (("Coffee", 2_000), ("Cups", 500)):
            self._make(f"/payables/{NEW_BILL}/line_items", name=name, quantity=2, unit_price=price, tax=700)
        asks = {"user_ids": [ANNA_ID], "required_approval_count": 1}
        script = [{"call": "ApprovalRequests.request_approval_by_users", "params": asks}]
        for name, starts in (("Over 1,000", "2026-03-01"), ("Over 5,000", "2026-04-01")):
            told = {"description": f"{name} euros", "starts_at": f"{starts}T00:00:00Z"}
            self._make("/approval_policies", name=name, script=script, trigger=True, **told)
        # Only this policy is in force already, so both bills get their process from it.
        self._make("/approval_policies", name="All", script=script, trigger=True, priority=1)
        for number in ("B-1", "B-2"):
            dates = {"issued_at": "2026-01-02", "due_date": "2026-02-02"}
            bill = self._make("/payables", currency="EUR", document_id=number, **dates)
            self._make(f"/payables/{bill}/line_items", name="Sugar", quantity=1, unit_price=900, tax=700)
            self._make(f"/payables/{bill}/submit_for_approval")
        self.fields["PartiallyPaidPayload.amount_paid"] = [1]
        about = {"object_type": "payable", "object_id": NEW_BILL}
        self.fields |= {"CommentCreateRequest.object_type": ["payable"], "object_id": [NEW_BILL, OPEN_BILL]}
        for text in ("Flour again?", "Yes."):
            self._make("/comments", **about, text=text)
        for user_id in (ANNA_ID, OSKAR_ID):
            self._make("/approval_requests", **about, user_ids=[user_id], required_approval_count=1)
        for amount, status in ((100, "created"), (200, "processing")):
            paid = {"type": "payable", "id": OPEN_BILL}
            self.fields["object"] = [paid]
            self._make("/payment_records", amount=amount, currency="EUR", object=paid, status=status)

    def _sales(self) -> None:
        contact = {"first_name": "Mia", "last_name": "Rot", "email": "mia@cafe.example"}
        address = {"country": "DE", "city": "Berlin", "postal_code": "10435", "line1": "Kastanienallee 85"}
        for name in ("Mia", "Leo"):
            self._make(f"/counterparts/{CAFE}/contacts", **contact | {"first_name": name}, address=address)
        self._make(f"/counterparts/{CAFE}/addresses", **address | {"line1": "Schönhauser Allee 1"})
        for iban in ("DE02120300000000202051", "DE89370400440532013000"):
            self._make(f"/counterparts/{CAFE}/bank_accounts", country="DE", currency="EUR", iban=iban)
        for value in ("DE111111111", "DE222222222"):
            self._make(f"/counterparts/{CAFE}/vat_ids", country="DE", type="eu_vat", value=value)
        units = [self._make("/measure_units", name=name, description=name) for name in ("kg", "dozen")]
        products = [
            self._make(
                "/products",
                name=name,
                description=f"A {name}",
                type=kind,
                price={"currency": "EUR", "value": price},
                measure_unit_id=unit,
            )
            for name, kind, price, unit in (
                ("Loaf", "product", 450, units[0]),
                ("Delivery", "service", 900, units[1]),
            )
        ]
        terms = [
            self._make("/payment_terms", name=f"Net {days}", term_final={"number_of_days": days})
            for days in (10, 30)
        ]
        overdue = [
            self._make("/overdue_reminders", name=name, terms=[{**_TERM, "days_after": 3}])
            for name in ("Soft", "Hard")
        ]
        before = [
            self._make("/payment_reminders", name=name, term_final_reminder={**_TERM, "days_before": 3})
            for name in ("Soft", "Hard")
        ]
        rate = self._sent("GET", "/vat_rates")["data"][0]["id"]
        addresses = self.fields["counterpart_address_id"]
        self.fields |= {
            "counterpart_id": [CAFE],
            "counterpart_billing_address_id": addresses,
            "counterpart_shipping_address_id": addresses,
            "vat_rate_id": [rate],
        }

        def receivable(kind: str, number: int, **more: Any) -> str:
            line = {"product_id": products[number], "quantity": number + 1, "vat_rate_id": rate}
            return self._make(
                "/receivables",
                type=kind,
                currency="EUR",
                counterpart_id=CAFE,
                counterpart_billing_address_id=CAFES_ADDRESS,
                line_items=[line],
                **more,
            )

        def invoice(number: int) -> str:
            reminders = {"overdue_reminder_id": overdue[number], "payment_reminder_id": before[number]}
            return receivable("invoice", number, payment_terms_id=terms[number], **reminders)

        issued = invoice(0)
        for _ in range(2):
            self._make(f"/receivables/{issued}/send", subject_text="Your invoice", body_text="Here it is.")
        self._make("/receivables", type="credit_note", based_on=issued)
        self.fields["object"].append({"type": "receivable", "id": issued})
        receivable("quote", 0)
        quote = receivable("quote", 1)
        self._make(f"/receivables/{quote}/issue")
        self.fields["ReceivableCreateBasedOnPayload.based_on"] = [quote, issued]
        recurrences = [
            self._make(
                "/recurrences",
                invoice_id=invoice(number),
                start_date="2026-02-28",
                max_occurrences=number + 2,
            )
            for number in (0, 1)
        ]
        self._make(f"/recurrences/{recurrences[-1]}/pause")
        self.fields["invoice_id"] = [invoice(1)]
