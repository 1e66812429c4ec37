"""What happened, in order, for the live page's feed. For counting and asserting there are the ledger and the statistics."""

import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from monite_auth.emulator.clock import Clock

# Enough for a page that polls every second to miss nothing, and little enough to keep for ever.
KEPT = 1000


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the feed. `number` grows by one with each event, so a reader knows where it stopped."""

    number: int
    at: float
    kind: str
    facts: Mapping[str, str | float | None]


class Journal:
    """The last events, oldest first."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._number = 0
        self._events: deque[Event] = deque(maxlen=KEPT)

    @property
    def last_number(self) -> int:
        return self._number

    def record(self, kind: str, **facts: str | float | None) -> None:
        with self._lock:
            self._number += 1
            self._events.append(Event(self._number, self._clock.now(), kind, facts))

    def after(self, number: int) -> list[Event]:
        """Return the events that came after event `number`, as far as they are still kept."""
        with self._lock:
            return [event for event in self._events if event.number > number]

    def clear(self) -> None:
        """Forget the events; numbers go on, so that a page that polls does not see one twice."""
        with self._lock:
            self._events.clear()
