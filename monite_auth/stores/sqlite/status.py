"""The state of the store in SQLite, for people who look after the application: reads, which wait for no writer."""

from monite_auth.stores.sqlite.budget import read_budget
from monite_auth.stores.sqlite.execution import Execution, Transaction, reading
from monite_auth.stores.sqlite.rows import EXPIRES_AT
from monite_auth.stores.values import Overview, Status

__all__ = ["SQLiteStatus"]


class SQLiteStatus(Execution):
    """See StatusOperations."""

    @reading
    def status(self, on: Transaction, user: str) -> Status:
        """See Operations."""
        live, last = on.db.execute(
            f"SELECT count(*), max({EXPIRES_AT}) FROM tokens WHERE user = :user AND state = 'live' AND {EXPIRES_AT} > :now",  # noqa: S608 - ours
            {"user": on.vault.user(user), "now": on.now, "ahead": on.ahead},
        ).fetchone()
        return Status(live, None if last is None else last - on.now + self._token_clock())

    @reading
    def backlog(self, on: Transaction) -> int:
        """See Operations."""
        count: int = on.db.execute(
            "SELECT count(DISTINCT print) FROM tokens WHERE account = ? AND state = 'pending'", (on.account,)
        ).fetchone()[0]
        return count

    @reading
    def overview(self, on: Transaction, *, count_live: bool = True) -> Overview:
        """See Operations."""
        live = None
        if count_live:
            (live,) = on.db.execute(
                f"SELECT count(*) FROM tokens WHERE account = :account AND state = 'live' AND {EXPIRES_AT} > :now",  # noqa: S608 - ours
                {"account": on.account, "now": on.now, "ahead": on.ahead},
            ).fetchone()
        pending, since = on.db.execute(
            "SELECT count(DISTINCT print), min(pending_since) FROM tokens WHERE account = ? AND state = 'pending'",
            (on.account,),
        ).fetchone()
        oldest = None if since is None else max(0.0, on.now - since)
        return Overview(live, pending, oldest, *read_budget(on).pace(on.now, self._requests_per_second))
