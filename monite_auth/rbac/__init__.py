"""Monite's roles and permissions: to write roles in code, to compare them, and to enforce them yourself. Public.

    accountant = Role("Accountant", {"payable": {"read": "allowed", "update": "allowed_for_own"}, "tag": "read"})
    client.post("/roles", json=accountant.to_json())
    role = Role.from_json(client.get("/entity_users/my_role").json())
    print(role.diff(accountant) or "the same")
    needed = permission_for("POST", f"/payables/{payable_id}/cancel")  # None for a call that is not known: refuse it

Then `role.allows(needed.object_type, needed.action)` answers. Nothing here does I/O. The vocabulary and the table of calls are
Monite's own, and stand in `monite_auth.monite_api`.
"""

from monite_auth.monite_api.operations import RequiredPermission, permission_for
from monite_auth.monite_api.vocabulary import (
    Action,
    ObjectType,
    Permission,
    actions_of,
    member,
    parse_permission,
)
from monite_auth.rbac.role import Change, Role, RoleDiff

__all__ = [
    "Action",
    "Change",
    "ObjectType",
    "Permission",
    "RequiredPermission",
    "Role",
    "RoleDiff",
    "actions_of",
    "member",
    "parse_permission",
    "permission_for",
]
