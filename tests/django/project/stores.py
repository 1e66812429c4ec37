"""Where a project may have a store that it has made itself."""

from monite_auth import MemoryStore

memory = MemoryStore()
