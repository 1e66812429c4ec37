"""Waiting until a thread has done what a disk may take long for, without waiting for the disk longer than callers can."""

import asyncio
import concurrent.futures
import threading
from collections.abc import Callable
from concurrent.futures import Future

from monite_auth.processes.threads import Threads

__all__ = ["Syncing", "is_done"]

SYNCED_WITHIN = 0.5
"""Seconds that a caller waits for the disk at the most. The system has what was written all the same: it survives the process,
and only a crash of the host could take it."""


async def is_done(work: "Future[None]", *, within: float, blocking: bool) -> bool:
    """Wait until a thread has done its work, `within` seconds at the most; return whether it has.

    `blocking`: wait in the thread, and not on the event loop. The work goes on if whoever waits is cancelled.
    """
    if blocking:
        concurrent.futures.wait([work], timeout=within)
    elif not work.done():
        await asyncio.wait([asyncio.wrap_future(work)], timeout=within)
    return work.done()


class Syncing:
    """Has `sync` called in a thread. One call serves all who asked before it began."""

    def __init__(self, sync: Callable[[], None]) -> None:
        self._sync = sync
        self._threads = Threads(1, name="monite_auth journal to disk")
        self._lock = threading.Lock()
        self._next: Future[None] | None = None

    async def wait(self, *, blocking: bool) -> None:
        """Return when the disk has what was written before, or when that takes too long."""
        await is_done(self._begin(), within=SYNCED_WITHIN, blocking=blocking)

    def _begin(self) -> "Future[None]":
        with self._lock:
            if self._next is None or self._next.running() or self._next.done():
                self._next = self._threads.submit(self._sync)
            return self._next
