"""Saving what stands in a file whose log was deleted while processes have it open.

SQLite goes on with the log that it has open, and a process that starts later makes another one: each then misses what the other
writes, and together they can break the file (https://sqlite.org/howtocorrupt.html, section 2.5). Nobody can put a deleted log back.
So whoever notices writes everything into a new file and puts that in place of the former. All processes notice that, as they do when a
backup is put there, and go on with the new file.
"""

import os
import secrets
import sqlite3
from pathlib import Path

from monite_auth.stores.sqlite.creation import alone_in

__all__ = ["LOGS", "identity", "save_into_new_file"]

LOGS = ("-wal", "-shm")
"""What the names of the log and of its index end in."""


def identity(path: Path) -> tuple[int, int]:
    """Return the device and number of a file, which another one at its path does not have. Raises OSError."""
    seen = path.stat()
    return seen.st_dev, seen.st_ino


def save_into_new_file(path: Path, former: tuple[int, int], connection: sqlite3.Connection) -> None:
    """Put a new file, with all that `connection` reads, in place of the `former` one, unless another process was faster.

    What processes have written that opened the file after its log was deleted is lost. Raises sqlite3.Error, OSError.
    """
    with alone_in(path.parent):
        if identity(path) != former:
            return
        new = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
        os.close(os.open(new, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        try:
            connection.execute("VACUUM INTO ?", (str(new),))
            for each in LOGS:
                path.with_name(path.name + each).unlink(missing_ok=True)
            new.replace(path)
        finally:
            new.unlink(missing_ok=True)
