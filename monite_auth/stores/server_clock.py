"""A server's clock as one process sees it, so that the process notices when that clock is set, or another server's counts.

A store on a server counts by the server's clock. If that is set forward by an hour, a session from before an ending looks an hour
younger, and the ending does not. So a process compares each time that it hears from the server with its own steady clock. Where the two
do not go together any more, it notes in the store by how much the server's clock was set in all (the *total*), and all processes count
with that.
"""

from dataclasses import dataclass

from monite_auth.tokens import Clock

__all__ = ["LEAST_STEP", "ServerClock", "Sighting"]

LEAST_STEP = 1.0
"""Seconds by which a server's clock must have moved against ours to be noticed, at once or little by little: two clocks that are kept
right differ by less."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """What was seen of a server's clock: it was ahead of ours by `least` to `most`. `at`: when, by our clock."""

    least: float
    most: float
    at: float

    def step_to(self, later: "Sighting") -> float:
        """Return by how much the clock has moved until a later sighting, at most; 0 if that can be how long an answer took."""
        if self.least - LEAST_STEP <= later.most and later.least <= self.most + LEAST_STEP:
            return 0.0
        return later.most - self.least

    def is_much_narrower_than(self, other: "Sighting") -> bool:
        """Say whether it tells more: an answer that has taken long tells little."""
        return 2 * (self.most - self.least) < other.most - other.least


@dataclass(slots=True)
class _Known:
    """What is known of the clock: the `sighting` that later ones are compared with, and when it was seen last.

    `total`: by how much it was set in all until then.
    """

    sighting: Sighting
    seen_at: float
    total: float


class ServerClock:
    """The clock of one server.

    `clock`: counts this process's time, and is never set. A server's time is given with the moment, by that clock, at which it was asked
    for; the answer has come just now.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: _Known | None = None

    def was_seen(self, since: float) -> bool:
        """Say whether this process has seen the clock `since` a time of its own."""
        return self._known is not None and self._known.seen_at > since

    @property
    def set_by(self) -> float:
        """By how much the clock was set in all, as far as this process knows."""
        return self._known.total if self._known is not None else 0.0

    def window(self) -> tuple[float, float, float] | None:
        """Return the earliest and the latest time that the clock shows now if nobody has set it since it was seen, and the total.

        Return None while it has not been seen.
        """
        known = self._known
        if known is None:
            return None
        now, seen = self._clock(), known.sighting
        return now + seen.least - LEAST_STEP, now + seen.most + LEAST_STEP, known.total

    def steady(self, time: float, asked_at: float) -> float | None:
        """Return a time of the server as it would be if nobody had ever set the clock. None if it was set, or was not seen before."""
        known = self._known
        if known is None:
            return None
        # As `Sighting.step_to`, for every hit.
        now, seen = self._clock(), known.sighting
        if seen.least - LEAST_STEP > time - asked_at or time - now > seen.most + LEAST_STEP:
            return None
        known.seen_at = now
        return time - known.total

    def sighting(self, time: float, asked_at: float) -> Sighting:
        """Return what a time of the server tells."""
        now = self._clock()
        return Sighting(time - now, time - asked_at, now)

    def total(self, sighting: Sighting, noted: float) -> float:
        """Return by how much the clock was set in all, forward less back.

        `noted`: the same as the store has it. Another process may have seen the same step.
        """
        known = self._known
        if known is None or not (step := known.sighting.step_to(sighting)):
            return noted
        total = known.total + step
        return noted if abs(total - noted) <= LEAST_STEP else total

    def know(self, sighting: Sighting, total: float) -> None:
        """Compare later times with this one from now on, where it tells more or something new."""
        known = self._known
        # Where the total is another one, somebody has noted a step, and what this process has seen of it little by little is part of it.
        if known is None or known.total != total or known.sighting.step_to(sighting):
            self._known = _Known(sighting, sighting.at, total)
            return
        if sighting.is_much_narrower_than(known.sighting):
            known.sighting = sighting
        known.seen_at = sighting.at
