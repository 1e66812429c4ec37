"""The store of one host: a file that all its processes share. SQLite comes with Python; there is no server.

A commit is in the file before its operation returns, so it survives `kill -9` of any process. After a power cut the
last moments before it may be missing, but never half an operation: tokens minted in them are then left to expire, and
so are those of logouts in them.

Times in the file are counted by the clock of this boot of the host, which nobody sets and all processes share. The wall clock
says only how old a login is, how long the host was off, and that a virtual machine was paused: a token ends when the first of
the two clocks says so. Tokens come and go by their callers' clocks; only the rest of their lives is carried over.

Several accounts can share a file; each has tokens, sessions, endings, budget and keys of its own.

| file | has |
|---|---|
| `store` | SQLiteStore: accounts, forms of operations, threads |
| `operations` | all operations; by concern in `tokens`, `sessions`, `revocations`, `notes`, `budget`, `status` |
| `execution` | how an operation becomes a transaction or a read |
| `connections`, `locks`, `forks` | the file, its connections and transactions; waiting; what forked children inherit |
| `file_time` | the time in the file, and what another boot means for it |
| `creation`, `open_file` | the file is created; what is done when it was deleted or replaced |
| `errors` | what can go wrong with the file |
| `schema`, `rows`, `sweep` | the tables; tokens as rows; the deletion of what has expired |
| `keys` | the account's envelope in the file |
"""

from monite_auth.stores.sqlite.store import SQLiteStore

__all__ = ["SQLiteStore"]
