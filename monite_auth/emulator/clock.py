"""The emulator's time: a real clock that can be moved forward, never back. Nothing here sleeps."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime


class Clock:
    """Epoch seconds of `source` plus everything that `advance` has added."""

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
        """Move the clock forward by `seconds` and return the new time; going back raises ValueError."""
        if seconds < 0:
            raise ValueError(f"the emulator's clock only moves forward, not by {seconds} seconds")
        with self._lock:
            self._ahead += seconds
        return self.now()


def iso(moment: float) -> str:
    """`moment` (epoch seconds) as Monite writes a date-time: UTC, with microseconds and an offset."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="microseconds")
