"""Pending revocations in SQLite: due, condemn, settle, postpone.

The same value can be in several rows. What is decided about a pending one is decided about all of them.
"""

import logging

from monite_auth.stores.sealing import SealBroken
from monite_auth.stores.sqlite.execution import Execution, Transaction, writing
from monite_auth.stores.values import Due, Pending
from monite_auth.tokens import SAFETY

__all__ = ["SQLiteRevocations"]

log = logging.getLogger("monite_auth")

MOST_EXPIRED = 1000
"""Expired revocations that one call counts and drops; the next call goes on."""

SAME_VALUE = "state = 'pending' AND print = (SELECT print FROM tokens WHERE id = ?)"
"""The pending rows that have the same value as a row."""


class SQLiteRevocations(Execution):
    """See RevocationOperations. The ID of a pending revocation is that of its row."""

    @writing
    def due(self, on: Transaction, limit: int, *, seconds: float) -> Due:
        """See Operations."""
        expired = on.db.execute(
            "DELETE FROM tokens WHERE id IN (SELECT id FROM tokens INDEXED BY tokens_expiry "
            "WHERE expires_at <= ? AND account = ? AND state = 'pending' AND due_at <= ? LIMIT ?)",
            (on.now - SAFETY, on.account, on.now, MOST_EXPIRED),
        ).rowcount
        batch: dict[str, Pending] = {}
        ahead = self._token_clock() - on.now
        for row in on.db.execute(
            "SELECT id, slot, print, sealed, expires_at, attempts FROM tokens "
            "WHERE account = ? AND state = 'pending' AND due_at <= ? AND expires_at > ? ORDER BY due_at LIMIT ?",
            (on.account, on.now, on.now - SAFETY, limit),
        ).fetchall():
            number, slot, fingerprint_name, sealed, expires_at, attempts = row
            try:
                value = on.vault.open_value(sealed, slot, fingerprint_name)
            except SealBroken:
                _report_lost()
                on.db.execute("UPDATE tokens SET due_at = ? WHERE id = ?", (expires_at + SAFETY, number))
                continue
            on.db.execute(f"UPDATE tokens SET due_at = ? WHERE {SAME_VALUE}", (on.now + seconds, number))  # noqa: S608 - ours
            batch[fingerprint_name] = Pending(str(number), value, expires_at + SAFETY + ahead, attempts)
        first = on.db.execute(
            "SELECT min(due_at) FROM tokens WHERE account = ? AND state = 'pending'", (on.account,)
        ).fetchone()[0]
        return Due(list(batch.values()), expired, None if first is None else max(0.0, first - on.now))

    @writing
    def condemn(self, on: Transaction, pending: Pending) -> bool:
        """See Operations."""
        row = on.db.execute(
            "SELECT print, expires_at FROM tokens WHERE id = ? AND state = 'pending'", (int(pending.id),)
        ).fetchone()
        if row is None:
            return False
        fingerprint_name, expires_at = row
        is_held = on.db.execute(
            "SELECT EXISTS (SELECT * FROM tokens WHERE print = ? AND state = 'live' AND expires_at > ?)",
            (fingerprint_name, on.now),
        ).fetchone()[0]
        if is_held:
            _take_off(on, pending)
            return False
        on.db.execute("DELETE FROM tokens WHERE print = ? AND state <> 'pending'", (fingerprint_name,))
        on.db.execute(
            "INSERT OR REPLACE INTO condemned (print, account, until) VALUES (?, ?, ?)",
            (fingerprint_name, on.account, expires_at + SAFETY),
        )
        return True

    @writing
    def settle(self, on: Transaction, pending: Pending) -> None:
        """See Operations."""
        _take_off(on, pending)

    @writing
    def postpone(self, on: Transaction, pending: Pending, seconds: float) -> None:
        """See Operations."""
        on.db.execute(
            f"UPDATE tokens SET due_at = ?, attempts = attempts + 1 WHERE {SAME_VALUE}",  # noqa: S608 - ours
            (on.now + seconds, int(pending.id)),
        )


def _take_off(on: Transaction, pending: Pending) -> None:
    on.db.execute(f"DELETE FROM tokens WHERE {SAME_VALUE}", (int(pending.id),))  # noqa: S608 - ours


def _report_lost() -> None:
    log.error(
        "A pending revocation in the token store does not open: it was changed or moved by something else. "
        "It cannot be carried out; its token is left to expire."
    )
