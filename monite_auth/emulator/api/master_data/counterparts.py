"""Suppliers and customers: `/counterparts`, and their addresses, contacts, bank accounts and VAT ids."""

from collections.abc import Callable, Mapping
from typing import Any

from monite_auth.emulator.api.master_data.tags import with_tags
from monite_auth.emulator.api.serving.call import Call
from monite_auth.emulator.api.serving.dispatch import serves
from monite_auth.emulator.api.serving.resource import Resource
from monite_auth.emulator.world.directory import Record

#: Where a counterpart names its address for bills, and the one for goods.
_DEFAULTS = ("default_billing_address_id", "default_shipping_address_id")


def _party(record: Record) -> dict[str, Any]:
    """Return the fields of the organization, or of the individual."""
    party: dict[str, Any] = record.fields[record.fields["type"]]
    return party


class Counterparts(Resource):
    """Counterparts. One begins with an address, which is the first of its addresses and its address for bills."""

    def create(self, call: Call) -> dict[str, Any]:
        self._demand(call, "create")
        fields = dict(call.body)
        party = dict(fields[fields["type"]])
        address = party.pop("address")
        counterpart = self.add(call, {**fields, fields["type"]: with_tags(call, party)})
        first = ADDRESSES.add(call, address, counterpart.id)
        self.table(call).change(counterpart, dict.fromkeys(_DEFAULTS, first.id))
        return counterpart.shown()

    def changed(self, call: Call, record: Record) -> dict[str, Any]:
        kind = record.fields["type"]
        if kind not in call.body:
            raise call.refusal(f"This counterpart is an {kind}.", 400)
        return {**call.body, kind: _party(record) | with_tags(call, dict(call.body[kind]))}

    def remove(self, call: Call, record: Record) -> None:
        for parts in PARTS:
            table = parts.table(call)
            table.remove(*table.all(parent_id=record.id))
        super().remove(call, record)


class Addresses(Resource):
    """Addresses. One that is deleted is no default any more."""

    def remove(self, call: Call, record: Record) -> None:
        super().remove(call, record)
        counterpart = call.directory.counterparts.get(record.parent_id or "")
        if counterpart:
            gone = {name: None for name in _DEFAULTS if counterpart.fields.get(name) == record.id}
            call.directory.counterparts.amend(counterpart, gone)


def billing_address(call: Call, counterpart: Record) -> Record | None:
    """Return the address for bills. One whose address was deleted has none, and one of a seed file need not have one."""
    address: Record | None = ADDRESSES.table(call).get(counterpart.fields.get(_DEFAULTS[0]) or "")
    return address


def _address(call: Call, counterpart: Record) -> Mapping[str, Any]:
    address = billing_address(call, counterpart)
    return address.fields if address else {}


def _of_parts(parts: Resource, field: str) -> Callable[[Call, Record], list[Any]]:
    """Return what tells the values of a field of all parts."""
    return lambda call, whole: [each.fields.get(field) for each in parts.table(call).all(parent_id=whole.id)]


COUNTERPARTS = Counterparts("/counterparts", "counterpart", object_type="counterpart", newest_first=True)
ADDRESSES = Addresses("/counterparts/{counterpart_id}/addresses", "address", parent=COUNTERPARTS)
CONTACTS = Resource("/counterparts/{counterpart_id}/contacts", "contact", parent=COUNTERPARTS)
BANK_ACCOUNTS = Resource("/counterparts/{counterpart_id}/bank_accounts", "bank account", parent=COUNTERPARTS)
VAT_IDS = Resource(
    "/counterparts/{counterpart_id}/vat_ids", "VAT id", object_type="counterpart_vat_id", parent=COUNTERPARTS
)
PARTS = (ADDRESSES, CONTACTS, BANK_ACCOUNTS, VAT_IDS)

COUNTERPARTS.lookups = {
    "counterpart_name": lambda _, each: each.name,
    "email": lambda _, each: _party(each).get("email"),
    "is_customer": lambda _, each: _party(each)["is_customer"],
    "is_vendor": lambda _, each: _party(each)["is_vendor"],
    "tag_ids": lambda _, each: [tag["id"] for tag in _party(each).get("tags", ())],
    "address": _address,
    "account_number": _of_parts(BANK_ACCOUNTS, "account_number"),
    "iban": _of_parts(BANK_ACCOUNTS, "iban"),
    "sort_code": _of_parts(BANK_ACCOUNTS, "sort_code"),
    "vat_id": _of_parts(VAT_IDS, "value"),
}

for resource in (COUNTERPARTS, *PARTS):
    resource.serve()


@serves("POST /counterparts/{counterpart_id}/contacts/{contact_id}/make_default")
def make_contact_default(call: Call) -> dict[str, Any]:
    contact = CONTACTS.found(call, "update")
    _choose(call, CONTACTS, contact, "is_default", CONTACTS.table(call).all(parent_id=contact.parent_id))
    return contact.shown()


@serves("POST /counterparts/{counterpart_id}/bank_accounts/{bank_account_id}/make_default")
def make_bank_account_default(call: Call) -> dict[str, Any]:
    account = BANK_ACCOUNTS.found(call, "update")
    others = BANK_ACCOUNTS.table(call).all(parent_id=account.parent_id)
    alike = [each for each in others if each.fields.get("currency") == account.fields.get("currency")]
    _choose(call, BANK_ACCOUNTS, account, "is_default_for_currency", alike)
    return account.shown()


def _choose(call: Call, parts: Resource, chosen: Record, flag: str, among: list[Record]) -> None:
    for each in among:
        if each.fields.get(flag, False) != (each is chosen):
            parts.table(call).change(each, {flag: each is chosen})
