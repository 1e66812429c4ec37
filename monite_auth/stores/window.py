"""The window of the request budget: how many requests may leave within how many seconds. Pure; `budget` works with it."""

import math
from typing import NamedTuple

__all__ = ["ENTRIES", "JITTER", "RESERVE", "Log", "Window"]

JITTER = 0.08
"""Seconds by which the way to Monite may differ from one request to the next."""

RESERVE = 0.001
"""Seconds that the window is longer still: clocks do not run equally fast, and moments are rounded."""

ENTRIES = 64
"""How many moments the log holds at most, about. Of a higher limit it holds moments that are rounded up, and how many requests
left at each."""

Log = tuple[tuple[float, int], ...]
"""When requests left, oldest first: moments, each with a number of requests."""


class Window(NamedTuple):
    """At most `allowed` requests leave within any `span` seconds."""

    allowed: int
    span: float

    @classmethod
    def at(cls, rate: float) -> "Window":
        """Return the window for a limit of `rate` requests a second. Below one request a second it is longer than a second."""
        return cls(max(1, math.floor(rate)), max(1.0, 1 / rate) + JITTER + RESERVE)

    def opens(self, log: Log, now: float) -> float:
        """Return from when on one more request may leave; `now` or earlier means at once."""
        room, opens = self.allowed, now
        for moment, count in reversed(log):
            room -= count
            if room <= 0:
                opens = moment + self.span
                break
        return opens

    def is_half_empty(self, log: Log, now: float) -> bool:
        """Return whether fewer requests have left than half of those that may."""
        return self._replace(allowed=(self.allowed + 1) // 2).opens(log, now) <= now

    def add(self, log: Log, now: float) -> Log:
        """Return the log with one more request that leaves `now`, and without those that the window counts no more."""
        grain = self.span / ENTRIES if self.allowed > ENTRIES else 0.0
        moment = math.ceil(now / grain) * grain if grain else now
        recent = tuple([each for each in log if each[0] > now - self.span])
        if recent and recent[-1][0] == moment:
            return (*recent[:-1], (moment, recent[-1][1] + 1))
        return (*recent, (moment, 1))
