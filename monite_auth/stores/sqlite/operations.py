"""The operations of the SQLite store; `execution` says how each is done, and the files by concern what each decides."""

from monite_auth.stores.sqlite.calls import SQLiteCalls
from monite_auth.stores.sqlite.copies import SQLiteCopies
from monite_auth.stores.sqlite.notes import SQLiteNotes
from monite_auth.stores.sqlite.revocations import SQLiteRevocations
from monite_auth.stores.sqlite.sessions import SQLiteSessions
from monite_auth.stores.sqlite.status import SQLiteStatus

__all__ = ["SQLiteOperations"]


class SQLiteOperations(
    SQLiteCalls, SQLiteSessions, SQLiteRevocations, SQLiteNotes, SQLiteStatus, SQLiteCopies
):
    """All operations of one account, in one of their two forms; see `monite_auth.stores.Operations`."""
