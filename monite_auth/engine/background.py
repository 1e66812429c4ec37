"""Background work in threads: a few daemons that come when there is work and go when there is none."""

import collections
import logging
import threading
import time
from collections.abc import Callable
from contextvars import Context

from monite_auth.engine.runtime import Closed, Flow, run

__all__ = ["Background", "log_failure", "run_in_background"]

log = logging.getLogger("monite_auth")


def run_in_background(flow: Flow[None]) -> None:
    """Run a flow to its end, in a context of its own; log what it dies of.

    A request's context may hold its database session, and the user whom its log lines name.
    """
    try:
        Context().run(run, flow)
    except Closed:
        pass
    except Exception as error:  # noqa: BLE001 - nobody else is there to take it
        log_failure(error)


def log_failure(error: BaseException) -> None:
    """Log what background work died of: without the traceback, since frames can hold what must not be seen."""
    log.error("Background work failed: %s: %s", type(error).__name__, error)


class Background:
    """The threads of one broker. Daemons, since a process that exits must not wait for Monite, as a ThreadPoolExecutor would.

    `when_over` is called when the last of them ends, before another can start: it closes what background work has opened.
    """

    MOST = 4
    """Threads at the most. Background work is a few drains and renewals: more would only queue for the request budget."""

    IDLE = 10.0
    """Seconds that a thread waits for more work."""

    def __init__(self, *, when_over: Callable[[], None]) -> None:
        self._when_over = when_over
        self._work: collections.deque[Flow[None]] = collections.deque()
        self._changed = threading.Condition()
        self._threads: set[threading.Thread] = set()
        self._idle = 0
        self._ending = False

    def submit(self, flow: Flow[None]) -> None:
        """Have a thread run `flow` soon."""
        with self._changed:
            self._work.append(flow)
            if self._idle < len(self._work) and len(self._threads) < self.MOST:
                thread = threading.Thread(target=self._serve, name="monite_auth", daemon=True)
                try:
                    thread.start()
                except RuntimeError:  # there are too many already, or the interpreter is ending
                    if not self._threads:
                        self._work.pop().close()  # it can wait, since what is left to do stands in the store
                else:
                    self._threads.add(thread)
            else:
                self._changed.notify()

    def join(self, *, within: float) -> None:
        """Let the threads end once there is no more work, and wait for them `within` seconds."""
        with self._changed:
            self._ending = True
            self._changed.notify_all()
            threads = list(self._threads)
        end = time.monotonic() + within
        for thread in threads:
            thread.join(max(0.0, end - time.monotonic()))

    def is_this_thread(self) -> bool:
        """Say whether the calling thread is one of these."""
        return threading.current_thread() in self._threads

    def _serve(self) -> None:
        while (flow := self._next()) is not None:
            run_in_background(flow)

    def _next(self) -> Flow[None] | None:
        with self._changed:
            self._idle += 1
            more = self._changed.wait_for(lambda: self._work or self._ending, timeout=self.IDLE)
            self._idle -= 1
            if more and self._work:
                return self._work.popleft()
            self._threads.discard(threading.current_thread())
            if not self._threads:
                self._when_over()
            return None
