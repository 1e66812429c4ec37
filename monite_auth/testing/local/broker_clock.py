"""The clock of a broker in tests: it follows the emulator's forward, and goes on by itself where that stands still."""

import time

from monite_auth.emulator import Clock

__all__ = ["BrokerClock"]


class BrokerClock:
    """Tells epoch seconds that never stop and never go back: a broker that waits by a clock that is frozen would wait for ever."""

    def __init__(self, followed: Clock) -> None:
        self._followed = followed
        self._beyond = 0.0

    def __call__(self) -> float:
        """Return the time: the followed clock's, or that which has passed since it was last ahead."""
        passed = time.monotonic()
        self._beyond = max(self._beyond, self._followed.now() - passed)
        return passed + self._beyond
