"""Work in progress that threads and tasks of one process share, so that it is done once.

A *flight* is such a piece of work: the one who leads does it, the others wait for its end and then look what there
is; threads do so one after the other. Whoever leads lands the flight, whatever happens. But a leader whose event loop
was stopped cannot, and nobody tells: so a flight counts as alive while its loop or thread runs, and beyond that until
a time that it has. Then the next to come takes its place, and a leader who has not begun by then does not begin any
more.

*Looking together.* All who wait for a flight have asked before it ended, and look after that. So what one of them
finds is as true for the next: that one, too, might have looked at that moment and been told a moment later. It counts
for a millisecond, for the same principal, and if nothing has been taken away in this process since: by a logout, a
relink, or a token that was rejected. A crowd of 200 looks some ten or twenty times.
"""

import threading
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import TypeVar

from monite_auth.engine.semaphore import Semaphore
from monite_auth.engine.surroundings import Surroundings
from monite_auth.identity import Subject
from monite_auth.stores import Priority
from monite_auth.tokens import AccessToken, Clock

__all__ = ["Flight", "Flights"]

Value = TypeVar("Value")

FRESH = 0.001
"""Seconds for which counts what somebody found: about as long as an answer of the store may be on its way."""


@dataclass(frozen=True, slots=True)
class _Found:
    """What somebody found: for whom, which revocation epoch it is of, and when."""

    principal: Subject
    token: AccessToken
    epoch: int
    at: float


class Flight:
    """One piece of work. `error` is why it failed, once `done`."""

    __slots__ = (
        "_callbacks",
        "_calls",
        "_error",
        "_found",
        "_lock",
        "_loop",
        "_priority",
        "_surroundings",
        "_thread",
        "_turns",
        "begun",
        "done",
        "empty_until",
        "until",
    )

    def __init__(self, until: float, priority: Priority, surroundings: Surroundings) -> None:
        self.until = until
        self._priority = priority
        self._calls = 1
        self.begun = False
        """Whether the work has begun; a task that is cancelled before its first step never does, and lands nothing."""
        self.empty_until = 0.0
        """Until when it is sure that there is nothing yet, and nobody else who could bring it: no use to look."""
        self.done = False
        self._error: Exception | None = None
        self._surroundings = surroundings
        self._found: _Found | None = None
        self._loop = surroundings.running_loop()
        self._thread = threading.current_thread() if self._loop is None else None
        self._callbacks: list[Callable[[], None]] = []
        self._turns = Semaphore(0)
        self._lock = threading.Lock()

    def _told(self, fact: str, value: Value) -> Value:
        """Return `value`, and tell the observer that somebody learns it."""
        if self._surroundings.observer is not None:
            self._surroundings.observer(self, fact, value)
        return value

    def add_joiner(self, priority: Priority) -> None:
        """Count one more who waits, and take over their priority if it is more urgent."""
        self._priority = min(self._priority, priority)
        self._calls += 1

    def joined(self, *, leads: bool) -> bool:
        """Note that a caller has the flight now; return whether they lead it."""
        return self._told("leads", leads)

    @property
    def error(self) -> Exception | None:
        """Why the work failed; None if it did not, or is not over."""
        return self._told("error", self._error)

    @property
    def priority(self) -> Priority:
        """The most urgent priority of those who have joined."""
        return self._told("priority", self._priority)

    @property
    def calls(self) -> int:
        """How many have joined, the leader included."""
        return self._told("calls", self._calls)

    def is_alive(self, now: float) -> bool:
        """Say whether somebody is at work on it, or can be expected to be."""
        if self.done or (self._loop is not None and self._loop.is_closed()):
            return False
        at_work = (self._loop is not None and self._loop.is_running()) or (
            self._thread is not None and self._thread.is_alive()
        )
        return (self.begun and at_work) or now < self.until

    def begin(self) -> bool:
        """Note that the work begins; return False if that is too late, since the flight was taken over."""
        with self._lock:
            self.begun = not self.done
            return self._told("begun", self.begun)

    def must_be_awaited(self, now: float) -> bool:
        """Say whether nothing is to be had before this is over."""
        return self._told("must_be_awaited", not self.done and now < self.empty_until)

    def rest(self, until: float) -> None:
        """Leave the flight where it is, with nobody at work, so that nobody else begins before `until`."""
        self.until, self._loop, self._thread = until, None, None

    def waits_for_this_thread(self) -> bool:
        """Say whether blocking here would block the very event loop that does the work."""
        return self._loop is not None and self._loop is self._surroundings.running_loop()

    def block(self, within: float) -> None:
        """Hold this thread until the end and its turn, `within` seconds at the most; it then must `wake_next`."""
        if not self.done:
            self._turns.acquire(timeout=within)

    def wake_next(self, threads: int = 1) -> None:
        """Wake one thread, or several, if this is over: all at once, they fight for the interpreter and the store."""
        if self.done:
            self._turns.release(threads)

    def found(self, principal: Subject, now: float) -> AccessToken | None:
        """Return what another who waited has found a moment ago, if it counts for `principal`; see above."""
        found = self._found
        if (
            found is not None
            and found.principal == principal
            and found.epoch == self._surroundings.epoch.current
            and 0 <= now - found.at < FRESH
            and now < found.token.expires_at
        ):
            return self._told("found", found.token)
        return self._told("found", None)

    async def look(
        self, principal: Subject, peek: Callable[[], Awaitable[AccessToken | None]], clock: Clock
    ) -> AccessToken | None:
        """Return what was `found` for `principal`, or else what `peek` finds."""
        found = self.found(principal, clock())
        if found is not None:
            return found
        # Before the end others may still join, and this look would be from before they asked. Endings are counted
        # from before it, too: whatever comes while the answer is on its way makes it worthless to others.
        nobody_joins = self._told("done", self.done)
        epoch = self._told("epoch", self._surroundings.epoch.current)
        token = await peek()
        if nobody_joins and token is not None:
            self._found = _Found(principal, token, epoch, clock())
        return token

    def call_when_done(self, callback: Callable[[], None]) -> None:
        """Call `callback` from the leader's thread at the end; at once, if this is over."""
        with self._lock:
            if not self.done:
                self._callbacks.append(callback)
                return
        callback()

    def call_off(self, callback: Callable[[], None]) -> None:
        """Take back `call_when_done`."""
        with self._lock:
            if callback in self._callbacks:
                self._callbacks.remove(callback)

    def is_over(self, now: float) -> bool:
        """Say whether it can be taken over; if so, wake everybody who waits, so that they join what comes after it."""
        with self._lock:
            if self.is_alive(now):
                return False
            self.done = True
        self.end()
        return True

    def end(self, error: Exception | None = None) -> None:
        """Wake everybody who waits."""
        with self._lock:
            self.done, self._error = True, error
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback()
        self.wake_next()


ROOM = 1000
"""Flights that there is room for before those that nobody landed are cleared away; doubled where all are alive."""


class Flights:
    """The flights of one process, by what they are for."""

    def __init__(self, surroundings: Surroundings | None = None) -> None:
        self._flights: dict[Hashable, Flight] = {}
        self._surroundings = surroundings or Surroundings()
        self._lock = threading.Lock()
        self._room = ROOM

    def join(self, key: Hashable, now: float, *, until: float, priority: Priority) -> tuple[Flight, bool]:
        """Return the flight for `key` and whether the caller leads it, which it then must `land`.

        Who joins lends the flight its priority, if that is the more urgent one.
        """
        with self._lock:
            flight = self._flights.get(key)
            if flight is not None and not flight.is_over(now):
                flight.add_joiner(priority)
                return flight, flight.joined(leads=False)
            if len(self._flights) >= self._room:
                self._flights = {key: each for key, each in self._flights.items() if not each.is_over(now)}
                self._room = max(ROOM, 2 * len(self._flights))
            flight = self._flights[key] = Flight(until, priority, self._surroundings)
            return flight, flight.joined(leads=True)

    def must_be_awaited(self, key: Hashable, clock: Clock) -> bool:
        """Say whether there is a flight for `key` and nothing to be had before it lands; takes no lock."""
        flight = self._flights.get(key)
        return flight is not None and flight.must_be_awaited(clock())

    def land(
        self, key: Hashable, flight: Flight, *, error: Exception | None = None, calls: int | None = None
    ) -> bool:
        """End the flight. With `calls`, only if nobody joined since there were so many; return whether it ended."""
        with self._lock:
            if calls is not None and flight.calls != calls:
                return False
            if self._flights.get(key) is flight:
                del self._flights[key]
        flight.end(error)
        return True
