"""What SQLite and the system raise about the file, and the errors of ours that it becomes: they say what to do."""

import errno
import sqlite3
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from monite_auth.errors import ConfigurationError, MoniteAuthError, StoreReadOnly, StoreUnavailable

__all__ = ["Locked", "is_busy", "locked_too_long", "translated"]

STRANGE = (TypeError, ValueError, AttributeError, ArithmeticError, struct.error)
"""What Python raises when something is in a row that we do not write."""

WRITES_REFUSED = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY)
"""Result codes of a file that can still be read."""


class Locked(Exception):
    """Another process has the file locked at this moment, or no connection is free."""


@contextmanager
def translated(path: Path, patience: float) -> Iterator[None]:
    """Turn errors about the file into ours. `patience`: the seconds that an operation waits for locks.

    The tables are strict, so a row has wrong types only where the disk, or a program that rewrites the schema, has put them there. That
    is the trouble of those whose row it is.
    """
    try:
        yield
    except MoniteAuthError:
        raise
    except STRANGE as error:
        raise StoreUnavailable(
            f"{_lead(path)}: a row has what the store never writes ({type(error).__name__}). Is the disk failing, or has another "
            "program changed the file?",
            part="a row",
        ) from error
    except sqlite3.Error as error:
        if is_busy(error):
            raise locked_too_long(path, patience) from error
        kind = StoreReadOnly if _code(error) in WRITES_REFUSED else StoreUnavailable
        raise kind(f"{_lead(path)}: {_advice(error)}") from error
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            raise ConfigurationError(
                f"{_lead(path)}: its directory does not exist. Create it, or correct MONITE_STORE_URL."
            ) from error
        raise StoreUnavailable(f"{_lead(path)}: {error.strerror}.") from error


def is_busy(error: sqlite3.Error) -> bool:
    """Say whether the file was only locked: then it is worth trying again."""
    return _code(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL)


def locked_too_long(path: Path, patience: float) -> StoreUnavailable:
    """Return the error for an operation that has waited for `patience` seconds."""
    return StoreUnavailable(
        f"{_lead(path)}: another process kept it locked for {patience:g} s. Does a backup or an open shell hold a "
        "transaction? Only monite-auth should write to it.",
        retry_after=1,
    )


def _lead(path: Path) -> str:
    return f"The token store {path} did not work"


def _code(error: sqlite3.Error) -> int:
    """Return SQLite's primary result code (https://sqlite.org/rescode.html)."""
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF


def _advice(error: sqlite3.Error) -> str:
    match _code(error):
        case sqlite3.SQLITE_FULL:
            return "the disk is full. Make room; nothing is recorded until then."
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM:
            return "it is read-only. Give this process the right to write the file and its directory."
        case sqlite3.SQLITE_CANTOPEN:
            return "it cannot be opened. Check the rights on the file and its directory."
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return (
                f"it is not an SQLite database, or a broken one ({error}). Stop all processes, move the file and its "
                "-wal and -shm away, and start again: tokens are minted anew, and those that were still to be "
                "revoked are left to expire."
            )
        case sqlite3.SQLITE_IOERR:
            return f"{error}. Check the disk: is it full, or failing?"
    return f"{error}."
