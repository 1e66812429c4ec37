"""The hosts of the simulated processes: each has a wall clock, which dates logins and may be set at any step."""

import math
from typing import TYPE_CHECKING

from monite_auth import Principal
from monite_auth.stores.dates import WallClock

if TYPE_CHECKING:
    from tests.simulation.world import World

__all__ = ["Host", "HostClocks"]


class Host:
    """The host of one process, whose wall clock is `ahead` of the truth at first. `clock`: as the library reads it.

    What it knows of the clock besides is the truth, for the judge.
    """

    def __init__(self, world: "World", ahead: float) -> None:
        self._world = world
        self._set_at = [(-math.inf, ahead)]  # since when, and how far ahead it is from then on
        self.clock = WallClock(self.time, world.clock)

    def time(self) -> float:
        """Return what the wall clock shows."""
        return self._world.now + self._set_at[-1][1]

    def set_clock(self, seconds: float) -> None:
        """Set the wall clock: forward, or back."""
        self._set_at.append((self._world.now, self._set_at[-1][1] + seconds))

    def facts(self) -> tuple[object, ...]:
        """Return all of this as a value."""
        return (tuple(self._set_at), self.clock._periods)

    def latest(self, date: float) -> float:
        """Return the moment at which the clock has shown a date last: nobody can know that a login was earlier.

        A date that it never showed was given by another clock, and stands as it is.
        """
        moments = []
        ends = [since for since, _ in self._set_at[1:]]
        for (since, ahead), until in zip(self._set_at, [*ends, self._world.now], strict=True):
            if since <= date - ahead <= until:
                moments.append(date - ahead)
        return max(moments, default=date)

    def oldest(self, date: float) -> float:
        """Return the earliest moment that a date can be taken for: the clock was that far ahead once."""
        return date - max(0.0, *(ahead for _, ahead in self._set_at))


class HostClocks(WallClock):
    """The wall clock of whichever process uses the store that all share."""

    def __init__(self, world: "World") -> None:
        self._world = world

    def __call__(self) -> float:
        return self._here()()

    def began(self, principal: Principal) -> tuple[float, float] | None:
        return self._here().began(principal)

    def _here(self) -> WallClock:
        assert self._world.running is not None
        return self._world.running.process.host.clock
