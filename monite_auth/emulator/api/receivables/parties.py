"""Who sells and who buys: what a receivable tells about its entity and its counterpart."""

from collections.abc import Mapping
from typing import Any

from monite_auth.emulator.api.master_data import counterparts
from monite_auth.emulator.api.master_data.bank_accounts import BANK_ACCOUNTS, VAT_IDS
from monite_auth.emulator.api.serving.call import Call
from monite_auth.emulator.api.serving.resource import Resource
from monite_auth.emulator.world.directory import Record


def customer(call: Call, source: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a receivable says about its counterpart.

    Raises:
        RefusedError: an id is none of this counterpart's.

    """
    counterpart = call.known(call.directory.counterparts, source["counterpart_id"], "counterpart")
    fields = {
        "counterpart_id": counterpart.id,
        "counterpart_name": counterpart.name,
        "counterpart_type": counterpart.fields["type"],
        "counterpart_tax_id": counterpart.fields.get("tax_id"),
        "counterpart_external_reference": counterpart.fields.get("external_reference"),
        "counterpart_contact": _contact(call, counterpart, source),
    }
    for name, parts, what in (
        ("billing_address", counterparts.ADDRESSES, "address"),
        ("shipping_address", counterparts.ADDRESSES, "address"),
        ("vat_id", counterparts.VAT_IDS, "VAT id"),
    ):
        if part_id := source.get(f"counterpart_{name}_id"):
            fields[f"counterpart_{name}"] = _part(call, parts, counterpart, part_id, what).shown()
    return fields


def seller(call: Call, source: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a receivable says about its entity.

    Raises:
        RefusedError: an id is none of this entity's.

    """
    entity = call.entity.fields
    party = dict(entity.get(entity["type"]) or {})
    if "legal_name" in party:
        party["name"] = party["legal_name"]
    common = {name: entity.get(name) for name in ("email", "phone", "website", "tax_id")}
    fields: dict[str, Any] = {
        "entity": {**party, **common, **source.get("entity", {}), "type": entity["type"]},
        "entity_address": entity["address"],
    }
    for name, table, what in (
        ("bank_account", BANK_ACCOUNTS.table(call), "bank account"),
        ("vat_id", VAT_IDS.table(call), "VAT id"),
    ):
        # The name of the field for the VAT id is indeed entity_vat_id_id.
        if record_id := source.get(f"entity_{name}_id"):
            fields[f"entity_{name}"] = call.known(table, record_id, what).shown()
    return fields


def _contact(call: Call, counterpart: Record, source: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the contact that the client has chosen, or the default one of an organization."""
    if "counterpart_contact" in source:
        chosen: dict[str, Any] = source["counterpart_contact"]
        return chosen
    if "contact_id" in source:
        return _part(call, counterparts.CONTACTS, counterpart, source["contact_id"], "contact").shown()
    contacts: list[Record] = counterparts.CONTACTS.table(call).all(parent_id=counterpart.id)
    contacts.sort(key=lambda each: not each.fields.get("is_default"))
    return contacts[0].shown() if contacts else None


def _part(call: Call, parts: Resource, counterpart: Record, part_id: str, what: str) -> Record:
    part: Record | None = parts.table(call).get(part_id, call.entity.id, counterpart.id)
    if part is None:
        raise call.refusal(f"The counterpart has no {what} {part_id}.", 404, 400)
    return part
