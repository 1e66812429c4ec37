"""Monite's API: what each operation does. The facts in `specification` say what it takes and answers.

`serving` leads from a request to its answer. Each other folder or module has a family of operations, which its `__init__` imports.
"""

from monite_auth.emulator.api import (
    access,
    files,
    financing,
    master_data,
    payables,
    payment_records,
    receivables,
    webhooks,
)
from monite_auth.emulator.api.serving.dispatch import SERVED

__all__ = [
    "SERVED",
    "access",
    "files",
    "financing",
    "master_data",
    "payables",
    "payment_records",
    "receivables",
    "webhooks",
]
