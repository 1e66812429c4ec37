"""Says what there is as a seed file does, to read it or to begin with it.

Each record says when it was updated, so it is put back as it is: no rule of the API would let an invoice be paid when it is made.
What the emulator keeps beside what Monite shows stands in `kept`.
"""

import json
from typing import Any

from monite_auth.emulator.seeds.kinds import OWN, PAST, ROLES, Kind, kinds, of_entity, of_partner
from monite_auth.emulator.state.monite import Monite
from monite_auth.emulator.world.clock import iso
from monite_auth.emulator.world.directory import Record
from monite_auth.emulator.world.partners import Partner

#: What stands for a secret.
MASK = "…"


def exported(monite: Monite, *, secrets: bool = False) -> dict[str, Any]:
    """Return the world as a seed file says it. Secrets are masked, unless they are asked for."""
    with monite.lock:
        partners = [_exported_partner(partner, secrets=secrets) for partner in monite.partners]
        # Nothing of the state itself, and nothing twice.
        exported: dict[str, Any] = json.loads(json.dumps({"partners": partners}))
        return exported


def _exported_partner(partner: Partner, *, secrets: bool) -> dict[str, Any]:
    pairs = [
        {"client_id": client_id, "client_secret": secret if secrets else MASK}
        for client_id, known in partner.credentials.items()
        for secret in known
    ]
    rows: dict[str, Any] = {"credentials": pairs}
    for key, kind in of_partner().items():
        for record in partner.directory.table(kind.table).all():
            row = _exported(partner, kind, record)
            if key == "entities":
                for inner, inner_kind in of_entity().items():
                    inside = partner.directory.table(inner_kind.table).all(record.id)
                    if inside:
                        row[inner] = [_exported(partner, inner_kind, each) for each in inside]
            rows.setdefault(key, []).append(row if secrets else _masked(row))
    kept: dict[str, list[Any]] = {}
    for name, record in partner.directory.saved():
        if name not in {*kinds(), *PAST}:
            kept.setdefault(name, []).append(record.saved())
    return {**rows, "kept": kept} if kept else rows


def _masked(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "secret": MASK} if "secret" in row else row


def _exported(partner: Partner, kind: Kind, record: Record) -> dict[str, Any]:
    directory = partner.directory
    row: dict[str, Any] = {
        "id": record.id,
        "created_at": iso(record.created_at),
        "updated_at": iso(record.updated_at),
    }
    if record.created_by:
        author = directory.users.get(record.created_by, record.entity_id)
        row["created_by"] = author.login if author else record.created_by
    word, field = ROLES.get(kind.table, ("", ""))
    role = directory.roles.get(record.fields.get(field) or "", record.entity_id)
    if role and [each.name for each in directory.roles.all(record.entity_id)].count(role.name) == 1:
        row[word] = role.name
    parts = kind.parts if kind.key != "entities" else {}
    told = kind.fields.keys() - {*OWN, *parts, field}
    row |= {name: value for name, value in record.fields.items() if name in told}
    kept = {
        name: value
        for name, value in record.fields.items()
        if name not in told and not (name == field and word in row)
    }
    if kept:
        row["kept"] = kept
    for key, part in parts.items():
        inside = directory.table(part.table).all(parent_id=record.id)
        if inside:
            row[key] = [_exported(partner, part, each) for each in inside]
    return row
