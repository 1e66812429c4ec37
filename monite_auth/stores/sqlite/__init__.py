"""The store of one host: a file that all its processes share. SQLite comes with Python; there is no server.

A commit is in the file before its operation returns, so it survives `kill -9` of any process. After a power cut the
last moments before it may be missing, but never half an operation: tokens minted in them are then left to expire, and
so are those of logouts in them.

Times in the file are wall-clock time of this host, which all processes and the next boot agree on. Tokens come and go by
their callers' clocks; only the rest of their lives is carried over. If the wall clock is set back, tokens seem to live
longer by as much; when Monite then refuses one, it is discarded like any other.

The same clock counts the moments of endings. The dates of logins are compared with it only for sessions that the file does
not know: a session that has claimed a token, or was begun (`begin_session`), is known by its name. If the wall clock is set
back after an ending, an unknown session that is dated later counts as one from before the ending until the clock has caught
up.

Several accounts can share a file; each has tokens, sessions, endings, budget and keys of its own.

| file | has |
|---|---|
| `store` | SQLiteStore: accounts, forms of operations, threads |
| `operations` | all operations; by concern in `tokens`, `sessions`, `revocations`, `notes`, `budget`, `status` |
| `execution` | how an operation becomes a transaction or a read |
| `connections`, `locks`, `forks` | the file, its connections and transactions; waiting; what forked children inherit |
| `errors` | what can go wrong with the file |
| `schema`, `rows`, `sweep` | the tables; tokens as rows; the deletion of what has expired |
| `keys` | the account's envelope in the file |
"""

from monite_auth.stores.sqlite.store import SQLiteStore

__all__ = ["SQLiteStore"]
