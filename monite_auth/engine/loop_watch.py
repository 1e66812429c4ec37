"""A watch over event loops that have work in the background: one that ends, or stops, cannot say that it leaves some undone.

Some loops are closed in the middle of it, some run only while a request is served. A thread notices, and goes on with what is
left: revocations, which stand in the store. A renewal is begun anew by the next call that needs it.
"""

import threading
from collections.abc import Callable

from monite_auth.engine.blocking import BlockingRuntime
from monite_auth.engine.event_loop import AsyncRuntime

__all__ = ["WATCH_INTERVAL", "LoopWatch"]

WATCH_INTERVAL = 0.2
"""Seconds between two looks at the event loops that have work in the background: a revocation is not to wait for long, and most
are done by then."""


class LoopWatch:
    """The watch of one process. `threads` returns the runtime of threads; `go_on` goes on there with what a loop has left."""

    def __init__(
        self, threads: Callable[[], BlockingRuntime], go_on: Callable[[BlockingRuntime], None]
    ) -> None:
        self._threads = threads
        self._go_on = go_on
        self._lock = threading.Lock()
        self._watched: set[AsyncRuntime] = set()
        self._is_watching = False
        self._is_undone = False
        """Whether a loop that has stopped left work undone which nobody has gone on with yet."""

    def begin(self, runtime: AsyncRuntime) -> None:
        """Watch over the event loop of `runtime` until it has no more work in the background, or has stopped."""
        with self._lock:
            self._drop_stopped()  # now: short loops may come by the hundred in a second
            self._watched.add(runtime)
            if self._is_watching:
                return
            threads = self._threads()
            self._is_watching = threads.has_background
        if threads.has_background:  # else the next call that passes by sees to what is left
            threads.spawn(self._watch(threads))

    def end(self, runtime: AsyncRuntime) -> None:
        """Watch no longer: the event loop shuts down, and says itself what it leaves undone."""
        with self._lock:
            self._watched.discard(runtime)

    async def _watch(self, threads: BlockingRuntime) -> None:
        try:
            while self._has_more():
                await threads.sleep(WATCH_INTERVAL)
                if self._has_undone():
                    self._go_on(threads)
        except BaseException:
            self._is_watching = False
            raise

    def _has_more(self) -> bool:
        with self._lock:
            self._watched = {each for each in self._watched if each.is_at_work}
            self._is_watching = bool(self._watched) or self._is_undone
            return self._is_watching

    def _has_undone(self) -> bool:
        """Say whether loops have stopped since this was last asked, and left work undone."""
        with self._lock:
            self._drop_stopped()
            is_undone, self._is_undone = self._is_undone, False
            return is_undone

    def _drop_stopped(self) -> None:
        """Take those off the watch whose event loop has stopped, so that it is not kept."""
        stopped = {each for each in self._watched if not each.loop.is_running()}
        self._watched -= stopped
        self._is_undone = self._is_undone or any(each.is_at_work for each in stopped)
