"""Receivables: what quotes, invoices and credit notes add up to, and what may become of them."""

from typing import Any

import pytest

from monite_auth.emulator import ANNA_ID, BAKERY_ID, BOOKS_ID, VIKTOR_ID
from monite_auth.emulator.world.permissions import rule

CAFE = "c0071e12-0000-4000-8000-000000000003"
CAFES_ADDRESS = "add12e55-0000-4000-8000-000000000003"
DAY = 24 * 3600
DEAR = {"currency": "EUR", "value": 2**53 - 1}


class Office:
    """Anna, who writes invoices to the café."""

    def __init__(self, api: Any) -> None:
        self.api = api
        self.token = api.token(ANNA_ID)
        self.rates = {each["value"]: each["id"] for each in self.call("GET", "/vat_rates")["data"]}
        loaf = {"name": "Loaf", "price": {"currency": "EUR", "value": 1000}}
        self.product = self.call("POST", "/products", 201, json=loaf)["id"]
        terms = {"name": "Net 10", "term_final": {"number_of_days": 10}}
        self.terms = self.call("POST", "/payment_terms", 201, json=terms)["id"]

    def call(
        self, method: str, path: str, status: int = 200, token: str | None = None, **options: Any
    ) -> Any:
        answer = self.api.call(method, path, token or self.token, BAKERY_ID, **options)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    def line(self, quantity: float = 3, rate: int = 700, **more: Any) -> dict[str, Any]:
        return {"product_id": self.product, "quantity": quantity, "vat_rate_id": self.rates[rate], **more}

    def body(self, kind: str = "invoice", *lines: Any, **more: Any) -> dict[str, Any]:
        return {
            "type": kind,
            "currency": "EUR",
            "counterpart_id": CAFE,
            "counterpart_billing_address_id": CAFES_ADDRESS,
            "line_items": [*lines] or [self.line()],
            **({"payment_terms_id": self.terms} if kind == "invoice" else {}),
            **more,
        }

    def create(self, kind: str = "invoice", *lines: Any, **more: Any) -> dict[str, Any]:
        created: dict[str, Any] = self.call("POST", "/receivables", 201, json=self.body(kind, *lines, **more))
        return created

    def follow(self, kind: str, first: dict[str, Any], status: int = 201) -> Any:
        return self.call("POST", "/receivables", status, json={"type": kind, "based_on": first["id"]})

    def do(self, what: str, record: dict[str, Any], status: int = 200, **body: Any) -> Any:
        return self.call("POST", f"/receivables/{record['id']}/{what}", status, json=body or None)

    def issued(self, kind: str = "invoice", *lines: Any, **more: Any) -> Any:
        return self.do("issue", self.create(kind, *lines, **more))

    def read(self, record: dict[str, Any], status: int = 200) -> Any:
        return self.call("GET", f"/receivables/{record['id']}", status)

    def history(self, record: dict[str, Any], **query: Any) -> list[Any]:
        data: list[Any] = self.call("GET", f"/receivables/{record['id']}/history", params=query)["data"]
        return data


@pytest.fixture
def office(api):
    return Office(api)


@pytest.mark.parametrize(
    ("lines", "more", "sums"),
    [
        # before VAT, after the discount of the whole, VAT, all of it
        ([{}], {}, (3000, 3000, 210, 3210)),
        ([{"quantity": 0.333}], {}, (333, 333, 23, 356)),
        ([{}, {"quantity": 1, "rate": 1900}], {}, (4000, 4000, 400, 4400)),
        ([{"discount": {"type": "amount", "amount": 500}}], {}, (2500, 2500, 175, 2675)),
        ([{"discount": {"type": "percentage", "amount": 1000}}], {}, (2700, 2700, 189, 2889)),
        ([{}], {"discount": {"type": "percentage", "amount": 5000}}, (3000, 1500, 105, 1605)),
        ([{}], {"discount": {"type": "amount", "amount": 9999}}, (3000, 0, 0, 0)),
        ([{"rate": 1900, "quantity": 1}], {"vat_mode": "inclusive"}, (840, 840, 160, 1000)),
        ([{}], {"vat_exempt": True}, (3000, 3000, 0, 3000)),
    ],
)
def test_lines_add_up(office, lines, more, sums):
    made = office.create("invoice", *[office.line(**line) for line in lines], **more)
    names = ("subtotal", "discounted_subtotal", "total_vat_amount", "total_amount")
    assert tuple(made[name] for name in names) == sums
    assert sum(each["amount"] for each in made["total_vat_amounts"]) == made["total_vat_amount"]
    assert made["amount_due"] == made["total_amount_with_credit_notes"] == made["total_amount"]


def test_an_invoice_tells_who_sells_and_who_buys(office):
    account = {"country": "DE", "currency": "EUR", "iban": "DE02120300000000202051"}
    bank = office.call("POST", "/bank_accounts", 201, json=account)["id"]
    contact = {"first_name": "Mia", "last_name": "Rot", "email": "mia@cafe.example"}
    address = {"country": "DE", "city": "Berlin", "postal_code": "10435", "line1": "Kastanienallee 85"}
    office.call("POST", f"/counterparts/{CAFE}/contacts", json=contact | {"address": address})
    made = office.create(entity_bank_account_id=bank, memo="Thank you")
    assert (made["counterpart_name"], made["counterpart_contact"]["email"]) == (
        "Café Morgenrot",
        "mia@cafe.example",
    )
    assert made["counterpart_billing_address"]["city"] == "Berlin"
    assert (made["entity"]["name"], made["entity_bank_account"]["iban"]) == (
        "Brightside Bakery GmbH",
        account["iban"],
    )
    assert (made["entity_user_id"], made["status"], made["memo"]) == (ANNA_ID, "draft", "Thank you")
    assert "document_id" not in made
    item = made["line_items"][0]
    assert (item["product"]["name"], item["product"]["price_after_vat"]["value"]) == ("Loaf", 1070)
    assert (item["total_before_vat"], item["total_after_vat"]) == (3000, 3210)


def test_a_line_may_bring_its_own_product(office):
    bun = {"name": "Bun", "price": {"currency": "EUR", "value": 50}, "measure_unit": {"name": "dozen"}}
    line = {"product": bun, "quantity": 2, "vat_rate_id": office.rates[700]}
    product = office.create("invoice", line)["line_items"][0]["product"]
    assert (product["is_inline"], product["measure_unit"]["name"]) == (True, "dozen")
    assert office.call("GET", f"/products/{product['id']}")["name"] == "Bun"


def test_an_invoice_that_is_refused_leaves_neither_products_nor_units_behind(office, api):
    def everything() -> list[dict[str, Any]]:
        return [record.saved() for _, record in api.monite.directory.saved()]

    bun = {"name": "Bun", "price": {"currency": "EUR", "value": 50}, "measure_unit": {"name": "dozen"}}
    good = {"product": bun, "quantity": 2, "vat_rate_id": office.rates[700]}
    bad = {"product_id": BAKERY_ID, "quantity": 1, "vat_rate_id": office.rates[700]}
    before = everything()
    office.call("POST", "/receivables", 404, json=office.body("invoice", good, bad))
    assert everything() == before


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"counterpart_id": BOOKS_ID}, 404),
        ({"counterpart_billing_address_id": "add12e55-0000-4000-8000-000000000001"}, 404),
        ({"entity_bank_account_id": CAFE}, 404),
        ({"currency": "USD"}, 400),
        ({"line_items": [{"quantity": 1}]}, 400),
        (
            {"line_items": [{"quantity": 2e9, "product": {"name": "A", "price": DEAR}, "tax_rate_value": 0}]},
            400,
        ),
        ({"line_items": [{"quantity": 1, "product_id": CAFE}]}, 404),
        ({"type": "receipt"}, 422),
        ({"total_amount": 1}, 422),
    ],
)
def test_an_invoice_about_something_unknown_is_refused(office, change, status):
    office.call("POST", "/receivables", status, json=office.body() | change)


def test_a_line_needs_a_rate_where_monite_knows_them(office):
    line = {"product_id": office.product, "quantity": 1}
    office.call("POST", "/receivables", 400, json=office.body("invoice", line))
    made = office.create("invoice", {**line, "tax_rate_value": 1250, "tax_rate_name": "Tax"})
    assert made["total_vat_amounts"][0]["name"] == "Tax"
    assert made["total_amount"] == 1125


def test_issuing_numbers_a_document_by_its_kind(office):
    invoice = office.issued()
    assert (invoice["status"], invoice["document_id"]) == ("issued", "INV-00004")
    assert invoice["issue_date"].startswith("2025-11-30")
    assert invoice["due_date"] == "2025-12-10"
    assert office.issued()["document_id"] == "INV-00005"
    assert office.issued("quote")["document_id"] == "Q-00002"
    form = {"document_type_prefix": {"invoice": "R"}, "separator": "/", "include_date": True, "min_digits": 3}
    office.api.call(
        "PATCH", f"/entities/{BAKERY_ID}/settings", office.api.token(), json={"document_ids": form}
    )
    assert office.issued()["document_id"] == "R/2025/001"
    office.do("issue", invoice, 409)


def test_only_a_draft_is_changed_or_deleted(office):
    draft, path = office.create(), "/receivables/{id}"
    changed = office.call(
        "PATCH", path.format(**draft), json={"invoice": {"memo": "new", "line_items": [{"price": 500}]}}
    )
    assert (changed["memo"], changed["subtotal"], changed["amount_due"]) == ("new", 1500, 1605)
    office.call("PATCH", path.format(**draft), 400, json={"quote": {"memo": "wrong"}})
    items = office.call("PUT", path.format(**draft) + "/line_items", json={"data": [office.line(1)]})["data"]
    assert [each["total_before_vat"] for each in items] == [1000]
    assert office.read(draft)["total_amount"] == 1070
    issued = office.do("issue", draft)
    office.call("PATCH", path.format(**issued), 409, json={"invoice": {"memo": "late"}})
    office.call("PATCH", path.format(**issued), 409, json={"issued_invoice": {"memo": "late"}})
    office.call("PUT", path.format(**issued) + "/line_items", 409, json={"data": [office.line(1)]})
    office.call("DELETE", path.format(**issued), 409)
    other = office.create()
    office.call("DELETE", path.format(**other), 204)
    office.read(other, 404)


def test_what_a_draft_says_is_cleared_by_null_as_monites_react_sdk_sends_it(office):
    reminder = {"name": "Soon", "term_final_reminder": {"subject": "Pay", "body": "Soon.", "days_before": 3}}
    said = {
        "counterpart_shipping_address_id": CAFES_ADDRESS,
        "fulfillment_date": "2026-01-05",
        "payment_reminder_id": office.call("POST", "/payment_reminders", 201, json=reminder)["id"],
    }
    draft = office.create(**said)
    assert draft["fulfillment_date"] == said["fulfillment_date"]
    path = f"/receivables/{draft['id']}"
    cleared = office.call("PATCH", path, json={"invoice": dict.fromkeys(said, None)})
    for shown in (cleared, office.call("GET", path), office.do("clone", draft, 201)):
        assert not any(shown.get(name) for name in said)
    office.call("PATCH", path, 422, json={"invoice": {"counterpart_id": None}})


def test_an_issued_invoice_is_changed_where_the_settings_allow_it(office):
    settings = {"receivable_edit_flow": "non_compliant"}
    office.api.call("PATCH", f"/entities/{BAKERY_ID}/settings", office.api.token(), json=settings)
    issued = office.issued(document_id="MY-7")
    assert issued["document_id"] == "MY-7"
    body = {"issued_invoice": {"memo": "late", "due_date": "2026-01-31"}}
    changed = office.call("PATCH", f"/receivables/{issued['id']}", json=body)
    assert (changed["memo"], changed["due_date"], changed["status"]) == ("late", "2026-01-31", "issued")


def test_an_invoice_is_paid_in_parts(office):
    invoice = office.issued()
    part = office.do("mark_as_partially_paid", invoice, amount_paid=1210, comment="cash")
    assert (part["status"], part["amount_paid"], part["amount_due"]) == ("partially_paid", 1210, 2000)
    office.do("mark_as_partially_paid", invoice, 400, amount_paid=2000)
    office.do("cancel", invoice, 409)
    paid = office.do("mark_as_paid", invoice)
    assert (paid["status"], paid["amount_due"], paid["paid_at"] is not None) == ("paid", 0, True)
    for what in ("mark_as_paid", "mark_as_uncollectible", "cancel", "issue"):
        office.do(what, invoice, 409)
    events = [each["event_type"] for each in office.history(invoice)]
    assert events == [
        "receivable_created",
        "status_changed",
        "status_changed",
        "payment_received",
        "status_changed",
        "payment_received",
    ]
    received = office.history(invoice, event_type__in=["payment_received"])
    assert [each["event_data"]["amount_paid"] for each in received] == [1210, 2000]
    assert received[0]["entity_user_id"] == ANNA_ID
    assert office.call("GET", f"/receivables/{invoice['id']}/history/{received[0]['id']}") == received[0]


def test_an_invoice_becomes_overdue_and_a_quote_expires(office):
    invoice, quote = office.issued(), office.issued("quote", expiry_date="2025-12-24")
    office.api.monite.clock.advance(11 * DAY)
    office.token = office.api.token(ANNA_ID)
    assert office.read(invoice)["status"] == "overdue"
    assert "entity_user_id" not in office.history(invoice)[-1]
    assert office.read(quote)["status"] == "issued"
    office.api.monite.clock.advance(20 * DAY)
    office.token = office.api.token(ANNA_ID)
    late = office.call("GET", "/receivables", params={"status__in": ["overdue", "expired"]})["data"]
    assert {invoice["id"], quote["id"]} <= {each["id"] for each in late}
    office.do("accept", quote, 409)
    assert office.do("mark_as_uncollectible", invoice, comment="gone")["comment"] == "gone"


def test_a_quote_is_accepted_and_becomes_an_invoice(office):
    quote = office.issued("quote", signature_required=False)
    assert office.do("accept", quote) == {"success": True}
    office.do("decline", quote, 409)
    invoice = office.follow("invoice", quote)
    assert (invoice["type"], invoice["based_on_document_id"]) == ("invoice", "Q-00002")
    assert invoice["total_amount"] == quote["total_amount"]
    assert office.history(quote)[-1]["event_data"] == {"receivable_id": invoice["id"], "type": "invoice"}
    declined = office.issued("quote")
    office.do("accept", declined, 400)
    office.do("decline", declined, comment="too dear")
    assert office.read(declined)["status"] == "declined"
    office.follow("invoice", declined, 409)


def test_credit_notes_lower_what_an_invoice_demands(office):
    invoice = office.issued()
    note = office.follow("credit_note", invoice)
    office.follow("credit_note", invoice, 409)
    office.follow("credit_note", office.create(), 409)
    change = {"credit_note": {"line_items": {office.product: {"quantity": 1}}}}
    assert office.call("PATCH", f"/receivables/{note['id']}", json=change)["total_amount"] == 1070
    too_many = {"credit_note": {"line_items": {office.product: {"quantity": 9}}}}
    office.call("PATCH", f"/receivables/{note['id']}", 400, json=too_many)
    assert office.do("issue", note)["document_id"] == "CN-00001"
    lowered = office.read(invoice)
    assert (lowered["amount_due"], lowered["total_amount"]) == (2140, 3210)
    assert lowered["related_documents"]["credit_note_ids"] == [note["id"]]
    rest = office.follow("credit_note", invoice)
    office.do("issue", rest, 400)
    change = {"credit_note": {"line_items": {office.product: {"quantity": 2}}}}
    office.call("PATCH", f"/receivables/{rest['id']}", json=change)
    office.do("issue", rest)
    assert office.read(invoice)["status"] == "canceled"


def test_a_copy_is_a_draft_without_a_number(office):
    copy = office.do("clone", office.issued(memo="again"), 201)
    assert (copy["status"], copy["memo"], copy["total_amount"]) == ("draft", "again", 3210)
    assert "document_id" not in copy
    office.do("clone", office.follow("credit_note", office.issued()), 409)


def test_sending_issues_a_draft_and_keeps_the_mail(office):
    draft, text = office.create(), {"subject_text": "{document_id}", "body_text": "{nothing} {currency}"}
    office.do("send", draft, 400, **text)
    mail_id = office.do("send", draft, **text, recipients={"to": ["mia@cafe.example"]})["mail_id"]
    assert office.read(draft)["status"] == "issued"
    (mail,) = office.call("GET", f"/receivables/{draft['id']}/mails")["data"]
    assert (mail["id"], mail["status"]) == (mail_id, "sent")
    assert mail["recipients"]["to"] == [{"email": "mia@cafe.example", "is_success": True}]
    assert office.history(draft)[-1]["event_data"]["mail_id"] == mail_id
    preview = office.do("preview", draft, 201, **text)
    assert preview == {"subject_preview": "INV-00004", "body_preview": "{nothing} EUR"}
    office.do("send_test_reminder", draft, 409, reminder_type="overdue", recipients={"to": ["a@b.example"]})
    reminder = office.call("POST", "/overdue_reminders", 201, json={"name": "Late"})["id"]
    late, to = office.create(overdue_reminder_id=reminder), {"to": ["a@b.example"]}
    assert len(office.do("send_test_reminder", late, reminder_type="overdue", recipients=to)["mail_ids"]) == 1


def test_what_is_missing_and_what_is_needed_is_told(office):
    empty = office.create() | {}
    office.call("PUT", f"/receivables/{empty['id']}/line_items", json={"data": []})
    assert office.do("verify", empty)["errors"]["receivable"] == ["line_items"]
    office.do("issue", empty, 400)
    assert office.do("verify", office.create()) == {}
    assert office.call("GET", "/receivables/required_fields")["line_item"]["vat_rate_id"]["required"]
    assert len(office.call("GET", "/receivables/variables")["data"]) == 6


def test_receivables_are_found_by_list_and_by_search(office):
    def found(**query):
        listed = [each["id"] for each in office.call("GET", "/receivables", params=query)["data"]]
        assert [
            each["id"] for each in office.call("POST", "/receivables/search", json=query)["data"]
        ] == listed
        return listed

    tags = [office.call("POST", "/tags", 201, json={"name": name})["id"] for name in ("a", "b")]
    one, two = office.create(tag_ids=tags), office.create("quote", tag_ids=tags[:1])
    assert found(tag_ids__in=tags) == [one["id"], two["id"]]
    assert found(tag_ids=tags) == [one["id"]]
    assert found(product_ids=[office.product], type="quote") == [two["id"]]
    mine = {"entity_user_id": ANNA_ID, "total_amount__gt": 3209, "total_amount__lt": 3211}
    assert found(counterpart_name__icontains="café", **mine) == found(tag_ids__in=tags)
    assert found(tag_ids__in=tags, sort="created_at", order="desc", limit=1) == [two["id"]]
    assert found(entity_user_id=VIKTOR_ID) == []


def test_receivables_take_their_permission(office):
    api, made = office.api, office.create()
    viewer, path = api.token(VIKTOR_ID), f"/receivables/{made['id']}"
    for method, where in (
        ("GET", "/receivables"),
        ("POST", "/receivables/search"),
        ("GET", path),
        ("POST", f"{path}/issue"),
        ("GET", f"{path}/history"),
        ("GET", "/receivables/variables"),
    ):
        body = {"json": {}} if where.endswith("search") else {}
        office.call(method, where, 403, token=viewer, **body)
    user = api.monite.directory.users.get(VIKTOR_ID)
    own = rule("receivable", ("create", "read", "update", "delete"), "allowed_for_own")
    role = api.monite.directory.roles.get(user.role_id)
    api.monite.directory.roles.change(role, {"permissions": {"objects": [own]}})
    mine = office.call("POST", "/receivables", 201, token=viewer, json=office.body())
    assert [each["id"] for each in office.call("GET", "/receivables", token=viewer)["data"]] == [mine["id"]]
    office.call("POST", f"{path}/issue", 403, token=viewer)
    office.call("GET", f"{path}/history", 403, token=viewer)
    assert office.call("POST", f"/receivables/{mine['id']}/issue", token=viewer)["status"] == "issued"


def test_a_pdf_can_be_read_at_its_link_and_follows_its_invoice(office):
    def link(record):
        return office.call("GET", f"/receivables/{record['id']}/pdf_link")["file_url"]

    def content(url):
        answer = office.api.send("GET", url)
        return answer.status_code, answer.headers["content-type"], answer.content

    draft = office.create(memo="Thank you (so much)")
    first = link(draft)
    assert link(draft) == first
    status, kind, text = content(first)
    assert (status, kind, text[:8], text[-6:]) == (200, "application/pdf", b"%PDF-1.4", b"%%EOF\n")
    assert b"Caf\xe9 Morgenrot" in text
    assert rb"Thank you \(so much\)" in text
    office.do("issue", draft)
    assert link(draft) != first
    assert b"Invoice INV-00004" in content(link(draft))[2]
    assert content(first)[0] == 404
    assert office.read(draft)["file_url"] == link(draft)
