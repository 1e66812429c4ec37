"""The events for the live page's feed, in order. Tests count and assert with the ledger and the statistics instead."""

import secrets
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from monite_auth.emulator.world.clock import Clock

# Large enough that a page which polls every second misses nothing, and small enough to stay in memory.
KEPT = 1000


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the feed. `number` grows by one with each event, so that a reader can continue where it stopped."""

    number: int
    at: float
    kind: str
    facts: Mapping[str, str | float | None]


class Journal:
    """Keeps the last events, oldest first."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._number = 0
        #: Another one after each reset and each start. So a page notices that what it shows is of another life.
        self.life = secrets.token_hex(8)
        self._events: deque[Event] = deque(maxlen=KEPT)

    @property
    def last_number(self) -> int:
        return self._number

    def record(self, kind: str, **facts: str | float | None) -> None:
        with self._lock:
            self._number += 1
            self._events.append(Event(self._number, self._clock.now(), kind, facts))

    def after(self, number: int) -> list[Event]:
        """Return the events after event `number` that are still kept."""
        with self._lock:
            return [event for event in self._events if event.number > number]

    def clear(self) -> None:
        """Delete the events. Numbering continues, so that a polling page shows no event twice."""
        with self._lock:
            self.life = secrets.token_hex(8)
            self._events.clear()
