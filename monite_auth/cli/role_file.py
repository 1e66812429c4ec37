"""Roles in a file under version control, as TOML or JSON: what `roles plan` and `roles apply` bring to entities.

entities = ["b4ce5a1e-0000-4000-8000-000000000001"]  # or --entity, or --all

[roles.Accountant]
payable = "create read update"  # these are allowed
counterpart = { read = "allowed", update = "allowed_for_own" }
"""

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monite_auth.errors import ConfigurationError, InvalidRole
from monite_auth.identity import EntityUser
from monite_auth.rbac import Role

__all__ = ["RoleFile", "read_roles", "write_role"]


BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
"""A name that TOML takes without quotes."""


@dataclass(frozen=True, slots=True)
class RoleFile:
    """The roles that entities should have, and the ids of the entities, where the file names any."""

    roles: tuple[Role, ...]
    entities: tuple[str, ...]


def read_roles(path: Path) -> RoleFile:
    """Read a file of roles; raise ConfigurationError, with all that is wrong."""
    lead = f"{path} is no file of roles:"
    try:
        text = path.read_text(encoding="utf-8")
        content = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"it cannot be read ({error}).", lead=lead) from None
    if not isinstance(content, dict):
        raise ConfigurationError("it is not a table with `roles` in it.", lead=lead)
    problems = [
        f"{each!r} means nothing there; it has `roles` and `entities`."
        for each in content.keys() - {"roles", "entities"}
    ]
    roles = _roles(content.get("roles"), problems)
    entities = _entities(content.get("entities", []), problems)
    if problems:
        raise ConfigurationError(*problems, lead=lead)
    return RoleFile(roles, entities)


def _roles(tables: Any, problems: list[str]) -> tuple[Role, ...]:
    if not isinstance(tables, Mapping) or not tables:
        problems.append("`roles` is a table for each role, by its name: [roles.Accountant].")
        return ()
    roles = []
    for name, permissions in tables.items():
        try:
            roles.append(Role(name, permissions))
        except InvalidRole as error:
            problems += [f"{name}: {each}" for each in error.problems]
    return tuple(roles)


def _entities(ids: Any, problems: list[str]) -> tuple[str, ...]:
    try:
        return tuple(EntityUser(None, each).entity_id for each in ids)
    except (ValueError, TypeError):
        problems.append("`entities` is a list of the ids of entities.")
        return ()


def write_role(role: Role) -> str:
    """Return a role as it stands in such a file, in TOML."""
    name = role.name if BARE_KEY.fullmatch(role.name) else json.dumps(role.name, ensure_ascii=False)
    lines = [f"[roles.{name}]"]
    for object_type, actions in role.permissions.items():
        said = ", ".join(f'{action} = "{permission}"' for action, permission in actions.items())
        lines.append(f"{object_type} = {{ {said} }}")
    return "\n".join(lines)
