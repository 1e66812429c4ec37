"""Says what there is as a seed file does, to read it or to begin with it."""

import json
from typing import Any

from monite_auth.emulator.seeds.kinds import KEPT, OWN, ROLES, Kind, of_entity, of_partner
from monite_auth.emulator.state.monite import Monite
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
    return rows


def _masked(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "secret": MASK} if "secret" in row else row


def _exported(partner: Partner, kind: Kind, record: Record) -> dict[str, Any]:
    directory = partner.directory
    shown = record.shown()
    row = {"id": record.id, "created_at": shown["created_at"]}
    author = directory.users.get(record.created_by) if record.created_by else None
    if author:
        row["created_by"] = author.login
    if kind.is_exported_as_kept:
        return {**row, KEPT: record.fields}
    word, field = ROLES.get(kind.table, ("", ""))
    role = directory.roles.get(shown.get(field) or "")
    if role:
        row[word] = role.name
    for name in kind.fields:
        if name in shown and shown[name] is not None and name not in {*OWN, field}:
            row[name] = shown[name]
    for key, part in kind.parts.items() if kind.key != "entities" else ():
        inside = directory.table(part.table).all(parent_id=record.id)
        row.pop(key, None)
        if inside:
            row[key] = [_exported(partner, part, each) for each in inside]
    return row
