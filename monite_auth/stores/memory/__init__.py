"""The store of one process.

| file | has |
|---|---|
| `store` | MemoryStore: accounts |
| `operations` | all operations; by concern in `tokens`, `sessions`, `revocations`, `notes`, `budget`, `status` |
| `account` | what is kept for one account, and what the operations share |
| `users`, `few`, `holders` | users with their places and sessions; a few records without a dictionary; which places hand out a token |
| `endings`, `pending` | what has ended; pending revocations |
"""

from monite_auth.stores.memory.store import MemoryStore

__all__ = ["MemoryStore"]
