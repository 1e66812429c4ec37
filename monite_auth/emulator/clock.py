"""The emulator's time: a clock that tests can move forward, so that they need not sleep. It never goes back."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime


class Clock:
    """Tells the time in epoch seconds: the time of `source` plus all that `advance` has added."""

    def __init__(self, source: Callable[[], float] = time.time) -> None:
        self._source = source
        self._ahead = 0.0
        self._lock = threading.Lock()

    @property
    def ahead(self) -> float:
        """How many seconds this clock is ahead of its source."""
        return self._ahead

    def now(self) -> float:
        return self._source() + self._ahead

    def advance(self, seconds: float) -> float:
        """Move the clock forward by `seconds` and return the new time in epoch seconds.

        Raises:
            ValueError: `seconds` is negative.

        """
        if seconds < 0:
            raise ValueError(f"the emulator's clock only moves forward, not by {seconds} seconds")
        with self._lock:
            self._ahead += seconds
        return self.now()


def iso(moment: float) -> str:
    """Return `moment` (epoch seconds) as Monite writes a date-time: in UTC, with microseconds and an offset."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="microseconds")
