"""Counts of what happens too often to be told: a hit takes two microseconds, and telling of it would take one more.

They are plain counters, one set for each process. Metrics read them when they are exported.
"""

import itertools
from collections.abc import Callable

from monite_auth.processes.lifetimes import PerProcess, ProcessLock

__all__ = ["PROCESS_COUNTS", "Counter", "Counts"]


class Counter:
    """A number that any thread may raise by one, without a lock: `add` is a built-in, so the interpreter counts in one step."""

    __slots__ = ("_lock", "_reads", "add")

    def __init__(self) -> None:
        self.add: Callable[[], int] = itertools.count().__next__
        self._reads = 0
        self._lock = ProcessLock()

    @property
    def value(self) -> int:
        """How often `add` was called. To read the counter raises it, too, so reads are subtracted."""
        with self._lock:
            self._reads += 1
            return self.add() + 1 - self._reads


class Counts:
    """What one process counts, over all its brokers.

    `hits`: calls that found a valid token in the store. `stale`: those of them whose token was due for renewal.
    """

    __slots__ = ("hits", "stale")

    def __init__(self) -> None:
        self.hits = Counter()
        self.stale = Counter()


PROCESS_COUNTS = PerProcess(Counts)
"""Returns the counts of this process. A forked child begins anew."""
