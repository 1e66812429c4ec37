"""The time that an SQLite file counts by, and what another boot of the host means for what is in the file.

All processes of a boot add the same number of seconds to the boot's clock. So they agree, whatever becomes of the wall
clock, and their time looks like the wall clock's when the boot first used the file.
"""

import sqlite3

from monite_auth.processes.boot_clock import BootClock
from monite_auth.tokens import Clock

__all__ = ["FileTime"]

LAST_TRY = 300.0
"""Seconds for which a pending revocation is kept after another boot at the least. The wall clock alone says how long the host was
off, and may be wrong: so each is tried before it is forgotten."""

NEWEST = """
    SELECT max(coalesce((SELECT max(issued_at) FROM tokens), 0), coalesce((SELECT max(ended_before) FROM endings), 0),
        coalesce((SELECT max(ended_before) FROM accounts), 0))
"""
"""The latest moment in the file that has certainly passed."""

AFTER_ANOTHER_BOOT = (
    # Nobody of the boot before is at work any more.
    "DELETE FROM mints",
    "DELETE FROM rest",
    # Only the wall clock has gone on. No token lives longer than its whole life from now.
    """
    UPDATE tokens SET
        issued_at = :now - :wall + wall_expires_at - (expires_at - issued_at),
        renew_at = :now - :wall + wall_expires_at - (expires_at - renew_at),
        expires_at = :now + min(wall_expires_at - :wall, expires_at - issued_at)
    """,
    # A token from the future shows that the wall clock was set back, so nobody knows when it ends.
    "UPDATE tokens SET state = 'superseded' WHERE state = 'live' AND issued_at > :now",
    f"UPDATE tokens SET due_at = :now, expires_at = max(expires_at, :now + {LAST_TRY}) WHERE state = 'pending'",  # noqa: S608 - ours
)


class FileTime:
    """The time of one file, as one process counts it: epoch seconds. It is known once the file was opened.

    `wall`: the wall clock, epoch seconds.
    """

    def __init__(self, wall: Clock, boot: BootClock) -> None:
        self._wall = wall
        self._boot = boot
        self._started_at = 0.0

    def now(self) -> float:
        """Return the time of the file."""
        return self._started_at + self._boot.elapsed()

    def find(self, db: sqlite3.Connection) -> bool:
        """Learn the time of the file; return False if nobody has used the file in this boot."""
        row = db.execute("SELECT started_at FROM boots WHERE boot = ?", (self._boot.boot,)).fetchone()
        if row is not None:
            self._started_at = row[0]
        return row is not None

    def begin(self, db: sqlite3.Connection) -> None:
        """Learn the time of the file, in a transaction. The first to do so in a boot brings its content into that time.

        A new file has no content. In one of an older version the times are the wall clock's, and most likely of this boot.
        """
        if self.find(db):
            return
        wall, elapsed = self._wall(), self._boot.elapsed()
        now = max(wall, db.execute(NEWEST).fetchone()[0])  # it never goes back
        if db.execute("SELECT EXISTS (SELECT * FROM boots)").fetchone()[0]:
            for statement in AFTER_ANOTHER_BOOT:
                db.execute(statement, {"now": now, "wall": wall})
        self._started_at = now - elapsed
        db.execute("INSERT INTO boots (boot, started_at) VALUES (?, ?)", (self._boot.boot, self._started_at))
