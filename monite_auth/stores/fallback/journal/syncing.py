"""Waiting until the disk has what was written, without waiting for the disk longer than callers can."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress

from monite_auth.processes.workers import threads_are_allowed

__all__ = ["Syncing"]

SYNCED_WITHIN = 0.5
"""Seconds that a caller waits for the disk at the most. The system has what was written all the same: it survives the process,
and only a crash of the host could take it."""


class Syncing:
    """Has `sync` called in a thread. One call serves all who asked before it began."""

    def __init__(self, sync: Callable[[], None]) -> None:
        self._sync = sync
        self._lock = threading.Lock()
        self._waiting: list[Callable[[], object]] = []
        self._is_running = False

    async def wait(self, *, blocking: bool) -> None:
        """Return when the disk has what was written before, or when that takes too long."""
        if blocking:
            synced = threading.Event()
            self._start(synced.set)
            synced.wait(SYNCED_WITHIN)
            return
        loop, done = asyncio.get_running_loop(), asyncio.Event()

        def wake() -> None:
            with suppress(RuntimeError):  # the loop has been closed: nobody waits here any more
                loop.call_soon_threadsafe(done.set)

        self._start(wake)
        with suppress(TimeoutError):
            async with asyncio.timeout(SYNCED_WITHIN):
                await done.wait()

    def _start(self, wake: Callable[[], object]) -> None:
        with self._lock:
            self._waiting.append(wake)
            if self._is_running:
                return
            self._is_running = True
        if not threads_are_allowed():
            self._run()
            return
        try:
            threading.Thread(target=self._run, name="monite_auth journal", daemon=True).start()
        except RuntimeError:  # there are too many already, or the interpreter is ending
            self._run()

    def _run(self) -> None:
        while True:
            with self._lock:
                waiting, self._waiting = self._waiting, []
                if not waiting:
                    self._is_running = False
                    return
            self._sync()
            for wake in waiting:
                wake()
