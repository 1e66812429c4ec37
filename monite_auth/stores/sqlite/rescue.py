"""Saving what stands in a file whose log was deleted while processes have it open.

SQLite goes on with the log that it has open, and a process that starts later makes another one: each then misses what the other
writes, and together they can break the file (https://sqlite.org/howtocorrupt.html, section 2.5). Nobody can put a deleted log back.
So whoever notices writes everything into a new file and puts that in place of the former. All processes notice that, as they do when a
backup is put there, and go on with the new file.
"""

import os
import secrets
import sqlite3
import stat
from contextlib import suppress
from pathlib import Path

from monite_auth.stores.sqlite.creation import alone_in

__all__ = ["LOGS", "identity", "save_into_new_file"]

LOGS = ("-wal", "-shm")
"""What the names of the log and of its index end in."""


def identity(path: Path) -> tuple[int, int]:
    """Return the device and number of a file, which another one at its path does not have. Raises OSError."""
    seen = path.stat()
    return seen.st_dev, seen.st_ino


def save_into_new_file(path: Path, former: tuple[int, int], connection: sqlite3.Connection) -> bool:
    """Put a new file, with all that `connection` reads, in place of the `former` one; say whether that one was still there.

    Another process may have been faster. What processes have written that opened the file after its log was deleted is lost. Raises
    sqlite3.Error, OSError.
    """
    with alone_in(path.parent) as is_alone:
        try:
            if identity(path) != former:
                return False
        except FileNotFoundError:
            return False
        # Who is alone uses one name, and removes what was left there by a process that was killed: a former key may open that.
        new = path.with_name(f"{path.name}.{'new' if is_alone else secrets.token_hex(4)}")
        if is_alone:
            new.unlink(missing_ok=True)
        os.close(os.open(new, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        try:
            connection.execute("VACUUM INTO ?", (str(new),))
            _finish(new, path.stat())
            for each in LOGS:
                path.with_name(path.name + each).unlink(missing_ok=True)
            new.replace(path)
        finally:
            new.unlink(missing_ok=True)
    return True


def _finish(new: Path, former: os.stat_result) -> None:
    """Give a new file the owner and the rights of the former one, which processes of other users may share, and put it on the disk.

    SQLite leaves the last to us; the former file would have survived a crash of the host.
    """
    file = os.open(new, os.O_RDWR)
    try:
        if hasattr(os, "fchown"):  # not on Windows
            with suppress(PermissionError):  # only root gives files away
                os.fchown(file, former.st_uid, former.st_gid)
            os.fchmod(file, stat.S_IMODE(former.st_mode))
        os.fsync(file)
    finally:
        os.close(file)
