"""A semaphore for crowds of threads: they get in in the order in which they came, and waiting costs little.

`threading.Semaphore` has a condition for it, which takes several times as long; with 200 threads that share one
interpreter that is most of what they do.
"""

import threading
from collections import OrderedDict

__all__ = ["Semaphore"]


class Semaphore:
    """Lets `value` threads in, and one more for each that is let out."""

    __slots__ = ("_free", "_lock", "_turns")

    def __init__(self, value: int) -> None:
        self._free = value
        self._turns: OrderedDict[threading.Lock, None] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def waiting(self) -> int:
        """How many threads wait."""
        return len(self._turns)

    def acquire(self, timeout: float) -> bool:
        """Return True once this thread is in, or False after `timeout` seconds."""
        turn = None
        try:
            with self._lock:
                if self._free:
                    self._free -= 1
                    return True
                turn = threading.Lock()
                turn.acquire()
                self._turns[turn] = None
            if turn.acquire(timeout=timeout):
                return True
        except BaseException:
            # A signal's, or what was thrown into this thread: nobody is to lose a turn by it.
            if turn is not None and not self._leaves(turn):
                self.release()
            raise
        return not self._leaves(turn)

    def _leaves(self, turn: threading.Lock) -> bool:
        """Take a thread out of the queue; return False if it was let in at the last moment."""
        with self._lock:
            if turn not in self._turns:
                return False
            del self._turns[turn]
            return True

    def release(self, n: int = 1) -> None:
        """Let `n` threads in, now or when they come."""
        for _ in range(n):
            with self._lock:
                if not self._turns:
                    self._free += 1
                    continue
                turn, _ = self._turns.popitem(last=False)
            turn.release()
