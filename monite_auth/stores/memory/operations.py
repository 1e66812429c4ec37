"""The operations of the memory store; the files by concern say what each does."""

from monite_auth.stores.memory.budget import MemoryBudget
from monite_auth.stores.memory.notes import MemoryNotes
from monite_auth.stores.memory.revocations import MemoryRevocations
from monite_auth.stores.memory.sessions import MemorySessions
from monite_auth.stores.memory.status import MemoryStatus
from monite_auth.stores.memory.tokens import MemoryTokens

__all__ = ["MemoryOperations"]


class MemoryOperations(
    MemoryTokens, MemorySessions, MemoryRevocations, MemoryNotes, MemoryBudget, MemoryStatus
):
    """All operations of one account, for threads and event loops alike; see `monite_auth.stores.Operations`."""
