"""Creating the database file, whatever a deleted one has left beside it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows, where a file that is in use cannot be deleted
    fcntl = None  # type: ignore[assignment]

__all__ = ["alone_in", "create"]


def create(path: Path) -> None:
    """Create the file, readable by its owner alone whatever the umask; SQLite's side files take after it.

    Side files that are there without the file are those of one that was deleted. They are removed: processes that still have
    it open share the -shm file, and a new file must not be read by what that says.
    """
    if path.exists():
        return
    with alone_in(path.parent) as is_alone:
        if is_alone and not path.exists():
            for each in ("-wal", "-shm"):
                path.with_name(path.name + each).unlink(missing_ok=True)
        with suppress(FileExistsError):
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                if hasattr(os, "fchmod"):  # not on Windows
                    os.fchmod(file, 0o600)
            finally:
                os.close(file)


@contextmanager
def alone_in(directory: Path) -> Iterator[bool]:
    """Keep other processes from creating a file in a directory meanwhile; say whether that works here."""
    lock = None
    with suppress(OSError):  # a directory that may not be listed, or a file system without such locks
        lock = _lock(directory)
    try:
        yield lock is not None
    finally:
        if lock is not None:
            os.close(lock)


def _lock(directory: Path) -> int | None:
    """Lock a directory and return the open file that holds the lock; None where the system has no such locks."""
    if fcntl is None:
        return None
    opened = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX)
    except BaseException:
        os.close(opened)
        raise
    return opened
