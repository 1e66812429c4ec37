"""Monite's words for permissions: object types, actions on them, and what a role grants (its RBAC, 2024-05-25)."""

from enum import StrEnum
from typing import TypeVar

__all__ = ["Action", "ObjectType", "Permission", "actions_of", "member", "parse_permission"]


class ObjectType(StrEnum):
    """The kinds of object that a role speaks about."""

    APPROVAL_POLICY = "approval_policy"
    APPROVAL_REQUEST = "approval_request"
    COMMENT = "comment"
    COUNTERPART = "counterpart"
    COUNTERPART_VAT_ID = "counterpart_vat_id"
    DELIVERY_NOTE = "delivery_note"
    ENTITY = "entity"
    ENTITY_BANK_ACCOUNT = "entity_bank_account"
    ENTITY_USER = "entity_user"
    ENTITY_VAT_IDS = "entity_vat_ids"
    EXPORT = "export"
    MAILBOX = "mailbox"
    OCR_TASK = "ocr_task"
    ONBOARDING = "onboarding"
    OVERDUE_REMINDER = "overdue_reminder"
    PAYABLE = "payable"
    PAYABLES_PURCHASE_ORDER = "payables_purchase_order"
    PAYMENT_RECORD = "payment_record"
    PAYMENT_REMINDER = "payment_reminder"
    PERSON = "person"
    PRODUCT = "product"
    PROJECT = "project"
    RECEIPT = "receipt"
    RECEIVABLE = "receivable"
    RECONCILIATION = "reconciliation"
    ROLE = "role"
    TAG = "tag"
    TODO_TASK = "todo_task"
    TODO_TASK_MUTE = "todo_task_mute"
    TRANSACTION = "transaction"
    WORKFLOW = "workflow"


class Action(StrEnum):
    """What may be done to an object. Every kind has the first four; payables have them all."""

    CREATE = "create"
    READ = "read"
    UPDATE = "update"
    DELETE = "delete"
    SUBMIT = "submit"
    APPROVE = "approve"
    CANCEL = "cancel"
    PAY = "pay"
    REOPEN = "reopen"
    CREATE_FROM_MAIL = "create_from_mail"


class Permission(StrEnum):
    """What a role says about an action. ALLOWED_FOR_OWN: on objects that the same entity user created."""

    NOT_ALLOWED = "not_allowed"
    ALLOWED = "allowed"
    ALLOWED_FOR_OWN = "allowed_for_own"


Word = TypeVar("Word", bound=StrEnum)

_NOUNS: dict[type[StrEnum], str] = {
    ObjectType: "object type",
    Action: "action",
    Permission: "permission",
}
_ALL = tuple(Action)
_COMMON = (Action.CREATE, Action.READ, Action.UPDATE, Action.DELETE)


def actions_of(object_type: ObjectType) -> tuple[Action, ...]:
    """Return the actions that `object_type` has."""
    return _ALL if object_type is ObjectType.PAYABLE else _COMMON


def member(kind: type[Word], word: str, of: ObjectType | None = None) -> Word:
    """Return the member of `kind` that Monite writes as `word`.

    `of`: for actions, the object type that has to have it. Raises ValueError for a wrong word, and suggests the nearest right
    one.
    """
    choices = [choice for choice in kind if of is None or choice in actions_of(of)]
    for choice in choices:
        if choice == word:
            return choice
    from difflib import get_close_matches  # noqa: PLC0415 - for mistakes only

    near = get_close_matches(str(word).lower(), choices, n=1)
    hint = f"did you mean '{near[0]}'?" if near else f"choose from {', '.join(choices)}."
    raise ValueError(f"{word!r} is no {_NOUNS[kind]}{'' if of is None else f' of {of}'}; {hint}")


def parse_permission(object_type: str, action: str) -> tuple[ObjectType, Action]:
    """Return the members for an object type and one of its actions.

    Raises ValueError for a wrong word, and suggests the nearest right one.
    """
    kind = member(ObjectType, object_type)
    return kind, member(Action, action, of=kind)
