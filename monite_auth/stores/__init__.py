"""Where tokens, endings, pending revocations and the request budget are kept.

`protocol` says what a store promises, operation by operation, and `values` and `budget` what goes in and out. Those names
are public and stable: this is what another store is written against (docs/write-a-store.md).
"""

from monite_auth.stores.bounds import MOST_ENDINGS, MOST_SESSIONS, MOST_SLOTS, MOST_SUPERSEDED
from monite_auth.stores.budget import Admission, Budget, Priority, Ticket
from monite_auth.stores.protocol import (
    BudgetOperations,
    CallOperations,
    InTurn,
    NoteOperations,
    Operations,
    RevocationOperations,
    SessionOperations,
    StatusOperations,
    Store,
    TokenOperations,
)
from monite_auth.stores.registry import register
from monite_auth.stores.values import (
    PARTNER_SLOT,
    Busy,
    Claim,
    Claimed,
    Committed,
    Cooldown,
    CoolingDown,
    Due,
    Ended,
    Everything,
    Hit,
    Lease,
    Overview,
    Pending,
    SessionState,
    Slot,
    Status,
)

__all__ = [
    "MOST_ENDINGS",
    "MOST_SESSIONS",
    "MOST_SLOTS",
    "MOST_SUPERSEDED",
    "PARTNER_SLOT",
    "Admission",
    "Budget",
    "BudgetOperations",
    "Busy",
    "CallOperations",
    "Claim",
    "Claimed",
    "Committed",
    "Cooldown",
    "CoolingDown",
    "Due",
    "Ended",
    "Everything",
    "Hit",
    "InTurn",
    "Lease",
    "NoteOperations",
    "Operations",
    "Overview",
    "Pending",
    "Priority",
    "RevocationOperations",
    "SessionOperations",
    "SessionState",
    "Slot",
    "Status",
    "StatusOperations",
    "Store",
    "Ticket",
    "TokenOperations",
    "register",
]
