"""The operations of the memory store; the files by concern say what each does."""

from monite_auth.stores.memory.calls import MemoryCalls
from monite_auth.stores.memory.notes import MemoryNotes
from monite_auth.stores.memory.revocations import MemoryRevocations
from monite_auth.stores.memory.sessions import MemorySessions
from monite_auth.stores.memory.status import MemoryStatus

__all__ = ["MemoryOperations"]


class MemoryOperations(MemoryCalls, MemorySessions, MemoryRevocations, MemoryNotes, MemoryStatus):
    """All operations of one account, for threads and event loops alike; see `monite_auth.stores.Operations`."""
