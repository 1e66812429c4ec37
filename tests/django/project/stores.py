"""A store that the project makes itself."""

from monite_auth import MemoryStore

memory = MemoryStore()
