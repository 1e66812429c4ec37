"""The state of the store in SQLite, for people who look after the application: reads, which wait for no writer."""

from monite_auth.stores.sqlite.execution import Execution, Transaction, reading
from monite_auth.stores.values import Status

__all__ = ["SQLiteStatus"]


class SQLiteStatus(Execution):
    """See StatusOperations."""

    @reading
    def status(self, on: Transaction, user: str) -> Status:
        """See Operations."""
        live, last = on.db.execute(
            "SELECT count(*), max(expires_at) FROM tokens WHERE user = ? AND state = 'live' AND expires_at > ?",
            (on.vault.user(user), on.now),
        ).fetchone()
        return Status(live, None if last is None else last - on.now + self._token_clock())

    @reading
    def backlog(self, on: Transaction) -> int:
        """See Operations."""
        count: int = on.db.execute(
            "SELECT count(DISTINCT print) FROM tokens WHERE account = ? AND state = 'pending'", (on.account,)
        ).fetchone()[0]
        return count
