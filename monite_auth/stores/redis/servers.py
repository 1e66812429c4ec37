"""What is known of each server: its lanes, and whether it hangs. A cluster has several, and one that hangs concerns its users only."""

import math
from collections.abc import Callable

from monite_auth.stores.redis.lanes import CONNECTION_LIMITS, Lane, LaneName

__all__ = ["ALONE", "Server"]

ALONE = ""
"""The name of a server that is the only one, or of which it is not known yet which it is."""

LEFT_ALONE = 1.0
"""Seconds for which a node that failed is not asked: each attempt may cost its whole timeout."""

ASKED_FOR = 3.0
"""Seconds after which another command may find out whether a node is back. It is longer than one takes: its caller may be gone."""


class Server:
    """One server, as the commands of some connections find it. `name`: which node of a cluster it is.

    Times are `time.monotonic`'s.
    """

    def __init__(self, name: str, new_lane: Callable[[LaneName], Lane]) -> None:
        self.name = name
        self.lanes = {each: new_lane(each) for each in CONNECTION_LIMITS}
        self.hung_at = -math.inf
        """When it was last found to hang."""
        self._failed_at: float | None = None
        self._asked_until = -math.inf

    def is_left_alone(self, now: float) -> bool:
        """Say whether it failed so short a time ago that it is not asked again. One command at a time finds out whether it is back.

        A single server is always asked: whoever uses the store leaves it alone.
        """
        if self._failed_at is None or self.name == ALONE:
            return False
        if now < self._failed_at + LEFT_ALONE or now < self._asked_until:
            return True
        self._asked_until = now + ASKED_FOR
        return False

    def failed(self, now: float, *, hangs: bool) -> None:
        """Note that it gave no answer."""
        self._failed_at, self._asked_until = now, -math.inf
        if hangs:
            self.hung_at = now

    def answered(self) -> None:
        """Note that it has answered."""
        self._failed_at = None
