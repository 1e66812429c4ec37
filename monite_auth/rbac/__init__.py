"""Monite's roles and permissions: to write roles in code, to compare them, and to enforce them yourself.

    accountant = Role("Accountant", {"payable": {"read": "allowed", "update": "allowed_for_own"}, "tag": "read"})
    client.post("/roles", json=accountant.to_json())
    role = Role.from_json(client.get("/entity_users/my_role").json())
    print(role.diff(accountant) or "the same")
    asked = asked_for("POST", f"/payables/{payable_id}/cancel")  # None: not known, so refuse

Then `role.allows(asked.object_type, asked.action)` answers. Nothing here does I/O.
"""

from monite_auth.rbac.paths import Asked, asked_for
from monite_auth.rbac.role import Change, Role, RoleDiff
from monite_auth.rbac.vocabulary import Action, ObjectType, Permission, actions_of, member, words

__all__ = [
    "Action",
    "Asked",
    "Change",
    "ObjectType",
    "Permission",
    "Role",
    "RoleDiff",
    "actions_of",
    "asked_for",
    "member",
    "words",
]
