"""Background renewal: mint the next token of a slot while the current one is still good, behind the callers' backs.

Every call in the last part of a token's life may start a renewal, and no caller waits for it or fails with it. A slot
has one attempt at a time, and a cooldown after one that failed.
"""

import logging
import threading

from monite_auth.engine.mint_leader import MintLeader
from monite_auth.engine.runtime import Runtime
from monite_auth.engine.single_flight import CLEANUP_THRESHOLD, SingleFlight
from monite_auth.engine.token_request import TokenRequest
from monite_auth.identity import Subject
from monite_auth.settings import Settings
from monite_auth.stores import Priority, Slot
from monite_auth.telemetry.facts import RenewalEnded
from monite_auth.tokens import AccessToken

__all__ = ["Renewals"]

log = logging.getLogger("monite_auth")

COOLDOWN = 2.0
"""Seconds until the next attempt after one that failed and does not say when to try again: a token that is renewed has
minutes left, so there is time for many."""


class Renewals:
    """The renewals of one process."""

    def __init__(self, settings: Settings, flights: SingleFlight, leader: MintLeader) -> None:
        self._settings = settings
        self._flights = flights
        self._leader = leader
        self._lock = threading.Lock()
        self._resume_at: dict[Slot, float] = {}
        """When the next attempt may begin, epoch seconds. An attempt that tells nobody of its end, since its task was
        cancelled before its first step, is over with its lease."""
        self._cleanup_threshold = CLEANUP_THRESHOLD

    def start(self, runtime: Runtime, slot: Slot, subject: Subject, token: AccessToken) -> None:
        """Renew `token` in the background, unless that is under way or has failed a moment ago."""
        now = runtime.clock()
        if now < self._resume_at.get(slot, 0.0):  # most calls end here, without the lock
            return
        with self._lock:
            if now < self._resume_at.get(slot, 0.0):
                return
            self._clean_up(now)
            self._resume_at[slot] = now + self._settings.lease
        runtime.spawn(self._renew(runtime, slot, subject, token))

    async def _renew(self, runtime: Runtime, slot: Slot, subject: Subject, token: AccessToken) -> None:
        resume_at = 0.0
        try:
            now = runtime.clock()
            flight, leads = self._flights.join(
                slot, now, expires_at=now + self._settings.lease, priority=Priority.RENEWAL
            )
            if leads:
                deadline = now + self._settings.deadline
                request = TokenRequest(slot, subject, token.expires_in + 1, deadline)
                await self._leader.lead(runtime, flight, request)
            current = await runtime.store.peek(slot, subject)
            failed = current is not None and current.fingerprint == token.fingerprint
            runtime.telemetry.tell(RenewalEnded("failed" if failed else "renewed"))
            if failed:
                error = flight.error
                resume_at = runtime.clock() + (getattr(error, "retry_after", None) or COOLDOWN)
                if error is not None:
                    log.warning(
                        "A token could not be renewed and is used until its end: %s", type(error).__name__
                    )
        except GeneratorExit:  # no lock here, see `runtime`: it is over with its lease
            raise
        except BaseException:  # its event loop is shut down: the next ones would begin a renewal each
            self._end(slot, runtime.clock() + COOLDOWN)
            raise
        self._end(slot, resume_at)

    def _end(self, slot: Slot, resume_at: float) -> None:
        with self._lock:
            self._resume_at.pop(slot, None)
            if resume_at:
                self._resume_at[slot] = resume_at

    def _clean_up(self, now: float) -> None:
        if len(self._resume_at) >= self._cleanup_threshold:
            self._resume_at = {slot: at for slot, at in self._resume_at.items() if now < at}
            self._cleanup_threshold = max(CLEANUP_THRESHOLD, 2 * len(self._resume_at))
