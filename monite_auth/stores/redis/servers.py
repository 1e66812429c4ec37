"""What is known of each server: its lanes, and whether it hangs. A cluster has several, and one that hangs concerns its users only."""

import math
from collections.abc import Callable

from monite_auth.stores.redis.lanes import CONNECTION_LIMITS, Lane, LaneName

__all__ = ["ALONE", "Health", "Server"]

ALONE = ""
"""The name of a server that is the only one, or of which it is not known yet which it is."""

LEFT_ALONE = 1.0
"""Seconds for which a node that failed is not asked: each attempt may cost its whole timeout."""

ASKED_FOR = 3.0
"""Seconds after which another command may find out whether a node is back. It is longer than one takes: its caller may be gone."""


class Health:
    """Whether one server answers, as far as this process knows. Times are `time.monotonic`'s."""

    def __init__(self) -> None:
        self._failed_at: float | None = None
        self._asked_until = -math.inf
        self.failure = ""
        """What its last failure was, in words."""

    def is_left_alone(self, now: float, *, probes: bool) -> bool:
        """Say whether it failed so short a time ago that it is not asked again. One command at a time finds out whether it is back.

        `probes`: whether this command may be the one. If not, the server is left alone until another one has found out.
        """
        if self._failed_at is None:
            return False
        if not probes or now < self._failed_at + LEFT_ALONE or now < self._asked_until:
            return True
        self._asked_until = now + ASKED_FOR
        return False

    def failed(self, now: float, failure: str) -> None:
        """Note that it gave no answer. `failure`: what happened, in words."""
        self._failed_at, self._asked_until, self.failure = now, -math.inf, failure

    def answered(self) -> None:
        """Note that it has answered."""
        self._failed_at = None


class Server:
    """One server, as the commands of some connections find it. `name`: which node of a cluster it is.

    `health`: what all connections of the process know of it.
    """

    def __init__(self, name: str, health: Health, new_lane: Callable[[LaneName], Lane]) -> None:
        self.name = name
        self.lanes = {each: new_lane(each) for each in CONNECTION_LIMITS}
        self.hung_at = -math.inf
        """When it was last found to hang, over these connections."""
        self._health = health

    def is_left_alone(self, now: float, *, probes: bool) -> bool:
        """See Health. A single server is always asked: whoever uses the store leaves it alone."""
        return self.name != ALONE and self._health.is_left_alone(now, probes=probes)

    @property
    def failure(self) -> str:
        """What the last failure was because of which it is left alone, in words."""
        return self._health.failure

    def failed(self, now: float, failure: str, *, hangs: bool) -> None:
        """Note that it gave no answer. `failure`: what happened, in words."""
        self._health.failed(now, failure)
        if hangs:
            self.hung_at = now

    def answered(self) -> None:
        """Note that it has answered."""
        self._health.answered()
