"""Whether the shared store is down, or takes no writes, as far as this process knows."""

import logging
from dataclasses import dataclass
from os import getpid

from monite_auth.errors import StoreReadOnly, StoreUnavailable
from monite_auth.identity import Partner
from monite_auth.processes.lifetimes import ProcessLock
from monite_auth.telemetry import Telemetry
from monite_auth.telemetry.facts import OutageChanged, StoreFailed
from monite_auth.tokens import Clock

__all__ = ["DOWN", "LEFT_ALONE", "PART", "READ_ONLY", "STEADY", "Outage"]

log = logging.getLogger("monite_auth")

LEFT_ALONE = 1.0
"""Seconds for which a store that failed is not asked: each attempt may cost its whole timeout."""

STEADY = 5.0
"""Seconds after the last failure until an answer ends an outage. A store that fails over or flaps answers now and then before it
is back: that is one outage, with one mint for each user."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of outage: its name, the error that tells of it, and what the log says when it begins and ends."""

    name: str
    error: type[StoreUnavailable]
    begins: str
    ends: str


DOWN = Kind(
    "down",
    StoreUnavailable,
    "The token store is down. Until it is back, this process serves only sessions that it has seen alive a short while ago, and "
    "keeps their tokens for itself. A logout holds in this process only. %s",
    "The token store is back. Failed attempts: %d, within %.0f s.",
)
READ_ONLY = Kind(
    "read_only",
    StoreReadOnly,
    "The token store takes no writes. Until it does, each process keeps new tokens for itself, and a logout that cannot be recorded "
    "holds in this process only. %s",
    "The token store takes writes again. Refusals: %d, within %.0f s.",
)
PART = Kind(
    "part",
    StoreUnavailable,
    "A part of the token store is down. Until it is back, users of that part are served as in an outage; others notice nothing. %s",
    "The part of the token store is back. Failed attempts: %d, within %.0f s.",
)


class Outage:
    """An outage of one store, of some `kind`: it begins with a failure, and ends with an answer when nothing has failed for a while.

    `is_on`: the store has not answered since it failed. `lasts`: the outage is not over, though the store may answer again.
    """

    def __init__(self, clock: Clock, telemetry: Telemetry, kind: Kind = DOWN) -> None:
        self._kind = kind
        self.is_on = False
        self.lasts = False
        self.since: float | None = None
        """When the last outage began or ended, epoch seconds; None before the first."""
        self.about: str | Partner | None = None
        """A user whom it concerns, if one is known: what is asked about them fails until it is over."""
        self._ask_again_at = 0.0
        self._asked_until = 0.0
        self._asked_by = 0
        """The process whose caller asks again. A forked child has a copy of this, and its parent's caller is none of it."""
        self._why = ""
        self._failed_at = 0.0
        self._failures = 0
        self._lock = ProcessLock()
        self._clock = clock
        self._telemetry = telemetry

    def check(self) -> None:
        """Raise StoreUnavailable if the store failed so short a time ago that it is not asked again.

        One caller at a time asks again; the others are not to wait for its timeout.
        """
        if not self.is_on:
            return
        now, process = self._clock(), getpid()
        if now < self._ask_again_at or (now < self._asked_until and self._asked_by == process):
            raise self._kind.error(
                f"The token store failed a moment ago. {self._why}", retry_after=LEFT_ALONE
            )
        self._asked_until, self._asked_by = now + LEFT_ALONE, process

    def is_quiet(self, seconds: float) -> bool:
        """Say whether nothing has failed for so long."""
        return self._clock() - self._failed_at >= seconds

    def begin(self, error: StoreUnavailable, about: str | Partner | None = None) -> None:
        """Note that the store has failed, when something was asked of a user, or of nobody."""
        if about is not None:
            self.about = about
        now = self._clock()
        with self._lock:
            begins = not self.lasts
            if begins:
                self.since, self._failures = now, 0
            self.is_on = self.lasts = True
            self._failures += 1
            self._failed_at = now
        if begins:
            log.error(self._kind.begins, error)
            self._telemetry.tell(OutageChanged(self._kind.name, is_on=True))
        self._ask_again_at = now + LEFT_ALONE
        self._why = str(error)
        self._telemetry.tell(StoreFailed())

    def end(self) -> bool:
        """Note that the store has answered; return whether that ends an outage."""
        if not self.lasts:
            return False
        self.is_on = False
        now = self._clock()
        with self._lock:
            was_on, self.lasts = self.lasts, now - self._failed_at < STEADY
            if self.lasts or not was_on:
                return False
            lasted, self.since = self._failed_at - (self.since or now), now
        log.warning(self._kind.ends, self._failures, lasted)
        self._telemetry.tell(OutageChanged(self._kind.name, is_on=False))
        return True
