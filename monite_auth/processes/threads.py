"""Threads for functions that block and that nobody can stop: a name that is looked up, a `def` of the application.

Whoever waits for one of them may give up, since the thread is not theirs. asyncio's default executor would not do, for two reasons:
the application may block all of its threads with calls that wait for the very answer, and an event loop that ends waits for them.
"""

import collections
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from monite_auth.processes.workers import threads_are_allowed

__all__ = ["Threads"]

Result = TypeVar("Result")


class Threads:
    """At most `most` threads of one process, called `name`, which come when there is work and go when there is none.

    They are daemons, since a process that exits must not wait for them, as it would for those of a ThreadPoolExecutor.
    """

    IDLE = 10.0
    """Seconds that a thread waits for more work."""

    def __init__(self, most: int, *, name: str) -> None:
        self._most = most
        self._name = name
        self._work: collections.deque[tuple[Future[Any], Callable[[], Any]]] = collections.deque()
        self._changed = threading.Condition()
        self._threads = 0
        self._idle = 0

    def submit(self, function: Callable[[], Result]) -> "Future[Result]":
        """Have a thread call `function`, and return the future of its result. One that is cancelled early is never called.

        Where the server allows no threads, or there can be none, the caller does it here and now. There can be none when the
        interpreter ends and closes what event loops left in the middle: Python 3.11 would wait for ever for a thread to start.
        """
        future: Future[Result] = Future()
        if not threads_are_allowed() or sys.is_finalizing():
            _do(future, function)
            return future
        with self._changed:
            self._work.append((future, function))
            if self._idle >= len(self._work):
                self._changed.notify()
                return future
            if self._threads >= self._most or self._start():
                return future
            self._work.pop()
        _do(future, function)
        return future

    def _start(self) -> bool:
        """Start one more thread; return whether there is any now."""
        try:
            threading.Thread(target=self._serve, name=self._name, daemon=True).start()
        except RuntimeError:  # there are too many already, or the interpreter is ending
            return self._threads > 0
        self._threads += 1
        return True

    def _serve(self) -> None:
        while (work := self._next()) is not None:
            _do(*work)
            del work  # what it holds must not live as long as this thread waits

    def _next(self) -> "tuple[Future[Any], Callable[[], Any]] | None":
        with self._changed:
            self._idle += 1
            self._changed.wait_for(lambda: self._work, timeout=self.IDLE)
            self._idle -= 1
            if self._work:
                return self._work.popleft()
            self._threads -= 1
            return None


def _do(future: "Future[Any]", function: Callable[[], Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = function()
    except BaseException as error:  # noqa: BLE001 - whoever waits for the future raises it
        future.set_exception(error)
    else:
        future.set_result(result)
