"""The permissions of a role: their shape, and what they grant. access.py finds the caller and the role."""

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Permission = Literal["allowed", "allowed_for_own", "not_allowed"]
CommonAction = Literal["create", "read", "update", "delete"]
PayableAction = Literal[
    "create", "read", "update", "delete", "submit", "approve", "cancel", "pay", "reopen", "create_from_mail"
]
CommonObject = Literal[
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


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CommonGrant(_Strict):
    """The permission for one action on most kinds of object."""

    action_name: CommonAction = "read"
    permission: Permission = "allowed"


class PayableGrant(_Strict):
    """The permission for one action on payables, which have more actions than other objects."""

    action_name: PayableAction = "read"
    permission: Permission = "allowed"


class CommonRule(_Strict):
    """The grants for one kind of object."""

    object_type: CommonObject
    actions: tuple[CommonGrant, ...] = ()


class PayableRule(_Strict):
    """The grants for payables."""

    object_type: Literal["payable"]
    actions: tuple[PayableGrant, ...] = ()


Rule = Annotated[CommonRule | PayableRule, Field(discriminator="object_type")]


class Permissions(_Strict):
    """The permissions of a role, as Monite reads and writes them."""

    objects: tuple[Rule, ...] = ()

    def granted(self, action: PayableAction, object_type: CommonObject | Literal["payable"]) -> Permission:
        """Return the permission for an action on a kind of object. Actions that are not listed are `not_allowed`."""
        for rule in self.objects:
            if rule.object_type == object_type:
                for grant in rule.actions:
                    if grant.action_name == action:
                        return grant.permission
        return "not_allowed"


def common(object_type: CommonObject, *actions: CommonAction) -> CommonRule:
    """Return the rule that allows `actions` on `object_type`."""
    return CommonRule(
        object_type=object_type, actions=tuple(CommonGrant(action_name=action) for action in actions)
    )


def payable(actions: Iterable[PayableAction], permission: Permission = "allowed") -> PayableRule:
    """Return the rule that gives `permission` for `actions` on payables."""
    return PayableRule(
        object_type="payable",
        actions=tuple(PayableGrant(action_name=action, permission=permission) for action in actions),
    )
