"""One mint: from the claim on a slot to a token in the store, or to the reason why there is none.

Whoever leads the slot's flight runs it, on behalf of all who wait. Every round claims anew: that renews the lease, and
tells of a logout, or of another process's token, in the meantime.
"""

import logging
from collections.abc import Callable

from monite_auth.engine.asking import Turn, rate_limited, send
from monite_auth.engine.claim_polls import ClaimPoll, ClaimPolls
from monite_auth.engine.directory_lookup import DirectoryLookup
from monite_auth.engine.drain import Drainer
from monite_auth.engine.mint_errors import (
    COOLDOWN_AFTER_FAULT,
    cooldown_after,
    credentials_rejected,
    error_after,
    refusal,
    session_ended,
    slow_function,
    token_too_short,
    wrong_endpoint,
)
from monite_auth.engine.runtime import Runtime
from monite_auth.engine.single_flight import Flight
from monite_auth.engine.strays import Strays
from monite_auth.engine.token_request import TokenRequest
from monite_auth.errors import MoniteUnavailable
from monite_auth.identity import PARTNER, EntityUser, Partner
from monite_auth.monite_api.answers import Fault
from monite_auth.monite_api.grants import read_mint
from monite_auth.monite_api.outcomes import Astray, BadCredentials, Granted, Refused, Throttled, Unusable
from monite_auth.monite_api.requests import mint_request
from monite_auth.processes.awaited import Awaited
from monite_auth.settings import Settings
from monite_auth.stores import (
    Busy,
    Claimed,
    Committed,
    CoolingDown,
    Ended,
    Hit,
    Lease,
    Priority,
)
from monite_auth.telemetry.facts import CooldownBegan, MintCommitted, MintTried
from monite_auth.tokens import AccessToken, Secret

__all__ = ["Mint"]

log = logging.getLogger("monite_auth")

FIRST_BACKOFF, LONGEST_BACKOFF = 0.2, 2.0
"""Seconds between tries, the first and the longest; halved at random: somebody is waiting."""

SHORTEST_ATTEMPT = 0.1
"""Seconds without which it is not worth asking: the answer would come too late, and its token would be lost."""

SHORTEST_USE = 0.05
"""Seconds that a new token has to be good for. One that has expired when it is read would be minted again at once."""

LONGEST_WAIT = 0.5
"""Seconds that a mint waits without asking for another process whose store tells when to ask again: what it tells can be lost."""

CLAIM_LEAD_TIME = 0.015
"""Seconds before its turn in which a mint renews its claim: a turn in the budget is lost if its owner misses it."""

CLAIM_MARGIN = 0.1
"""Seconds that a claim outlasts the attempt under it: no other process begins to mint while this one gives up. It covers a
short wait for its turn, twice CLAIM_LEAD_TIME, and the work around the request."""


class Mint:
    """A mint for one flight, of a token as `request` wants it."""

    def __init__(
        self,
        runtime: Runtime,
        flight: Flight,
        request: TokenRequest,
        *,
        settings: Settings,
        lookup: Callable[[Runtime, Flight, TokenRequest], DirectoryLookup],
        drainer: Drainer,
        strays: Strays,
        owner: str,
        claim_polls: ClaimPolls,
    ) -> None:
        self.left_pending = False
        """Whether a token went to the pending revocations."""
        self.was_cooling_down = False
        """Whether it failed because of an earlier failure, which somebody has been told of."""
        self._runtime = runtime
        self._flight = flight
        self._request = request
        self._settings = settings
        self._drainer = drainer
        self._strays = strays
        self._owner = owner
        self._claim_polls = claim_polls
        self._lookup = lookup(runtime, flight, request)
        self._turn = Turn(runtime)
        self._wait = 0.0
        """Seconds to wait under the next claim, before the turn comes."""
        self._failures = 0
        self._concerns_everyone = False
        self._last_fault = "no time was left to ask"

    async def run(self) -> None:
        """Return when the store has the token; raise why it has not."""
        await self._lookup.check_link()
        while (lease := await self._claim()) is not None:
            try:
                # Ask the directory again after every claim: a relink that came before the claim does not fence it.
                person = await self._person()
                if await self._may_send() and await self._attempt(lease, person):
                    return
            except GeneratorExit:  # the event loop is gone: nothing can be awaited, the lease runs out
                raise
            except BaseException as error:
                cooldown = cooldown_after(error, everyone=self._concerns_everyone)
                await self._runtime.store.abandon(lease, cooldown)
                if cooldown is not None:
                    self._runtime.telemetry.tell(CooldownBegan(cooldown.code, everyone=cooldown.everyone))
                raise

    async def _claim(self) -> Lease | None:
        """Return the lease to mint under, or None when there is nothing to do; wait while another process mints."""
        with self._claim_polls.begin() as poll:
            return await self._claim_with(poll)

    async def _claim_with(self, poll: ClaimPoll) -> Lease | None:
        while True:
            asked_at = self._runtime.clock()
            seconds = self._wait + self._settings.lease + CLAIM_MARGIN
            claim = await self._runtime.store.claim(
                self._request.slot,
                self._request.subject,
                owner=self._owner,
                seconds=seconds,
                min_life=self._request.min_life,
            )
            now = self._runtime.clock()
            self._flight.extend(now + seconds)
            match claim:
                case Claimed(lease):
                    if self._request.min_life <= 0:  # any token would have been a hit: so there is none
                        self._flight.mark_empty(asked_at + self._settings.lease)
                    return lease
                case Hit():
                    return None
                case Ended(too_old):
                    raise session_ended(self._settings, too_old=too_old)
                case CoolingDown(retry_in, why):
                    self.was_cooling_down = True
                    raise error_after(why, retry_in)
                case Busy(retry_in, mint):
                    if self._flight.priority is Priority.RENEWAL:
                        return None  # another process renews, and nobody waits
                    if now >= self._request.deadline:
                        raise MoniteUnavailable("Another process is still minting.", retry_after=retry_in)
                    await self._wait_for(mint, min(retry_in, poll.pause(now)), retry_in)

    async def _wait_for(self, mint: Awaited | None, pause: float, retry_in: float) -> None:
        if mint is None:
            await self._runtime.sleep(pause)
        else:
            await self._runtime.sleep(min(retry_in, max(pause, LONGEST_WAIT)), until=mint)

    async def _person(self) -> EntityUser | Partner:
        """Return who the subject is in Monite; see `DirectoryLookup.find`."""
        if self._request.subject is not PARTNER and self._runtime.clock() >= self._request.deadline:
            await self._pause(Fault(self._last_fault))  # which raises
        return await self._lookup.find()

    async def _may_send(self) -> bool:
        """Return True to send now. Return False to renew the claim first, because there is, or was, a long wait."""
        if self._wait:
            wait, self._wait = self._wait - CLAIM_LEAD_TIME, 0.0
            await self._runtime.sleep(wait)
            return False
        deadline = self._request.deadline
        # The claim bears a short wait.
        wait = await self._turn.take(self._flight.priority, until=deadline, longest_sleep=2 * CLAIM_LEAD_TIME)
        if wait == 0:
            return True
        left = deadline - self._runtime.clock()
        if wait > left:
            if wait <= left + self._lookup.took:
                raise slow_function(self._settings, "the directory", self._lookup.took)
            raise rate_limited(self._settings, wait)
        self._wait = wait
        return False

    async def _attempt(self, lease: Lease, person: EntityUser | Partner) -> bool:
        """Ask Monite once; return whether a token is in the store now."""
        settings = self._settings
        # Where the partner decides, each principal has a partner token of their own: a logout ends it, as elsewhere.
        acts_as = person if settings.is_monite_managed else PARTNER
        request = mint_request(settings, acts_as)
        sent_at = self._runtime.clock()
        patience = settings.connect_timeout + settings.read_timeout
        # Not longer than the lease either: another process may mint soon after it (see CLAIM_MARGIN).
        within = min(patience, settings.lease, self._request.deadline - sent_at)
        if within < SHORTEST_ATTEMPT:
            await self._pause(Fault(self._last_fault))
            return False
        backoff = self._backoff()
        reply = await send(self._runtime, request, within=within, shortest_hold=backoff)
        now = self._runtime.clock()
        outcome = read_mint(request, reply.answer, now=now, shortest_life=settings.expiry_margin)
        self._runtime.telemetry.tell(
            MintTried.of(self._request.subject, outcome, now - sent_at, reply.request_id)
        )
        match outcome:
            case Granted(value, life):
                token = self._token(value, life, sent_at, person)
                if token.expires_in >= SHORTEST_USE:
                    return await self._store(lease, token)
                await self._throw_away(
                    token, Fault(f"a token that lives {life:g} s came too late to be used")
                )
            case Unusable(value, life, reason, request_id):
                token = self._token(value, life, sent_at, person)
                await self._throw_away(token, Fault(reason, request_id))
            case BadCredentials() if settings.credentials.reload(refused=request.secrets[0]):
                pass  # the file has another secret by now, which is tried at once
            case BadCredentials(message, request_id):
                error = credentials_rejected(settings, message, request_id)
                log.error("%s", error)
                raise error
            case Refused(status, message, request_id):
                raise refusal(settings, acts_as, status, message, request_id)
            case Astray(seen, request_id):
                self._concerns_everyone = True
                raise wrong_endpoint(settings, request.url, seen, request_id)
            case Throttled():
                self._failures += 1
            case Fault():
                await self._pause(outcome, reply.held)
        return False

    def _token(self, value: Secret, life: float, sent_at: float, person: EntityUser | Partner) -> AccessToken:
        return AccessToken.granted(
            value,
            life=life,
            sent_at=sent_at,
            jitter=self._runtime.random(),
            entity_user=None if person is PARTNER else person,
            clock=self._runtime.clock,
            timing=self._settings.timing,
        )

    async def _throw_away(self, token: AccessToken, fault: Fault) -> None:
        """Have a token revoked that nobody can use, and wait before the next try."""
        self._strays.add(self._request.slot, token)
        self.left_pending = True
        await self._strays.hand_over(self._runtime.store)
        await self._pause(fault)

    async def _store(self, lease: Lease, token: AccessToken) -> bool:
        """Put a token into the store; return whether it is the slot's now."""
        self._flight.mark_filled()
        # It may be cut off, perhaps before it is stored.
        with self._strays.in_hand(self._request.slot, token):
            committed = await self._runtime.store.commit(lease, token)
        self._runtime.telemetry.tell(MintCommitted(self._request.subject, committed.value, token.value))
        match committed:
            case Committed.STORED:
                if token.expires_in < self._request.min_life:
                    raise token_too_short(token, self._request.min_life)
                return True
            case Committed.FENCED:
                self.left_pending = True
            case Committed.DOOMED:
                self._drainer.start(self._runtime)  # the sooner it is revoked, the sooner there is another
                await self._pause(Fault("Monite gave a token again that is revoked, or about to be"))
        return False

    async def _pause(self, fault: Fault, held: float = 0.0) -> None:
        """Wait before the next try; raise MoniteUnavailable where it would come too late.

        `held`: for how many seconds everybody holds because of the fault, so that the budget makes wait.
        """
        self._last_fault = fault.reason
        pause = held or self._backoff()
        self._failures += 1
        if self._runtime.clock() + pause >= self._request.deadline:
            raise MoniteUnavailable(
                f"Monite gave no token in {self._failures} tries within the deadline of "
                f"{self._settings.deadline:g} s; the last one ended with: {fault.reason}.",
                request_id=fault.request_id,
                retry_after=held or COOLDOWN_AFTER_FAULT,
            )
        if not held:
            await self._runtime.sleep(pause)

    def _backoff(self) -> float:
        """Return the seconds before the next try after one more failure."""
        pause = min(LONGEST_BACKOFF, FIRST_BACKOFF * 2.0 ** min(self._failures, 16))
        return pause * (0.5 + self._runtime.random() / 2)
