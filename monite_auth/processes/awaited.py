"""What threads and event loops of one process wait for: something that finishes once."""

import threading
from collections.abc import Callable

__all__ = ["Awaited"]


class Awaited:
    """Something that finishes once, and wakes all who wait for it."""

    __slots__ = ("_callbacks", "_finished", "_lock")

    def __init__(self) -> None:
        self._callbacks: list[Callable[[], None]] = []
        self._finished = threading.Event()
        self._lock = threading.Lock()

    @property
    def is_finished(self) -> bool:
        """Whether it is over."""
        return self._finished.is_set()

    def wait_in_thread(self, within: float) -> None:
        """Hold this thread until this is finished, `within` seconds at the most."""
        self._finished.wait(within)

    def call_when_finished(self, callback: Callable[[], None]) -> None:
        """Call `callback` once, from the thread in which this finishes, at the end; at once if this is over."""
        with self._lock:
            if not self.is_finished:
                self._callbacks.append(callback)
                return
        callback()

    def cancel_call(self, callback: Callable[[], None]) -> None:
        """Take back `call_when_finished`."""
        with self._lock:
            if callback in self._callbacks:
                self._callbacks.remove(callback)

    def wake(self) -> None:
        """Finish, and wake all who wait."""
        with self._lock:
            self._finished.set()
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback()
