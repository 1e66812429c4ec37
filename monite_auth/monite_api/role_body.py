"""Roles in Monite's JSON: `{"name": …, "permissions": {"objects": [{"object_type": …, "actions": [{"action_name": …, …}]}]}}`.

Monite's rule: what a role does not list is not allowed. So only what is granted counts here.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, TypeVar

from monite_auth.errors import InvalidRole
from monite_auth.monite_api.vocabulary import Permission

__all__ = ["LONGEST_NAME", "Grant", "ReadRole", "read_role", "role_body"]

LONGEST_NAME = 255
"""Characters of a role's name (Monite's CreateRoleRequest)."""

Grant = tuple[str, str, str]
"""Object type, action and permission, in Monite's words."""

Json = TypeVar("Json", dict[Any, Any], list[Any], str)

_KINDS: dict[type, str] = {dict: "an object", list: "a list", str: "text"}


class ReadRole(NamedTuple):
    """What the JSON of a role says."""

    name: str
    granted: frozenset[Grant]
    id: str | None


def read_role(resource: Mapping[str, Any]) -> ReadRole:
    """Read a role as Monite returns it; raise InvalidRole where the structure is wrong.

    Words that are newer than this package are kept as they are.
    """
    name = _take(resource, "name", str, "role")
    permissions = _take(resource, "permissions", dict, "role")
    identity = None if resource.get("id") is None else _take(resource, "id", str, "role")
    return ReadRole(name, frozenset(_grants(permissions)), identity)


def role_body(name: str, permissions: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """Return the body of `POST /roles`. `permissions`: `{object type: {action: permission}}`."""
    objects = [
        {
            "object_type": object_type,
            "actions": [
                {"action_name": action, "permission": permission} for action, permission in actions.items()
            ],
        }
        for object_type, actions in permissions.items()
    ]
    return {"name": name, "permissions": {"objects": objects}}


def _grants(permissions: dict[Any, Any]) -> Iterator[Grant]:
    seen: dict[tuple[str, str], str] = {}
    for index, entry in enumerate(_take(permissions, "objects", list, "permissions", [])):
        where = f"permissions.objects[{index}]"
        object_type = _take(entry, "object_type", str, where)
        for number, grant in enumerate(_take(entry, "actions", list, where, [])):
            place = f"{where}.actions[{number}]"
            action, said = _take(grant, "action_name", str, place), _take(grant, "permission", str, place)
            if seen.setdefault((object_type, action), said) != said:
                raise InvalidRole(f"{object_type}.{action} is listed twice, and not alike.")
            if said != Permission.NOT_ALLOWED:
                yield object_type, action, said


def _take(holder: Any, key: str, kind: type[Json], where: str, default: Json | None = None) -> Json:
    """Return `holder[key]`, which has to be of the JSON type `kind`."""
    if not isinstance(holder, Mapping):
        raise InvalidRole(f"{where} is an object of JSON, not {type(holder).__name__}.")
    value = holder.get(key, default)
    if not isinstance(value, kind):
        raise InvalidRole(f"{where}.{key} is {_KINDS[kind]}, not {type(value).__name__}.")
    return value
