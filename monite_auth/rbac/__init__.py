"""Monite's roles and permissions: to write roles in code, to compare them, and to enforce them yourself.

    accountant = Role("Accountant", {"payable": {"read": "allowed", "update": "allowed_for_own"}, "tag": "read"})
    client.post("/roles", json=accountant.to_json())
    role = Role.from_json(client.get("/entity_users/my_role").json())
    print(role.diff(accountant) or "the same")
    asked = permission_for("POST", f"/payables/{payable_id}/cancel")  # None: not known, so refuse

Then `role.allows(asked.object_type, asked.action)` answers. Nothing here does I/O.
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
