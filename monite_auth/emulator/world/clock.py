"""The emulator's time. Tests set it, freeze it and move it forward, so that they need not sleep."""

import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

# The moments to which the clock can be moved. Every date of an answer can be written there, with a token's life to spare, and
# an epoch in milliseconds lies far beyond.
EARLIEST = 0.0
LATEST = datetime(2100, 1, 1, tzinfo=UTC).timestamp()
# Where a clock stands still that has come to the end.
LAST = LATEST - 1e-6


class Clock:
    """Tells the time in epoch seconds: the time of `source`, until `set`, `advance` or `freeze` change it.

    It goes no further than the end of 2099, and stands still there.
    """

    def __init__(self, source: Callable[[], float] = time.time) -> None:
        self._source = source
        self._lock = threading.RLock()
        self._offset = 0.0
        self._skipped = 0.0
        self._frozen_at: float | None = None

    @property
    def is_frozen(self) -> bool:
        return self._frozen_at is not None

    @property
    def ahead(self) -> float:
        """How many seconds this clock is ahead of its source. Negative if it is behind."""
        with self._lock:
            return self._offset if self._frozen_at is None else self._frozen_at - self._source()

    def now(self) -> float:
        with self._lock:
            if self._frozen_at is not None:
                return self._frozen_at
            return max(EARLIEST, min(self._source() + self._offset, LAST))

    def pace(self) -> float:
        """Return seconds that never stand still and never go back, for what counts requests per second.

        They are the time of `source` plus all that was skipped. So a frozen clock does not use up the limit for ever, and
        a clock that was set back does not count requests twice.
        """
        with self._lock:
            return self._source() + self._skipped

    def set(self, moment: float | datetime) -> float:
        """Move the clock to `moment`, forward or back, and return it. A frozen clock stays frozen there.

        Args:
            moment: epoch seconds, or a datetime with a time zone.

        Raises:
            ValueError: `moment` is before 1970 or after 2099, is no finite number, or has no time zone.

        """
        moment = _epoch_seconds(moment)
        with self._lock:
            self._skipped += max(0.0, moment - self.now())
            if self._frozen_at is None:
                self._offset = moment - self._source()
            else:
                self._frozen_at = moment
            return moment

    def advance(self, seconds: float) -> float:
        """Move the clock forward by `seconds`, frozen or not, and return the new time in epoch seconds.

        Raises:
            ValueError: `seconds` is negative or no number, or leads beyond the year 2099.

        """
        if not seconds >= 0:
            raise ValueError(f"advance moves the emulator's clock forward, not by {seconds} seconds; use set")
        with self._lock:
            moment = _epoch_seconds(self.now() + seconds)
            self._skipped += seconds
            if self._frozen_at is None:
                self._offset += seconds
            else:
                self._frozen_at = moment
            return moment

    def freeze(self, moment: float | datetime | None = None) -> float:
        """Stop the clock, now or at `moment`, and return the time. It stays until the clock is moved or unfrozen.

        Raises:
            ValueError: as for `set`.

        """
        with self._lock:
            stop_at = self.now() if moment is None else self.set(moment)
            self._frozen_at = stop_at
            return stop_at

    def unfreeze(self) -> float:
        """Let the clock go on from the time at which it stands, and return that."""
        with self._lock:
            self._offset = self.ahead
            self._frozen_at = None
            return self.now()

    @property
    def state(self) -> dict[str, float | None]:
        """What `restore` takes: by how much the clock was moved, and where it stands if it is frozen."""
        with self._lock:
            return {"ahead": self._offset, "frozen_at": self._frozen_at}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Bring back what `state` was. A clock that was not frozen has gone on meanwhile.

        Raises:
            ValueError: no clock can be so far ahead or behind, or stand there. Then nothing has changed.

        """
        with self._lock:
            before = self.now()
            ahead, frozen_at = state["ahead"], state["frozen_at"]
            _epoch_seconds(abs(ahead))
            if frozen_at is not None:
                _epoch_seconds(frozen_at)
            self._offset, self._frozen_at = ahead, frozen_at
            self._skipped += max(0.0, self.now() - before)

    def reset(self) -> float:
        """Go back to the time of `source`, unfrozen, and return it."""
        with self._lock:
            self._offset = 0.0
            self._frozen_at = None
            return self.now()


def _epoch_seconds(moment: float | datetime) -> float:
    if isinstance(moment, datetime):
        if moment.tzinfo is None:
            raise ValueError(f"the emulator's clock needs a time zone, and {moment.isoformat()} has none")
        moment = moment.timestamp()
    if not EARLIEST <= moment < LATEST:
        raise ValueError(
            f"the emulator's clock goes from 1970 to the end of 2099, in seconds since 1970, and not to {moment:g}"
        )
    return moment


def iso(moment: float) -> str:
    """Return `moment` (epoch seconds) as Monite writes a date-time: in UTC, with microseconds and an offset."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="microseconds")
