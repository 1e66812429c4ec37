"""Monite's API: what each operation does. The facts in `specification` say what it takes and answers.

`serving` finds the operation of a request, checks the request, and gives the answer its shape. `resource` is plain
create-read-update-delete; the other modules add what is more than that.
"""

from monite_auth.emulator.api import (
    auth,
    bank_accounts,
    counterparts,
    entities,
    entity_users,
    files,
    line_items,
    payable_files,
    payable_history,
    payable_statuses,
    payable_validations,
    payables,
    payment_records,
    products,
    receivable_files,
    receivable_mails,
    receivable_statuses,
    receivables,
    recurrences,
    reminders,
    roles,
    settings,
    tags,
    webhooks,
)
from monite_auth.emulator.api.serving import SERVED

__all__ = [
    "SERVED",
    "auth",
    "bank_accounts",
    "counterparts",
    "entities",
    "entity_users",
    "files",
    "line_items",
    "payable_files",
    "payable_history",
    "payable_statuses",
    "payable_validations",
    "payables",
    "payment_records",
    "products",
    "receivable_files",
    "receivable_mails",
    "receivable_statuses",
    "receivables",
    "recurrences",
    "reminders",
    "roles",
    "settings",
    "tags",
    "webhooks",
]
