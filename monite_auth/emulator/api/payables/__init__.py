"""Bills to pay: `bills` are the records, and each other module has one part of their life."""

from monite_auth.emulator.api.payables import (
    approval_processes,
    approval_scripts,
    approvals,
    bills,
    comments,
    files,
    history,
    line_items,
    statuses,
    validations,
    variables,
)

__all__ = [
    "approval_processes",
    "approval_scripts",
    "approvals",
    "bills",
    "comments",
    "files",
    "history",
    "line_items",
    "statuses",
    "validations",
    "variables",
]
