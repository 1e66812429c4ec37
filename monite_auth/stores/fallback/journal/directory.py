"""The directory of journals: files in it are opened without following links, and only those of this user are taken."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["ENDING", "LOCKS", "JournalDirectory"]

ENDING = ".journal"

LOCKS = hasattr(os, "geteuid")
"""Whether this system has POSIX locks, and users who own files."""


class JournalDirectory:
    """Creates, finds, opens and removes the files of journals.

    Paths are relative to a descriptor of the directory, so nobody can put another one in its place meanwhile. All methods but
    `problem` raise OSError.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def problem(self) -> str | None:
        """Return why no file can be written here, or None. Creates the directory if it is missing."""
        if not LOCKS:
            return "this system has no locks that a journal needs"
        try:
            self._make()
            with self._opened() as directory:
                if os.fstat(directory).st_uid not in (0, os.geteuid()):
                    return "it belongs to another user"
                if not os.access(".", os.W_OK | os.X_OK, dir_fd=directory, effective_ids=True):
                    return "this process may not write there"
        except OSError as error:
            return error.strerror or type(error).__name__
        return None

    def names(self, prefix: str) -> list[str]:
        """Return the names of the files that begin with `prefix`, in a fixed order."""
        with self._opened() as directory:
            every = os.listdir(directory)  # noqa: PTH208 - by its descriptor
        return sorted(name for name in every if name.startswith(prefix) and name.endswith(ENDING))

    def create(self, name: str) -> int:
        """Create a file that only this user can read and write, and the directory if it is missing; return the descriptor."""
        self._make()
        with self._opened() as directory:
            return os.open(
                name, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL | _SAFELY, 0o600, dir_fd=directory
            )

    def open(self, name: str) -> int | None:
        """Open an existing file for reading and appending; return None if it is not a file of this user alone."""
        with self._opened() as directory:
            descriptor = os.open(name, os.O_RDWR | os.O_APPEND | os.O_NONBLOCK | _SAFELY, dir_fd=directory)
        found = os.fstat(descriptor)
        if stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077:
            return descriptor
        os.close(descriptor)
        return None

    def has(self, name: str, descriptor: int) -> bool:
        """Say whether an open file is still here, under its name."""
        try:
            with self._opened() as directory:
                found = os.stat(name, dir_fd=directory, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return os.path.samestat(found, os.fstat(descriptor))

    def remove(self, name: str) -> None:
        """Remove a file."""
        with self._opened() as directory:
            os.unlink(name, dir_fd=directory)

    def sync(self) -> None:
        """Have the names of new files survive a crash of the host."""
        with self._opened() as directory:
            os.fsync(directory)

    def _make(self) -> None:
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)

    @contextmanager
    def _opened(self) -> Iterator[int]:
        descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | _SAFELY)
        try:
            yield descriptor
        finally:
            os.close(descriptor)


_SAFELY = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
