"""The store of one process."""

from monite_auth.stores.memory.store import MemoryStore

__all__ = ["MemoryStore"]
