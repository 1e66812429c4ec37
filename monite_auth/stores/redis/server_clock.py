"""The server's clock as one process sees it, so that the process notices when that clock is set, or another server's counts.

An ending lies in Redis by the server's clock. If that is set forward by an hour, a session from before the ending looks an hour
younger, and the ending does not. So a process compares each time that it hears from the server with its own steady clock, and tells
Redis when the two do not go together any more: all endings until then count as later by that (`before` in `lua/common.lua`).

Every script that compares dates gets a `window`: the times that the server's clock may show if nobody has set it. Outside it, the
script does nothing and answers "set". Then its caller looks at the clock, and asks again.
"""

from dataclasses import dataclass

from monite_auth.tokens import Clock

__all__ = ["UNKNOWN", "ServerClock"]

LEAST_STEP = 1.0
"""Seconds by which a server's clock must have moved against ours to be noticed, at once or little by little: two clocks that are kept
right differ by less."""

UNKNOWN = ("", "")
"""The window of a clock that this process has not seen."""


@dataclass(frozen=True, slots=True)
class _Sighting:
    """What was seen of a server's clock: it was ahead of ours by `least` to `most`."""

    least: float
    most: float

    def step_to(self, later: "_Sighting") -> float:
        """Return by how much the clock has moved until a later sighting, at most; 0 if that can be how long an answer took."""
        if self.least - LEAST_STEP <= later.most and later.least <= self.most + LEAST_STEP:
            return 0.0
        return later.most - self.least

    def is_much_narrower_than(self, other: "_Sighting") -> bool:
        """Say whether it tells more: an answer that has taken long tells little."""
        return 2 * (self.most - self.least) < other.most - other.least


@dataclass(slots=True)
class _Known:
    """What is known of a server's clock: the `sighting` that later ones are compared with, and when it was seen last.

    `total`: by how much it was set in all until then.
    """

    sighting: _Sighting
    seen_at: float
    total: float


class ServerClock:
    """The clocks of the servers of an account: each group of shards that a script can reach lies on one server.

    `clock`: counts this process's time, and is never set. A server's time is given with the moments, by that clock, at which it was asked
    for and at which the answer came.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: dict[range, _Known] = {}

    def was_seen(self, group: range, since: float) -> bool:
        """Say whether this process has seen the clock of these shards, `since` a time of its own."""
        known = self._known.get(group)
        return known is not None and known.seen_at > since

    def window(self, group: range) -> tuple[float, float] | tuple[str, str]:
        """Return the earliest and the latest time that the clock shows now, if nobody has set it since it was seen."""
        known = self._known.get(group)
        if known is None:
            return UNKNOWN
        now = self._clock()
        return now + known.sighting.least - LEAST_STEP, now + known.sighting.most + LEAST_STEP

    def agrees(self, group: range, time: float, asked_at: float) -> bool:
        """Note a time of the server that came with an answer just now, and return True.

        Return False, and note nothing, if its clock was set or has not been seen before: somebody has to ask Redis for the `total`.
        """
        known, sighting, now = self._known.get(group), *self._sighting(time, asked_at)
        if known is None or known.sighting.step_to(sighting):
            return False
        if sighting.is_much_narrower_than(known.sighting):
            known.sighting = sighting
        known.seen_at = now
        return True

    def total(self, group: range, time: float, asked_at: float, noted: float) -> float:
        """Note a time of the server; return by how much its clock was set in all, forward less back.

        `noted`: the same as Redis has it. Another process may have seen the same step.
        """
        if self.agrees(group, time, asked_at):
            return noted
        known, sighting, now = self._known.get(group), *self._sighting(time, asked_at)
        total = noted if known is None else known.total + known.sighting.step_to(sighting)
        if abs(total - noted) <= LEAST_STEP:
            total = noted
        self._known[group] = _Known(sighting, now, total)
        return total

    def _sighting(self, time: float, asked_at: float) -> tuple[_Sighting, float]:
        now = self._clock()
        return _Sighting(time - now, time - asked_at), now
