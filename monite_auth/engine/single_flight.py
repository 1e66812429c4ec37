"""Single flight: all threads and tasks of a process share one mint for each slot.

Whoever comes first *leads* the flight and does the work. The others *join* it and wait until the leader *finishes*,
whatever came of it. Then they read the store; `shared_peek` says when they may share one read.

A flight is in one of three states:

| state      | means                                            | goes to                                        |
|------------|--------------------------------------------------|------------------------------------------------|
| `LED`      | it has a leader, and the work has not begun      | `STARTED` by start, `FINISHED` by finish, abandon |
| `STARTED`  | the work is being done                           | `FINISHED` by finish, abandon                  |
| `FINISHED` | it is over; `error` says why it failed, if it did | nothing else                                   |

- *start*: the leader begins the work. A task that is cancelled before its first step never does. On a flight that is
  finished there is nothing to start any more: somebody else has taken over.
- *finish*: the leader has done the work, or failed. It wakes everybody who waits.
- *abandon*: somebody joins and finds nobody at work. It wakes everybody who waits, so that they join the next flight.

When is nobody at work? A leader whose event loop was stopped cannot finish its flight, and nobody is told. So a flight
that has started counts as alive while the leader's event loop runs, or its thread lives; any flight counts as alive
until `expires_at`; and none does once the event loop of its leader is closed.
"""

import threading
from enum import Enum
from weakref import ref

from monite_auth.engine.shared_peek import SharedPeek
from monite_auth.engine.surroundings import EventLoop, Surroundings
from monite_auth.processes.awaited import Awaited
from monite_auth.stores import Priority, Slot
from monite_auth.tokens import Clock

__all__ = ["Event", "Flight", "SingleFlight", "State"]


class State(Enum):
    """How far a flight is; see above."""

    LED = "led"
    STARTED = "started"
    FINISHED = "finished"


class Event(Enum):
    """What happens to a flight; see above."""

    START = "start"
    FINISH = "finish"
    ABANDON = "abandon"


TRANSITIONS: dict[State, dict[Event, State]] = {
    State.LED: {Event.START: State.STARTED, Event.FINISH: State.FINISHED, Event.ABANDON: State.FINISHED},
    State.STARTED: {Event.FINISH: State.FINISHED, Event.ABANDON: State.FINISHED},
    State.FINISHED: {},
}
"""The state after each event. An event that is missing does not change the state."""


class Flight(Awaited):
    """One mint that somebody leads, for everybody who waits for it.

    Only the leader calls `start`, `extend`, `mark_empty`, `mark_filled` and `leave`. Only `SingleFlight` finishes a flight.
    """

    __slots__ = (
        "_error",
        "_expires_at",
        "_is_left",
        "_known_empty_until",
        "_loop_ref",
        "_priority",
        "_state",
        "_surroundings",
        "_thread",
        "shared_peek",
        "waits_for",
    )

    def __init__(self, expires_at: float, priority: Priority, surroundings: Surroundings) -> None:
        super().__init__()
        self.shared_peek = SharedPeek(surroundings)
        self.waits_for = "Monite"
        """What its leader waits for, in words for the errors of those who wait no longer."""
        self._state = State.LED
        self._error: Exception | None = None
        self._is_left = False
        self._expires_at = expires_at
        self._known_empty_until = 0.0
        """Until this time only this flight can fill the slot, so callers skip the store and wait for it."""
        self._priority = priority
        self._surroundings = surroundings
        loop = surroundings.running_loop()
        self._loop_ref = ref(loop) if loop is not None else None  # a loop that is dropped must be garbage
        self._thread = threading.current_thread() if loop is None else None

    # -- for the leader

    def start(self) -> bool:
        """Note that the work begins. Return False if it is too late, since the flight is finished."""
        with self._lock:
            return self._surroundings.told(self, "has_started", self._move(Event.START))

    def extend(self, expires_at: float) -> None:
        """Note that the leader has the right to mint until `expires_at`, epoch seconds."""
        self._expires_at = expires_at

    def mark_empty(self, until: float) -> None:
        """Note that the slot has no token, and that until `until` (epoch seconds) nobody else can bring one."""
        self._known_empty_until = until

    def mark_filled(self) -> None:
        """Note that the slot may have a token from now on."""
        self._known_empty_until = 0.0

    def leave(self) -> None:
        """Note that nobody is at work any more, for the next who joins. It takes no lock; see `runtime`."""
        self._is_left = True

    # -- for those who wait

    @property
    def is_finished(self) -> bool:
        """Whether it is over."""
        return self._state is State.FINISHED

    @property
    def error(self) -> Exception | None:
        """Why the work failed; None if it did not, or is not over."""
        return self._surroundings.told(self, "error", self._error)

    @property
    def priority(self) -> Priority:
        """The most urgent priority of its leader and its joiners."""
        return self._surroundings.told(self, "priority", self._priority)

    def is_known_empty(self, now: float) -> bool:
        """Say whether nothing is to be had before this is over."""
        is_empty = not self.is_finished and now < self._known_empty_until
        return self._surroundings.told(self, "is_known_empty", is_empty)

    def is_led_by_this_loop(self) -> bool:
        """Say whether blocking this thread would block the very event loop that does the work."""
        return self._loop is not None and self._loop is self._surroundings.running_loop()

    @property
    def _loop(self) -> EventLoop | None:
        return self._loop_ref() if self._loop_ref is not None else None

    # -- for SingleFlight

    def add_joiner(self, priority: Priority) -> None:
        """Take over the priority of one more who waits, if it is more urgent."""
        self._priority = min(self._priority, priority)

    def is_alive(self, now: float) -> bool:
        """Say whether somebody is at work, or can be expected to be; see above."""
        loop = self._loop
        is_gone = self._loop_ref is not None and (loop is None or loop.is_closed())
        if self.is_finished or self._is_left or is_gone:
            return False
        is_at_work = (loop is not None and loop.is_running()) or (
            self._thread is not None and self._thread.is_alive()
        )
        return (self._state is State.STARTED and is_at_work) or now < self._expires_at

    def abandon(self, now: float) -> bool:
        """Finish the flight if nobody is at work on it; return whether it is finished now."""
        # In one step: a leader who comes late must not start between the question and the end.
        with self._lock:
            if self.is_alive(now):
                return False
            self._end(Event.ABANDON)
        self.wake()
        return True

    def finish(self, error: Exception | None = None) -> None:
        """Finish the flight and wake everybody who waits. A flight that is finished stays as it is."""
        with self._lock:
            self._end(Event.FINISH, error)
        self.wake()

    def _end(self, event: Event, error: Exception | None = None) -> None:
        """Move to `FINISHED`, if it is not there yet."""
        if self._move(event):
            self._error = error

    def wake(self) -> None:
        """See Awaited."""
        self.shared_peek.open()
        super().wake()

    def _move(self, event: Event) -> bool:
        after = TRANSITIONS[self._state].get(event)
        if after is None:
            return False
        self._state = after
        return True


CLEANUP_THRESHOLD = 1000
"""Flights in the table before those that nobody finished are removed; doubled where all of them are alive."""


class SingleFlight:
    """The flights of one process, by slot."""

    def __init__(self, surroundings: Surroundings | None = None) -> None:
        self._surroundings = surroundings or Surroundings()
        self._flights: dict[Slot, Flight] = {}
        self._cleanup_threshold = CLEANUP_THRESHOLD
        self._lock = threading.Lock()

    def join(self, slot: Slot, now: float, *, expires_at: float, priority: Priority) -> tuple[Flight, bool]:
        """Return the slot's flight, and whether the caller leads it and so must `finish` it.

        `now`, `expires_at`: epoch seconds; a new flight counts as alive until the latter. A joiner lends the flight its
        priority, if that is the more urgent one.
        """
        with self._lock:
            flight = self._flights.get(slot)
            leads = flight is None or flight.abandon(now)
            if flight is None or leads:
                self._clean_up(now)
                flight = self._flights[slot] = Flight(expires_at, priority, self._surroundings)
            else:
                flight.add_joiner(priority)
            return flight, self._surroundings.told(flight, "leads", leads)

    def is_known_empty(self, slot: Slot, clock: Clock) -> bool:
        """Say whether a flight is under way and the store has nothing before it is finished; takes no lock."""
        flight = self._flights.get(slot)
        return flight is not None and flight.is_known_empty(clock())

    def finish(self, slot: Slot, flight: Flight, error: Exception | None = None) -> None:
        """Finish the flight that the caller leads; `error` says why the work failed."""
        with self._lock:
            if self._flights.get(slot) is flight:  # else another one has taken its place
                del self._flights[slot]
        flight.finish(error)

    def _clean_up(self, now: float) -> None:
        if len(self._flights) >= self._cleanup_threshold:
            self._flights = {slot: each for slot, each in self._flights.items() if not each.abandon(now)}
            self._cleanup_threshold = max(CLEANUP_THRESHOLD, 2 * len(self._flights))
