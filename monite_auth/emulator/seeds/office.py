"""The rest of the seed data, made by the API as clients make it: so amounts add up, and documents have their numbers.

What each company sells and to whom, how it is paid, its tags, and who approves its bills. All ids are fixed.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from monite_auth.emulator.api import SERVED
from monite_auth.emulator.api.master_data.vat_rates import vat_rates
from monite_auth.emulator.api.serving.call import Call
from monite_auth.emulator.demo.companies import (
    AMELIA_ID,
    ANNA_ID,
    BAKERY,
    BOOKS,
    COMPANIES,
    OSKAR_ID,
    TEA,
    TILDA_ID,
    SeededCompany,
)
from monite_auth.emulator.specification.facts import operations
from monite_auth.emulator.state.monite import Monite
from monite_auth.emulator.world.clock import iso
from monite_auth.emulator.world.directory import Record, Table
from monite_auth.emulator.world.partners import Partner

# What the ids of each kind begin with. They go on with a number.
_PREFIXES = {
    "approval_policies": "90110000",
    "bank_accounts": "ba4cacc7",
    "entities.vat_ids": "4a71d000",
    "measure_units": "041700e0",
    "payment_terms": "7e730000",
    "products": "940d0c75",
    "receivables": "4ece17ab",
    "tags": "7a900000",
}
# Who keeps the books of a company, and who buys there.
_PEOPLE = {
    BAKERY.id: (ANNA_ID, "Café Morgenrot"),
    BOOKS.id: (AMELIA_ID, "Redcliffe Library"),
    TEA.id: (TILDA_ID, "Hotel Seeblick"),
}
_ACCOUNTS = (
    (BAKERY, {"country": "DE", "iban": "DE89370400440532013000", "bank_name": "Spreebank"}),
    (BOOKS, {"country": "GB", "account_number": "31926819", "sort_code": "601613"}),
    (TEA, {"country": "CH", "iban": "CH9300762011623852957"}),
)
# Monite's React SDK makes no invoice without one.
_VAT_IDS = (
    (BAKERY, {"country": "DE", "type": "eu_vat", "value": "DE123456789"}),
    (BOOKS, {"country": "GB", "type": "gb_vat", "value": "GB123456789"}),
    (TEA, {"country": "CH", "type": "ch_vat", "value": "CHE-123.456.789"}),
)
_TAGS = (
    (BAKERY, "Kitchen", "department"),
    (BAKERY, "Café", "department"),
    (BAKERY, "Premises", "cost_center"),
    (BOOKS, "Children's books", "department"),
    (TEA, "Tea room", "department"),
)
_TERMS = ((BAKERY, 14), (BAKERY, 30), (BOOKS, 14), (BOOKS, 30), (TEA, 30))
_UNITS = (
    (BAKERY, "kg", "Kilogram"),
    (BAKERY, "box", "Box of twelve"),
    (BAKERY, "piece", "Piece"),
    (BOOKS, "copy", "Printed book"),
    (BOOKS, "hour", "Hour"),
    (TEA, "tin", "Tin of 100 g"),
    (TEA, "person", "Person"),
)
# Monite's React SDK asks for the unit of each product, even of one that has none.
# The columns are: company, name, type, minor units, measure unit.
_PRODUCTS = (
    (BAKERY, "Rye bread", "product", 640, "kg"),
    (BAKERY, "Butter croissants", "product", 2_280, "box"),
    (BAKERY, "Wedding cake", "product", 24_000, "piece"),
    (BAKERY, "Delivery", "service", 1_500, "piece"),
    (BOOKS, "A Field Guide to Gulls", "product", 1_499, "copy"),
    (BOOKS, "Reading for schools", "service", 12_000, "hour"),
    (TEA, "Assam, second flush", "product", 1_850, "tin"),
    (TEA, "Tea tasting", "service", 9_500, "person"),
)
# Oldest first. The columns are: company, type, quantities by product, days to pay, days since then, what became of it.
# A credit note is for the last invoice before it.
_RECEIVABLES: tuple[tuple[Any, ...], ...] = (
    (BAKERY, "invoice", {"Rye bread": 40, "Delivery": 2}, 14, 45, ("issue", "mark_as_paid")),
    (BAKERY, "invoice", {"Rye bread": 55, "Butter croissants": 6}, 14, 20, ("issue",)),
    (BAKERY, "quote", {"Wedding cake": 1, "Delivery": 1}, None, 6, ("issue",)),
    (BAKERY, "invoice", {"Butter croissants": 12}, 30, 5, ("issue",)),
    (BAKERY, "credit_note", {}, None, 3, ()),
    (BAKERY, "quote", {"Butter croissants": 20}, None, 2, ()),
    (BAKERY, "invoice", {"Rye bread": 30, "Delivery": 1}, 14, 1, ()),
    (BOOKS, "invoice", {"A Field Guide to Gulls": 25}, 30, 12, ("issue",)),
    (BOOKS, "quote", {"Reading for schools": 4}, None, 4, ("issue",)),
    (TEA, "invoice", {"Assam, second flush": 30}, 30, 9, ("issue",)),
    (TEA, "invoice", {"Tea tasting": 1}, 30, 2, ()),
)
# The columns are: company, name, description, lowest amount, who is asked, and how it says so.
_POLICIES = (
    (BAKERY, "Large bills", "Anna agrees to bills above €1,000", 100_000, "user", [ANNA_ID]),
    (BAKERY, "All bills", "An accountant agrees", 0, "role", [BAKERY.roles["Accountant"]]),
    (BAKERY, "Kitchen's bills", "Oskar or Anna agrees", 20_000, "user", [OSKAR_ID, ANNA_ID]),
    (BOOKS, "All bills", "Amelia agrees", 0, "user", [AMELIA_ID]),
)
_OPERATIONS = {(each.method, each.path): each for each in operations()}


def sow_office(monite: Monite, partner: Partner) -> None:
    """Add the rest to a partner that has the companies, people and counterparts of the seed data."""
    for company in COMPANIES:
        _Office(monite, partner, company).sow()


class _Office:
    """Makes the records of one company by the API, as the person who keeps its books."""

    def __init__(self, monite: Monite, partner: Partner, company: SeededCompany) -> None:
        author_id, self._customer = _PEOPLE[company.id]
        self._monite = monite
        self._partner = partner
        self._company = company
        self._author = partner.directory.users.get(author_id)

    def sow(self) -> None:
        currency, name = self._company.currency, self._company.name
        for (account,) in self._rows(_ACCOUNTS):
            self._make("bank_accounts", {**account, "currency": currency, "account_holder_name": name})
        for (vat_id,) in self._rows(_VAT_IDS):
            path = "entities/{entity_id}/vat_ids"
            self._make("entities.vat_ids", vat_id, path=path, entity_id=self._company.id)
        for tag, category in self._rows(_TAGS):
            self._make("tags", {"name": tag, "category": category})
        for (days,) in self._rows(_TERMS):
            self._make("payment_terms", {"name": f"{days} days", "term_final": {"number_of_days": days}})
        for unit, description in self._rows(_UNITS):
            self._make("measure_units", {"name": unit, "description": description})
        for product, kind, amount, unit in self._rows(_PRODUCTS):
            price = {"currency": currency, "value": amount}
            unit_id = self._named("measure_units", unit).id
            body = {"name": product, "type": kind, "price": price, "measure_unit_id": unit_id}
            self._make("products", body)
        for row in self._rows(_RECEIVABLES):
            self._sell(*row)
        for policy, description, amount, asked, ids in self._rows(_POLICIES):
            rule = {"trigger": _above(amount, currency), "script": _asking(asked, ids)}
            self._make("approval_policies", {"name": policy, "description": description, **rule})

    def _rows(self, rows: Iterable[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
        return (row[1:] for row in rows if row[0] is self._company)

    def _sell(
        self,
        kind: str,
        quantities: Mapping[str, int],
        days_to_pay: int | None,
        age: int,
        steps: tuple[str, ...],
    ) -> None:
        """Make a receivable, take it through its steps, and date it back. A credit note is for the last invoice before it."""
        receivables = self._table("receivables")
        if kind == "credit_note":
            invoices = [
                each for each in receivables.all(self._company.id) if each.fields["type"] == "invoice"
            ]
            body = {"type": kind, "based_on": invoices[-1].id}
        else:
            customer = next(
                each
                for each in self._partner.directory.counterparts.all(self._company.id)
                if each.name == self._customer
            )
            rate = vat_rates(self._company.address["country"])[0]["id"]
            body = {
                "type": kind,
                "currency": self._company.currency,
                "counterpart_id": customer.id,
                "counterpart_billing_address_id": customer.fields["default_billing_address_id"],
                "entity_bank_account_id": self._table("bank_accounts").all(self._company.id)[0].id,
                "entity_vat_id_id": self._table("entities.vat_ids").all(self._company.id)[0].id,
                "line_items": [
                    {
                        "product_id": self._named("products", name).id,
                        "quantity": quantity,
                        "vat_rate_id": rate,
                    }
                    for name, quantity in quantities.items()
                ],
            }
            if days_to_pay:
                body["payment_terms_id"] = self._named("payment_terms", f"{days_to_pay} days").id
        record = self._make("receivables", body)
        for step in steps:
            self._call(f"POST /receivables/{{receivable_id}}/{step}", None, receivable_id=record.id)
        began = self._monite.clock.now() - age * 86_400
        record.created_at = record.updated_at = began
        dates = {}
        if "issue" in steps:
            dates["issue_date"] = iso(began)
        if "issue" in steps and days_to_pay:
            dates["due_date"] = (
                (datetime.fromtimestamp(began, UTC) + timedelta(days_to_pay)).date().isoformat()
            )
        receivables.amend(record, dates)

    def _make(self, name: str, body: Mapping[str, Any], *, path: str = "", **ids: str) -> Record:
        """Make a record. Its id says what it is, and counts."""
        table = self._table(name)
        self._monite.wish_id(f"{_PREFIXES[name]}-0000-4000-8000-{len(table.all()) + 1:012}")
        record: Record | None = table.get(self._call(f"POST /{path or name}", body, **ids)["id"])
        assert record is not None
        return record

    def _call(self, operation: str, body: Any, **ids: str) -> Any:
        method, _, path = operation.partition(" ")
        call = Call(self._monite, _OPERATIONS[method, path], ids, {}, body, {})
        call.of_partner, call.user = self._partner, self._author
        call.of_entity = self._partner.directory.entities.get(self._company.id)
        return SERVED[method, path].handler(call)

    def _table(self, name: str) -> Table[Any]:
        return self._partner.directory.table(name)

    def _named(self, table: str, name: str) -> Record:
        found: Record = next(
            each for each in self._table(table).all(self._company.id) if each.fields["name"] == name
        )
        return found


def _above(amount: int, currency: str) -> dict[str, Any]:
    """Return what makes a policy apply to bills above an amount, as Monite's own pages write it."""
    conditions = (("amount", ">", amount), ("currency", "==", currency))
    return {
        "all": [
            "{event_name == 'submitted_for_approval'}",
            *(
                {"operator": operator, "left_operand": {"name": f"invoice.{name}"}, "right_operand": value}
                for name, operator, value in conditions
            ),
        ]
    }


def _asking(whom: str, ids: list[str]) -> list[dict[str, Any]]:
    """Return the script of a policy that asks users, or whoever has one of these roles, until one agrees."""
    params = {f"{whom}_ids": ids, "required_approval_count": 1}
    step = {"call": f"ApprovalRequests.request_approval_by_{whom}s", "params": params}
    return [{"run_concurrently": True, "all": [step]}]
