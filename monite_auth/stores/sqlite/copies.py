"""What the SQLite store tells one that it is copied into, page by page."""

import logging

from monite_auth.stores.sealing import SealBroken
from monite_auth.stores.sqlite.execution import Execution, Transaction, reading
from monite_auth.stores.values import Name, Page, Pending, Remembered
from monite_auth.tokens import SAFETY, Secret

__all__ = ["SQLiteCopies"]

log = logging.getLogger("monite_auth")

AT_ONCE = 1000
"""Rows of a page: some milliseconds."""

UNKNOWN_AGO = 24 * 3600.0
"""How long ago a known session counts to have begun where that was not written down, as before version 5 of the file."""


class SQLiteCopies(Execution):
    """See CopyOperations."""

    @reading
    def names_key(self, on: Transaction) -> Secret:
        """See CopyOperations."""
        return on.vault.names_key

    @reading
    def remembered(self, on: Transaction, after: str | None = None) -> Page[Remembered]:
        """See CopyOperations. First come the endings of users, then the sessions."""
        if after is None:
            rows = on.db.execute(
                "SELECT user, ended_before FROM endings WHERE account = ? AND until > ?", (on.account, on.now)
            )
            items = [Remembered(Name(user), None, True, on.now - moment) for user, moment in rows]
            (everything,) = on.db.execute(
                "SELECT ended_before FROM accounts WHERE account = ?", (on.account,)
            ).fetchone()
            if everything > 0:
                items.append(Remembered(None, None, True, on.now - everything))
            return Page(items, " ")
        found = on.db.execute(
            "SELECT user, session, ended, began FROM sessions WHERE account = ? AND until > ? AND (user, session) > (?, ?) "
            "ORDER BY user, session LIMIT ?",
            (on.account, on.now, *after.split(" "), AT_ONCE),
        ).fetchall()
        items = [
            Remembered(Name(user), Name(session), bool(ended), on.now - began if began > 0 else UNKNOWN_AGO)
            for user, session, ended, began in found
        ]
        return Page(items, f"{items[-1].user} {items[-1].session}" if len(items) == AT_ONCE else None)

    @reading
    def pending(self, on: Transaction, after: str | None = None) -> Page[Pending]:
        """See CopyOperations."""
        rows = on.db.execute(
            "SELECT id, slot, print, sealed, expires_at, attempts FROM tokens "
            "WHERE account = ? AND state = 'pending' AND expires_at > ? AND id > ? ORDER BY id LIMIT ?",
            (on.account, on.now - SAFETY, int(after or -1), AT_ONCE),
        ).fetchall()
        ahead = self._token_clock() - on.now
        items = []
        for number, slot, fingerprint_name, sealed, expires_at, attempts in rows:
            try:
                value = on.vault.open_value(sealed, slot, fingerprint_name)
            except SealBroken:
                log.error("A pending revocation does not open, and is not copied.")  # noqa: TRY400 - a traceback says no more
                continue
            items.append(Pending(str(number), value, expires_at + SAFETY + ahead, attempts))
        return Page(items, str(rows[-1][0]) if len(rows) == AT_ONCE else None)

    @reading
    def holders(self, on: Transaction, after: str | None = None) -> Page[Name]:
        """See CopyOperations."""
        rows = on.db.execute(
            "SELECT user FROM (SELECT DISTINCT user FROM tokens WHERE account = :account AND state <> 'pending' "
            "AND user > :after ORDER BY user LIMIT :most) UNION SELECT user FROM (SELECT DISTINCT user FROM mints "
            "WHERE account = :account AND user > :after ORDER BY user LIMIT :most) ORDER BY user LIMIT :most",
            {"account": on.account, "after": after or "", "most": AT_ONCE},
        ).fetchall()
        return Page([Name(user) for (user,) in rows], rows[-1][0] if len(rows) == AT_ONCE else None)
