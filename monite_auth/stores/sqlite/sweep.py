"""The deletion of what has expired, a little at a time."""

import itertools
import sqlite3

from monite_auth.tokens import SAFETY

__all__ = ["UNCOUNTED", "Sweeper"]

SWEEP_INTERVAL, SWEEP_LIMIT = 16, 64
"""After so many writes, at most so many expired rows of each table are deleted: more than writes can add, and done in a
fraction of a millisecond."""

UNCOUNTED = 3600.0
"""Seconds that an expired revocation is kept for a drainer to count. If nobody drains for so long, it is swept."""

SWEEPS = (
    "DELETE FROM sessions WHERE (user, session) IN (SELECT user, session FROM sessions WHERE until <= :now LIMIT :most)",
    "DELETE FROM endings WHERE user IN (SELECT user FROM endings WHERE until <= :now LIMIT :most)",
    "DELETE FROM mints WHERE slot IN (SELECT slot FROM mints WHERE until <= :now LIMIT :most)",
    "DELETE FROM notes WHERE name IN (SELECT name FROM notes WHERE until <= :now LIMIT :most)",
    "DELETE FROM condemned WHERE print IN (SELECT print FROM condemned WHERE until <= :now LIMIT :most)",
    f"""
    DELETE FROM tokens WHERE id IN (
        SELECT id FROM tokens
        WHERE expires_at <= :now - {SAFETY} AND (state <> 'pending' OR expires_at <= :now - {UNCOUNTED}) LIMIT :most
    )
    """,  # noqa: S608 - our own numbers
)


class Sweeper:
    """Deletes expired rows of all accounts, in the transactions of others."""

    def __init__(self) -> None:
        self._writes = itertools.count(1)

    def sweep(self, db: sqlite3.Connection, now: float) -> None:
        """Delete some of what has expired, once in SWEEP_INTERVAL calls."""
        if next(self._writes) % SWEEP_INTERVAL == 0:
            for statement in SWEEPS:
                db.execute(statement, {"now": now, "most": SWEEP_LIMIT})
