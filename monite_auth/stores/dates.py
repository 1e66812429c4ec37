"""Dates of logins, which are wall-clock time of somebody, in the time that a store counts by."""

import math
from typing import NamedTuple

from monite_auth.identity import Principal
from monite_auth.tokens import Clock

__all__ = ["Began", "WallClock"]

LEAST_STEP = 1.0
"""Seconds by which a wall clock must have been set to be noticed: two readings one after the other differ by less."""

NOTICED_WITHIN = 1.0
"""Seconds for which a step may have been there before it is noticed. A login that comes meanwhile has a date of the new time."""

MOST_STEPS = 16
"""Steps that are remembered each for itself. A clock is set once in a while, and then right again."""

AT_ONCE = 0.1
"""Seconds that may lie between two readings that are taken at once. A thread that was stopped between them reads again."""


class _Period(NamedTuple):
    """The time between two steps: which dates the wall clock has shown in it, and how far ahead of a steady clock it was."""

    first: float
    last: float
    ahead: float


class WallClock:
    """The wall clock of this host, and how it was set since this was made: `steady` is a clock that nobody sets.

    A clock that was set back shows some dates again. How long ago a login was is then told by when the clock has shown its date last,
    and not by how far it has come since: a session from before an ending must not look like one from after it.
    """

    def __init__(self, wall: Clock, steady: Clock) -> None:
        self._wall = wall
        self._steady = steady
        self._periods: tuple[_Period, ...] = (_Period(-math.inf, math.inf, wall() - steady()),)

    def __call__(self) -> float:
        """Return the time, epoch seconds, and note whether the clock was set."""
        wall = self._wall()
        if abs(wall - self._steady() - self._periods[-1].ahead) > LEAST_STEP:
            return self._look_again()
        return wall

    def _look_again(self) -> float:
        """Return the time, and note the step if there was one: a thread that was stopped between two readings sees one, too."""
        while True:
            steady = self._steady()
            wall = self._wall()
            if self._steady() - steady <= AT_ONCE:
                break
        ahead = wall - steady
        *earlier, before = self._periods
        if abs(ahead - before.ahead) > LEAST_STEP:
            over = before._replace(last=steady + before.ahead)
            self._periods = (*_shortened(earlier), over, _Period(wall - NOTICED_WITHIN, math.inf, ahead))
        return wall

    def began(self, principal: Principal) -> tuple[float, float] | None:
        """Return what this clock, as it is set now, would have shown when the principal's session began; None if it has no date.

        That is the moment of its date, and the last one that the date can mean.
        """
        now = self()
        at, by = principal.began_at, principal.began_by
        if at is None or by is None:
            return None
        set_back = self._set_back_since(at, by, now)
        return at - set_back, by - set_back

    def _set_back_since(self, at: float, by: float, now: float) -> float:
        """Return by how many seconds the clock was set back since it has shown a date last; 0 if it never has."""
        *earlier, present = self._periods
        if present.first <= by and at <= now:
            return 0.0
        for period in reversed(earlier):
            if period.first <= by and at <= period.last:
                return max(0.0, period.ahead - present.ahead)
        return 0.0


def _shortened(periods: list[_Period]) -> list[_Period]:
    """Return the oldest two as one where there are too many: whatever date is from then counts as the older that it can be."""
    if len(periods) < MOST_STEPS - 1:
        return periods
    one, other, *rest = periods
    return [_Period(one.first, max(one.last, other.last), max(one.ahead, other.ahead)), *rest]


class Began(NamedTuple):
    """When a principal's session began by a store's time: `at` that moment, and `by` the last one that the date can mean."""

    at: float
    by: float

    @classmethod
    def of(cls, principal: Principal, *, now: float, wall_clock: WallClock) -> "Began | None":
        """Return when the session began, or None if it has no date. It is `now` in the store.

        The wall clock knows how long ago the login was, and the store's time is counted back from now. A date that is yet to come was
        given by another clock, or before this one was set back. Then nobody knows how long ago, and it counts as the store's time says,
        if that is earlier: a session from before an ending must not look like one from after it.
        """
        began = wall_clock.began(principal)
        if began is None:
            return None
        (at, by), wall = began, wall_clock()
        ahead = now - wall
        if at > wall:
            ahead = min(ahead, 0.0)
        return cls(at + ahead, by + ahead)
