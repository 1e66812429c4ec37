"""Sweeps of an idle process: it looks now and then for what a process that was killed has left, although nobody calls it."""

import threading
import time
from collections.abc import Callable
from weakref import WeakMethod, ref

__all__ = ["Sweeps"]


class Sweeps:
    """Calls `sweep`, a method, every `interval` seconds, from a thread that does nothing else.

    `timer`: returns seconds from any moment on. The thread keeps neither the process nor the method's object alive: a broker that was dropped needs no sweeps.
    """

    def __init__(
        self, sweep: Callable[[], None], interval: float, *, timer: Callable[[], float] = time.monotonic
    ) -> None:
        self._sweep = WeakMethod(sweep)
        self._interval = interval
        self._timer = timer
        self._lock = threading.Lock()
        self._end: threading.Event | None = None
        self._swept_at = 0.0

    def begin(self) -> None:
        """Begin, unless that was done already."""
        if self._end is not None:  # most calls end here
            return
        with self._lock:
            if self._end is not None:
                return
            end = threading.Event()
            self._swept_at = self._timer()
            thread = threading.Thread(
                target=_keep_sweeping,
                args=(self._sweep, self._interval, end, ref(self)),
                name="monite_auth sweeps",
                daemon=True,
            )
            try:
                thread.start()
            except RuntimeError:  # there are too many already, or the interpreter is ending
                return
            self._end = end

    def seconds_since(self) -> float:
        """Return how many seconds ago the last sweep ended; 0 where none is due."""
        return 0.0 if self._end is None else self._timer() - self._swept_at

    def note_sweep(self) -> None:
        """Note that a sweep has ended."""
        self._swept_at = self._timer()

    def end(self) -> None:
        """Call no more until `begin`."""
        with self._lock:
            end, self._end = self._end, None
        if end is not None:
            end.set()


def _keep_sweeping(
    weak: "WeakMethod[Callable[[], None]]", interval: float, end: threading.Event, owner: "ref[Sweeps]"
) -> None:
    while not end.wait(interval):
        sweep = weak()
        if sweep is None:
            return
        sweep()
        del sweep
        if (sweeps := owner()) is not None:
            sweeps.note_sweep()
        del sweeps
