"""Whether the shared store is down, as far as this process knows."""

import logging

from monite_auth.errors import StoreUnavailable
from monite_auth.telemetry import Telemetry
from monite_auth.tokens import Clock

__all__ = ["LEFT_ALONE", "Outage"]

log = logging.getLogger("monite_auth")

LEFT_ALONE = 1.0
"""Seconds for which a store that failed is not asked: each attempt may cost its whole timeout."""


class Outage:
    """An outage of one store: it begins with a failure and ends with the first answer."""

    def __init__(self, clock: Clock, telemetry: Telemetry) -> None:
        self.is_on = False
        self.since: float | None = None
        """When the last outage began or ended, epoch seconds; None before the first."""
        self._ask_again_at = 0.0
        self._why = ""
        self._clock = clock
        self._telemetry = telemetry

    def check(self) -> None:
        """Raise StoreUnavailable if the store failed so short a time ago that it is not asked again."""
        if self.is_on and self._clock() < self._ask_again_at:
            raise StoreUnavailable(
                f"The token store failed a moment ago. {self._why}", retry_after=LEFT_ALONE
            )

    def begin(self, error: StoreUnavailable) -> None:
        """Note that the store has failed."""
        if not self.is_on:
            self.since = self._clock()
            log.error(
                "The token store is down. Until it is back, this process keeps tokens for itself, and a logout holds in "
                "this process only. %s",
                error,
            )
        self.is_on = True
        self._ask_again_at = self._clock() + LEFT_ALONE
        self._why = str(error)
        self._telemetry.store_failed()

    def end(self) -> bool:
        """Note that the store has answered; return whether that ends an outage."""
        was_on, self.is_on = self.is_on, False
        if was_on:
            self.since = self._clock()
            log.warning("The token store is back.")
        return was_on
