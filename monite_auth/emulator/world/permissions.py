"""The permissions of a role, as Monite reads and writes them, and what they grant."""

from collections.abc import Iterable
from typing import Any, Literal

Permission = Literal["allowed", "allowed_for_own", "not_allowed"]
CommonAction = Literal["create", "read", "update", "delete"]
Action = Literal[
    "create", "read", "update", "delete", "submit", "approve", "cancel", "pay", "reopen", "create_from_mail"
]
ObjectType = Literal[
    "approval_policy",
    "approval_request",
    "comment",
    "counterpart",
    "counterpart_vat_id",
    "delivery_note",
    "entity",
    "entity_bank_account",
    "entity_user",
    "entity_vat_ids",
    "export",
    "mailbox",
    "ocr_task",
    "onboarding",
    "overdue_reminder",
    "payable",
    "payables_purchase_order",
    "payment_record",
    "payment_reminder",
    "person",
    "product",
    "project",
    "receipt",
    "receivable",
    "reconciliation",
    "role",
    "tag",
    "todo_task",
    "todo_task_mute",
    "transaction",
    "workflow",
]

#: The grants for one kind of object: `{"object_type": …, "actions": [{"action_name": …, "permission": …}]}`.
Rule = dict[str, Any]
#: All of a role: `{"objects": [rule, …]}`.
Permissions = dict[str, Any]


def granted(permissions: Permissions, action: Action, object_type: ObjectType) -> Permission:
    """Return the permission for an action on a kind of object. Actions that are not listed are `not_allowed`."""
    for rule in permissions.get("objects", ()):
        if rule["object_type"] == object_type:
            for grant in rule.get("actions", ()):
                if grant.get("action_name", "read") == action:
                    permission: Permission = grant.get("permission", "allowed")
                    return permission
    return "not_allowed"


def rule(object_type: ObjectType, actions: Iterable[Action], permission: Permission = "allowed") -> Rule:
    """Return the rule that gives `permission` for `actions` on a kind of object."""
    return {
        "object_type": object_type,
        "actions": [{"action_name": action, "permission": permission} for action in actions],
    }


def common(object_type: ObjectType, *actions: CommonAction) -> Rule:
    """Return the rule that allows `actions` on `object_type`."""
    return rule(object_type, actions)


def payable(actions: Iterable[Action], permission: Permission = "allowed") -> Rule:
    """Return the rule that gives `permission` for `actions` on payables."""
    return rule("payable", actions, permission)
