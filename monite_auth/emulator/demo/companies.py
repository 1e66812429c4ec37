"""The seed data of the emulator: three companies with their people, roles and bills. All ids are fixed."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from monite_auth.emulator.world.clock import Clock
from monite_auth.emulator.world.directory import Directory
from monite_auth.emulator.world.permissions import Action, ObjectType, Permissions, common, payable

BAKERY_ID = "b4ce5a1e-0000-4000-8000-000000000001"
BOOKS_ID = "b00c5a1e-0000-4000-8000-000000000002"
TEA_ID = "7ea05a1e-0000-4000-8000-000000000003"

ANNA_ID = "a11a0000-0000-4000-8000-000000000101"
VIKTOR_ID = "71c70000-0000-4000-8000-000000000102"
OSKAR_ID = "05ca0000-0000-4000-8000-000000000103"
AMELIA_ID = "a3e10000-0000-4000-8000-000000000201"
VIOLET_ID = "710e0000-0000-4000-8000-000000000202"
TILDA_ID = "711d0000-0000-4000-8000-000000000301"
#: Anna also works for the bookshop and the tea house. She is another entity user there, with another role.
ANNA_AT_BOOKS_ID = "a11a0000-0000-4000-8000-000000000203"
ANNA_AT_TEA_ID = "a11a0000-0000-4000-8000-000000000302"

EVERYTHING: tuple[Action, ...] = (
    "create",
    "read",
    "update",
    "delete",
    "submit",
    "approve",
    "cancel",
    "pay",
    "reopen",
    "create_from_mail",
)
OFFICE = (
    common("entity", "read"),
    common("entity_user", "read"),
    common("role", "read"),
)
_SALES: tuple[ObjectType, ...] = (
    "entity_bank_account",
    "entity_vat_ids",
    "overdue_reminder",
    "payment_record",
    "payment_reminder",
    "product",
    "receivable",
)
#: What somebody needs who writes invoices.
SALES = tuple(common(kind, "create", "read", "update", "delete") for kind in _SALES)
ACCOUNTANT: Permissions = {
    "objects": [
        payable(EVERYTHING),
        common("counterpart", "create", "read", "update", "delete"),
        common("counterpart_vat_id", "create", "read", "update", "delete"),
        common("tag", "create", "read", "update", "delete"),
        common("project", "create", "read", "update", "delete"),
        common("comment", "create", "read", "update", "delete"),
        common("approval_policy", "create", "read", "update", "delete"),
        common("approval_request", "create", "read", "update", "delete"),
        *SALES,
        *OFFICE,
    ]
}
PURCHASER: Permissions = {
    "objects": [
        payable(("create", "read", "update", "delete", "submit"), "allowed_for_own"),
        common("counterpart", "read"),
    ]
}
_CHANGES = payable(("update", "delete", "submit", "cancel"), "allowed_for_own")
#: Sees all payables, and changes only those that they created.
CLERK: Permissions = {
    "objects": [
        _CHANGES | {"actions": payable(("create", "read"))["actions"] + _CHANGES["actions"]},
        common("counterpart", "read"),
        *OFFICE,
    ]
}
VIEWER: Permissions = {"objects": [payable(("read",))]}
#: The role of an entity user who is created without one.
DEFAULT: Permissions = {"objects": [payable(("read",)), common("entity", "read")]}


@dataclass(frozen=True, slots=True)
class SeededCompany:
    """An entity of the seed data."""

    id: str
    name: str
    email: str
    address: dict[str, str]
    currency: str
    #: Role id by role name. The role named "Default" is the entity's default role.
    roles: dict[str, str]


@dataclass(frozen=True, slots=True)
class SeededPerson:
    """An entity user of the seed data. `role` is the name of a role of their entity."""

    entity_user_id: str
    entity_id: str
    login: str
    first_name: str
    last_name: str
    role: str


BAKERY = SeededCompany(
    id=BAKERY_ID,
    name="Brightside Bakery GmbH",
    email="office@brightside.example",
    address={"country": "DE", "city": "Berlin", "postal_code": "10999", "line1": "Oranienstraße 40"},
    currency="EUR",
    roles={
        "Accountant": "40e00000-0000-4000-8000-000000000101",
        "Viewer": "40e00000-0000-4000-8000-000000000102",
        "Purchaser": "40e00000-0000-4000-8000-000000000103",
        "Default": "40e00000-0000-4000-8000-000000000109",
    },
)
BOOKS = SeededCompany(
    id=BOOKS_ID,
    name="Harbour Books Ltd",
    email="accounts@harbourbooks.example",
    address={"country": "GB", "city": "Bristol", "postal_code": "BS1 5TY", "line1": "7 Narrow Quay"},
    currency="GBP",
    roles={
        "Accountant": "40e00000-0000-4000-8000-000000000201",
        "Viewer": "40e00000-0000-4000-8000-000000000202",
        "Default": "40e00000-0000-4000-8000-000000000209",
    },
)
TEA = SeededCompany(
    id=TEA_ID,
    name="Lakeside Tea AG",
    email="hello@lakesidetea.example",
    address={"country": "CH", "city": "Zürich", "postal_code": "8008", "line1": "Seefeldstrasse 12"},
    currency="CHF",
    roles={
        "Accountant": "40e00000-0000-4000-8000-000000000301",
        "Clerk": "40e00000-0000-4000-8000-000000000304",
        "Default": "40e00000-0000-4000-8000-000000000309",
    },
)
COMPANIES = (BAKERY, BOOKS, TEA)
PEOPLE = (
    SeededPerson(ANNA_ID, BAKERY_ID, "anna.becker", "Anna", "Becker", "Accountant"),
    SeededPerson(VIKTOR_ID, BAKERY_ID, "viktor.vogel", "Viktor", "Vogel", "Viewer"),
    SeededPerson(OSKAR_ID, BAKERY_ID, "oskar.lindt", "Oskar", "Lindt", "Purchaser"),
    SeededPerson(AMELIA_ID, BOOKS_ID, "amelia.hart", "Amelia", "Hart", "Accountant"),
    SeededPerson(VIOLET_ID, BOOKS_ID, "violet.frost", "Violet", "Frost", "Viewer"),
    SeededPerson(ANNA_AT_BOOKS_ID, BOOKS_ID, "anna.becker", "Anna", "Becker", "Viewer"),
    SeededPerson(TILDA_ID, TEA_ID, "tilda.sommer", "Tilda", "Sommer", "Accountant"),
    SeededPerson(ANNA_AT_TEA_ID, TEA_ID, "anna.becker", "Anna", "Becker", "Clerk"),
)
_ROLES = {
    "Accountant": ACCOUNTANT,
    "Viewer": VIEWER,
    "Purchaser": PURCHASER,
    "Clerk": CLERK,
    "Default": DEFAULT,
}

# Oldest first. The columns are: company, creator, supplier, document number, minor units, days until due, status.
_PAYABLES = (
    (BAKERY, ANNA_ID, "Stadtwerke Berlin", "SW-2290417", 48_630, -12, "paid"),
    (BAKERY, ANNA_ID, "Mühlenhof Mehle KG", "MM-10873", 182_400, -3, "waiting_to_be_paid"),
    (BOOKS, AMELIA_ID, "Gannet Press", "GP/24/0611", 96_250, -1, "partially_paid"),
    (BAKERY, OSKAR_ID, "Alpenbutter Molkerei eG", "R-77120", 96_515, 4, "approve_in_progress"),
    (BAKERY, ANNA_ID, "Spree Immobilien GmbH", "MIETE-SPREE-12", 310_000, 6, "waiting_to_be_paid"),
    (TEA, TILDA_ID, "Assam Direct", "AD-2031", 128_000, 3, "waiting_to_be_paid"),
    (BOOKS, AMELIA_ID, "Severn Card & Paper", "INV-4402", 14_399, 9, "new"),
    (BAKERY, OSKAR_ID, "Nordsee Verpackung", "NV-5531", 27_890, 11, "new"),
    (BAKERY, ANNA_ID, "Ofenbau Krüger", "OK-0098", 64_260, 18, "rejected"),
    (TEA, ANNA_AT_TEA_ID, "Porzellan Huber", "PH-611", 34_250, 14, "new"),
    (BOOKS, AMELIA_ID, "Quayside Electric", "QE-88213", 21_075, 21, "draft"),
    (TEA, TILDA_ID, "Limmat Logistik", "LL-90177", 18_900, 20, "new"),
    (BAKERY, ANNA_ID, "Kaffeerösterei Ahoi", "KA-3107", 41_720, 25, "new"),
)


#: What is true of every bill that somebody has just entered.
PAYABLE: dict[str, Any] = {
    "amount_paid": 0,
    "credit_notes": [],
    "payable_origin": "upload",
    "source_of_payable_data": "user_specified",
    "status": "draft",
    "tags": [],
}


def sow(directory: Directory, clock: Clock) -> None:
    """Add the seed data to an empty directory."""
    for company in COMPANIES:
        for name, role_id in company.roles.items():
            fields = {"name": name, "permissions": _ROLES[name], "status": "active"}
            directory.roles.add(role_id, fields, entity_id=company.id)
        directory.entities.add(
            company.id,
            {
                "type": "organization",
                "organization": {"legal_name": company.name},
                "email": company.email,
                "address": dict(company.address),
                "status": "active",
                "default_role_id": company.roles["Default"],
            },
            entity_id=company.id,
        )
    companies = {company.id: company for company in COMPANIES}
    for person in PEOPLE:
        company = companies[person.entity_id]
        directory.users.add(
            person.entity_user_id,
            {
                "login": person.login,
                "role_id": company.roles[person.role],
                "first_name": person.first_name,
                "last_name": person.last_name,
                "email": f"{person.login}@{company.email.partition('@')[2]}",
                "status": "active",
            },
            entity_id=person.entity_id,
        )
    _sow_payables(directory, clock)


def _sow_payables(directory: Directory, clock: Clock) -> None:
    today = datetime.fromtimestamp(clock.now(), UTC)
    for number, (company, author_id, supplier, document_id, amount, days, status) in enumerate(
        _PAYABLES, start=1
    ):
        issued = today + timedelta(days=min(days, 0) - 14)
        paid = {"paid": amount, "partially_paid": amount // 2}.get(status, 0)
        directory.payables.add(
            f"9a1ab1e0-0000-4000-8000-{number:012}",
            {
                **PAYABLE,
                "counterpart_raw_data": {"name": supplier},
                "document_id": document_id,
                "currency": company.currency,
                "subtotal": amount,
                "total_amount": amount,
                "amount_paid": paid,
                "issued_at": issued.date().isoformat(),
                "due_date": (today + timedelta(days=days)).date().isoformat(),
                "status": status,
            },
            entity_id=company.id,
            created_by=author_id,
            # One hour apart, so that the creation dates agree with the order of the list.
            created_at=clock.now() - 3600 * (len(_PAYABLES) - number + 1),
        )
