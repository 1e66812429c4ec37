"""Waiting for the locks of the file, and of this process's own.

Nothing waits inside SQLite. An attempt that finds the file locked comes back and is made again, here, so that an event loop
can try once and leave the waiting to a thread.
"""

import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from monite_auth.stores.sqlite.errors import is_busy, locked_too_long, translated
from monite_auth.stores.sqlite.forks import CALLS

__all__ = ["FIRST_PAUSE", "Locks"]

Result = TypeVar("Result")

FIRST_PAUSE, LONGEST_PAUSE = 0.0005, 0.01
"""Seconds between tries for a lock that another process holds: a transaction of ours takes about half of the first."""


class Locks:
    """Waits for locks of the file at `path`, for at most `patience` seconds."""

    def __init__(self, path: Path, patience: float) -> None:
        self.path = path
        self._patience = patience
        self._calls = CALLS()
        self._random = random.Random()  # noqa: S311 - no secret; the module's own is inherited by forks in C

    def deadline(self) -> float:
        """Return until when (`time.monotonic`) something that is asked for now may wait for locks.

        Work that queues for a thread uses up its patience in the queue, so that all fail together while the file is
        locked, and not one after the other.
        """
        return time.monotonic() + self._patience

    @contextmanager
    def acquired(self, lock: "threading.Lock | threading.Semaphore", until: float) -> Iterator[None]:
        """Hold `lock` within; raise StoreUnavailable if it does not come free in time."""
        if not lock.acquire(timeout=max(0.0, until - time.monotonic())):
            raise locked_too_long(self.path, self._patience)
        try:
            yield
        finally:
            lock.release()

    def retry_while_locked(self, attempt: Callable[[], Result], until: float) -> Result:
        """Make an attempt, at least once, until it does not find the file locked."""
        pause = FIRST_PAUSE
        while True:
            try:
                with self.inside_sqlite():
                    return attempt()
            except sqlite3.OperationalError as error:
                if not is_busy(error) or time.monotonic() >= until:
                    raise
            time.sleep(pause * self._random.uniform(0.5, 1))
            pause = min(LONGEST_PAUSE, pause * 1.5)

    @contextmanager
    def inside_sqlite(self) -> Iterator[None]:
        """Call SQLite within; a fork waits until this is over."""
        self._calls.enter()
        try:
            yield
        finally:
            self._calls.leave()

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Turn what SQLite raises within into our errors."""
        with translated(self.path, self._patience):
            yield
