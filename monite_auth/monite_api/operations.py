"""The calls of Monite's API: from method and path to the object type and action that a role has to allow.

It is for partners that call with the partner token and enforce their own rules. That token is root, so a call that is not in
this table has to be refused: `permission_for` returns None for every unknown path, and for these:

- other tokens: `entity_users/me`, `my_entity`, `my_role` and `entities/me` need an entity user's own; `auth` makes
  tokens;
- the partner's own: `settings`, `webhook_*`, `mail_templates`, `mailbox_domains`, `events`, the list of `entities`
  and new ones, their `activate` and `deactivate`, every `partner_metadata`, and `payables/validations` with those
  of credit notes, which hold for all entities at once;
- more than one entity: `mailboxes/search` and `payment_onboarding_links` name whom they are for in their body, and
  `files` names nobody;
- an entity's PATCH `settings`, which can switch off approvals and so is more than to update an entity;
- not Monite's callers: `payables/storecove` is a webhook, `internal`, `frontend` and `portal` serve Monite's own
  pages;
- no object type in roles: `accounting*`, `ai`, `batch_payments`, `custom_vat_rates`, `document_templates`,
  `einvoic*`, `financing_*`, `ledger_accounts`, `measure_units`, `payment_intents`, `payment_links`,
  `payment_terms`, an entity's `payment_methods`, `recurrences`, `text_templates`, `vat_rates`.

`reconciliation`, `todo_task`, `todo_task_mute`, `transaction` and `workflow` are words of roles without a path, and
mail makes payables by itself, so no call needs `create_from_mail`. From Monite's OpenAPI document, 2024-05-25.
"""

import re
from typing import NamedTuple

from monite_auth.monite_api.vocabulary import Action, ObjectType

__all__ = ["RequiredPermission", "call_pattern", "permission_for"]


class RequiredPermission(NamedTuple):
    """What a call needs: to be allowed `action` on objects of `object_type`.

    `entity_id`: the entity that the path itself names (`entities/{id}/…`), else None. No header confines such a call:
    compare it with the entity of the user to enforce your rules.
    """

    object_type: ObjectType
    action: Action
    entity_id: str | None = None


_Calls = dict[tuple[str, str], Action]  # (method, path): action; `*` is an id


def _objects(*collections: str) -> _Calls:
    """Objects of their own: to list, create, read, change and delete."""
    return {
        (method, path): action
        for collection in collections
        for method, path, action in (
            ("GET", collection, Action.READ),
            ("POST", collection, Action.CREATE),
            ("GET", f"{collection}/*", Action.READ),
            ("PATCH", f"{collection}/*", Action.UPDATE),
            ("DELETE", f"{collection}/*", Action.DELETE),
        )
    }


def _parts(owner: str, names: str) -> _Calls:
    """Parts of an object: to read one is to read the object; to add, change or remove one is to update it."""
    calls: _Calls = {}
    for name in names.split():
        for path in (f"{owner}/{name}", f"{owner}/{name}/*"):
            calls["GET", path] = Action.READ
            calls |= {(method, path): Action.UPDATE for method in ("POST", "PUT", "PATCH", "DELETE")}
    return calls


def _reads(base: str, names: str) -> _Calls:
    """GET and nothing else."""
    return {("GET", f"{base}/{name}"): Action.READ for name in names.split()}


def _posts(base: str, **names: str) -> _Calls:
    """POST to a verb: each keyword is an action, its value the verbs that ask for it."""
    return {
        ("POST", f"{base}/{verb}"): Action(action)
        for action, verbs in names.items()
        for verb in verbs.split()
    }


_OPERATIONS: dict[ObjectType, _Calls] = {
    ObjectType.APPROVAL_POLICY: (
        _objects("approval_policies")
        | _reads("approval_policies/*", "processes processes/* processes/*/steps")
        | _posts("approval_policies/*/processes/*", update="cancel")
    ),
    ObjectType.APPROVAL_REQUEST: (
        _objects("approval_requests") | _posts("approval_requests/*", update="approve reject cancel")
    ),
    ObjectType.COMMENT: _objects("comments"),
    ObjectType.COUNTERPART: (
        _objects("counterparts")
        | _parts("counterparts/*", "addresses bank_accounts contacts einvoicing_credentials")
        | _posts("counterparts/*/bank_accounts/*", update="make_default")
        | _posts("counterparts/*/contacts/*", update="make_default")
    ),
    ObjectType.COUNTERPART_VAT_ID: _objects("counterparts/*/vat_ids"),
    ObjectType.DELIVERY_NOTE: (
        _objects("delivery_notes") | _posts("delivery_notes/*", update="cancel mark_as_delivered")
    ),
    ObjectType.ENTITY: {
        ("GET", "entities/*"): Action.READ,
        ("PATCH", "entities/*"): Action.UPDATE,
        ("PUT", "entities/*/logo"): Action.UPDATE,
        ("DELETE", "entities/*/logo"): Action.UPDATE,
    }
    | _reads("entities/*", "settings settings/next_document_numbers"),
    ObjectType.ENTITY_BANK_ACCOUNT: (
        _objects("bank_accounts")
        | _reads("bank_accounts/*", "verifications")
        | _posts("bank_accounts", create="start_verification complete_verification")
        | _posts("bank_accounts/*", update="make_default complete_verification refresh_verification")
    ),
    ObjectType.ENTITY_USER: _objects("entity_users"),
    ObjectType.ENTITY_VAT_IDS: _objects("entities/*/vat_ids"),
    ObjectType.EXPORT: (
        _objects("data_exports", "data_exports/extra_data") | _reads("data_exports", "supported_formats")
    ),
    ObjectType.MAILBOX: _objects("mailboxes"),
    ObjectType.OCR_TASK: _objects("ocr_tasks") | _posts("ocr_tasks", create="upload_from_file"),
    ObjectType.ONBOARDING: {
        ("GET", "onboarding_requirements"): Action.READ,
        ("POST", "onboarding_links"): Action.CREATE,
        ("POST", "onboarding_documents"): Action.UPDATE,
    }
    | _reads("entities/*", "onboarding_requirements")
    | _parts("entities/*", "onboarding_data")
    | _posts("entities/*", update="documents")
    | _posts("persons/*", update="documents onboarding_documents"),
    ObjectType.OVERDUE_REMINDER: _objects("overdue_reminders"),
    ObjectType.PAYABLE: (
        _objects("payables", "payable_credit_notes")  # Monite's roles treat credit notes as payables
        | _parts("payables/*", "line_items suggestions")
        | _parts("payable_credit_notes/*", "line_items")
        | _reads("analytics", "payables credit_notes")
        | _reads("payables", "analytics variables")
        | _reads("payables/*", "history")
        | _reads("payable_credit_notes/*", "validate")
        | _posts("payables", create="upload_from_file")
        | _posts("payable_credit_notes", create="upload_from_file")
        | _posts(
            "payables/*",
            read="validate",
            update="attach_file cancel_ocr",
            submit="submit_for_approval",
            approve="approve_payment_operation reject",
            cancel="cancel",
            pay="mark_as_paid mark_as_partially_paid",
            reopen="reopen",
        )
        | _posts(
            "payable_credit_notes/*",
            update="cancel_ocr",
            submit="submit_for_approval",
            approve="approve reject",
            cancel="cancel",
        )
    ),
    ObjectType.PAYABLES_PURCHASE_ORDER: (
        _objects("payable_purchase_orders")
        | _reads("payable_purchase_orders", "variables")
        | _posts("payable_purchase_orders/*", read="preview", update="send")
    ),
    ObjectType.PAYMENT_RECORD: (
        _objects("payment_records")
        | _posts("payment_records/*", update="cancel mark_as_succeeded start_processing")
    ),
    ObjectType.PAYMENT_REMINDER: _objects("payment_reminders"),
    ObjectType.PERSON: _objects("persons"),
    ObjectType.PRODUCT: _objects("products"),
    ObjectType.PROJECT: _objects("projects"),
    ObjectType.RECEIPT: (
        _objects("receipts")
        | _parts("receipts/*", "line_items")
        | _posts("receipts", create="upload_from_file")
        | _posts("receipts/*", update="attach_file")
    ),
    ObjectType.RECEIVABLE: (
        _objects("receivables")
        | _parts("receivables/*", "line_items")
        | _reads("analytics", "receivables")
        | _reads("receivables", "required_fields variables")
        | _reads("receivables/*", "history history/* mails mails/* pdf_link")
        | _posts("receivables", read="search")
        | _posts(
            "receivables/*",
            create="clone",
            read="preview verify",
            update="accept cancel decline issue mark_as_paid mark_as_partially_paid mark_as_uncollectible send "
            "send_test_reminder",
        )
    ),
    ObjectType.ROLE: _objects("roles"),
    ObjectType.TAG: _objects("tags"),
}

_PERMISSIONS = {
    call: (object_type, action)
    for object_type, calls in _OPERATIONS.items()
    for call, action in calls.items()
}
# Nothing that a server or a proxy could read in two ways: no dots, escapes, parameters or empty segments.
_PLAIN = re.compile(r"/?[A-Za-z0-9_-]+(?:/[A-Za-z0-9_-]+)*/?")
_ID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")


def permission_for(method: str, path: str) -> RequiredPermission | None:
    """Return the permission that a call needs, or None for a call that is not known: refuse it.

    `method`: in any case; HEAD is a GET. `path`: relative to the base URL, with or without `/v1`; a query does not matter. Ids are
    UUIDs, as in all of Monite's paths, written with dashes.
    """
    call = call_pattern(method, path)
    known = None if call is None else _PERMISSIONS.get(call)
    if known is None:
        return None
    of_entity = re.match("/?(?:v1/)?entities/([^/?]+)", path)
    return RequiredPermission(*known, entity_id=of_entity[1].lower() if of_entity else None)


def call_pattern(method: str, path: str) -> tuple[str, str] | None:
    """Return a call as tables have it, with `*` for each id; None for a path that could be read in two ways."""
    plain = path.partition("?")[0]
    if not method.isascii() or not _PLAIN.fullmatch(plain):
        return None
    segments = plain.strip("/").split("/")
    if segments[0] == "v1":
        del segments[0]
    pattern = "/".join("*" if _ID.fullmatch(word) else word for word in segments)
    return ("GET" if method.upper() == "HEAD" else method.upper()), pattern
