"""The outages of parts of a store: a node, a slot, a record. Users of other parts notice nothing of them.

The store says which part has failed (`StoreUnavailable.part`). Whom that concerns is learned from whose questions have failed.
"""

from monite_auth.errors import StoreUnavailable
from monite_auth.identity import Partner
from monite_auth.stores.fallback.outage import PART, STEADY, Outage
from monite_auth.telemetry import Telemetry
from monite_auth.tokens import Clock

__all__ = ["Parts"]

USER_LIMIT = 10_000
"""Users of whom it is remembered that a failed part concerns them. The others are asked for, which fails again."""

QUIET = 60.0
"""Seconds without a failure after which a part counts as back of which nobody is known to be concerned."""


class Parts:
    """The parts of one store that are down, as far as this process knows."""

    def __init__(self, clock: Clock, telemetry: Telemetry) -> None:
        self._clock = clock
        self._telemetry = telemetry
        self._outages: dict[str, Outage] = {}
        self._part_of: dict[str | Partner, str] = {}

    def __len__(self) -> int:
        return len(self._outages)

    @property
    def since(self) -> float | None:
        """When the first of the outages that last began, epoch seconds; None if there is none."""
        return min(
            (each.since for each in list(self._outages.values()) if each.since is not None), default=None
        )

    def to_ask_about(self) -> list[str | Partner]:
        """Return a user of each part of which nothing has failed for a while: an answer about them ends its outage."""
        return [
            each.about
            for each in list(self._outages.values())
            if each.about is not None and each.is_quiet(STEADY)
        ]

    def concern(self, user: str | Partner | None) -> bool:
        """Say whether a part that is down is known to concern a user."""
        return self._outage_of(user) is not None

    def check(self, user: str | Partner | None) -> None:
        """Raise StoreUnavailable if the part that concerns a user failed a moment ago."""
        outage = self._outage_of(user)
        if outage is not None:
            outage.check()

    def begin(self, part: str, error: StoreUnavailable, user: str | Partner | None) -> None:
        """Note that a part has failed, when something was asked of a user, or of nobody."""
        outage = self._outages.get(part)
        if outage is None:
            outage = self._outages.setdefault(part, Outage(self._clock, self._telemetry, PART))
        outage.begin(error, user)
        if len(self._part_of) >= USER_LIMIT:
            self._part_of = {}
        if user is not None:
            self._part_of[user] = part

    def end(self, user: str | Partner | None) -> bool:
        """Note that the store has answered about a user, or about nobody; return whether that ends the last outage of a part.

        An answer about nobody may be another part's, and says nothing about this one.
        """
        if not self._outages:
            return False
        answered = self._outage_of(user)
        for part, outage in list(self._outages.items()):
            if (outage is answered or outage.is_quiet(QUIET)) and outage.end():
                self._outages.pop(part, None)
        if user is not None and answered is not None and not answered.lasts:
            self._part_of.pop(user, None)
        return not self._outages

    def _outage_of(self, user: str | Partner | None) -> Outage | None:
        if user is None or not self._outages:
            return None
        return self._outages.get(self._part_of.get(user, ""))
