"""The way to a token: peek into the store, or join the mint that is under way, or lead one, and wait.

What a mint brought is never handed from one caller to another, since a logout may have come between: after every wait,
each caller reads the store, or shares a read under the rules of `shared_peek`.
"""

from contextlib import suppress
from functools import partial

from monite_auth.engine.asking import Turn, rate_limited
from monite_auth.engine.drain import Drainer
from monite_auth.engine.exchange import begin_exchange, end_exchange
from monite_auth.engine.mint_errors import COOLDOWN_AFTER_FAULT, slow_function, token_too_short
from monite_auth.engine.mint_leader import MintLeader
from monite_auth.engine.renewal import Renewals
from monite_auth.engine.runtime import Overdue, Runtime
from monite_auth.engine.single_flight import Flight, SingleFlight
from monite_auth.engine.surroundings import Surroundings
from monite_auth.engine.token_request import TokenRequest
from monite_auth.errors import (
    ConfigurationError,
    MoniteAuthError,
    MoniteUnavailable,
    SessionEnded,
    StoreUnavailable,
    TokenTooShort,
)
from monite_auth.identity import PARTNER, Directory, EntityUser, Principal, Subject
from monite_auth.settings import Settings
from monite_auth.stores import PARTNER_SLOT, InTurn, Priority, Slot
from monite_auth.telemetry.facts import WaitEnded
from monite_auth.tokens import AccessToken

__all__ = ["TokenFlow"]


NOTHING = InTurn(None, None)


class TokenFlow:
    """Gives tokens to the callers of one process, and takes back those that Monite rejects."""

    def __init__(
        self,
        settings: Settings,
        directory: Directory,
        flights: SingleFlight,
        leader: MintLeader,
        renewals: Renewals,
        drainer: Drainer,
        surroundings: Surroundings,
    ) -> None:
        self._settings = settings
        self._requires_sessions = settings.require_sessions
        self._has_token_per_session = settings.token_scope == "session"  # noqa: S105 - no password
        self._kind = None if settings.is_monite_managed else "partner"
        self._directory = directory
        self._flights = flights
        self._leader = leader
        self._renewals = renewals
        self._drainer = drainer
        self._surroundings = surroundings
        self._epoch = surroundings.epoch
        self._counts = surroundings.counts

    def slot(self, subject: Subject) -> Slot:
        """Return the place of the subject's token."""
        if subject is PARTNER:
            return PARTNER_SLOT
        session = subject.session_id if self._has_token_per_session else None
        # Every hit makes a slot, and Slot(…) takes twice as long.
        return tuple.__new__(Slot, (subject.user_id, subject.tenant, session, self._kind))

    async def token(
        self, runtime: Runtime, subject: Subject, min_ttl: float = 0.0, *, until: float | None = None
    ) -> AccessToken:
        """Return a token with at least `min_ttl` seconds left: the one at hand, or a new one.

        `until`: the caller's deadline, epoch seconds, where some of its time is over already.
        Raises ConfigurationError for a principal that MONITE_REQUIRE_SESSIONS forbids, and what a mint raises.
        """
        slot = self._admissible_slot(subject)
        # A stampede need not ask the store one by one.
        if not self._flights.is_known_empty(slot, runtime.clock):
            token = await runtime.store.peek(slot, subject)
            if token is not None and self._serves(runtime, slot, subject, token, min_ttl):
                return token
        return await self._wait(runtime, slot, subject, min_ttl, until)

    def _admissible_slot(self, subject: Subject) -> Slot:
        if self._requires_sessions and subject is not PARTNER and not subject.can_end:
            raise ConfigurationError(
                "MONITE_REQUIRE_SESSIONS is set, and this principal has neither a session_id nor authenticated_at, so that a "
                "logout of it could not be final. Give Principal one of them (of a JWT: its sid, or auth_time)."
            )
        return self.slot(subject)

    def _serves(
        self, runtime: Runtime, slot: Slot, subject: Subject, token: AccessToken, min_ttl: float
    ) -> bool:
        """Return whether a token that was peeked is good enough, and begin what is due: its renewal, or a sweep."""
        now = runtime.clock()
        if now >= self._drainer.sweep_at and runtime.has_background:
            self._drainer.start(runtime)
        if token.expires_at - now < min_ttl:
            if token.life < min_ttl and now < token.renew_at:
                raise token_too_short(token, min_ttl)
            return False
        if token.renew_at <= now:
            self._renewals.start(runtime, slot, subject, token)
            self._counts.stale.add()
        self._counts.hits.add()
        return True

    async def token_in_turn(
        self, runtime: Runtime, subject: Subject, *, until: float | None = None
    ) -> AccessToken:
        """Return the token of one call when it is the call's turn in the request budget; see `token`.

        Raises RateLimited when the turn comes later than `call_patience` allows.
        """
        until = runtime.clock() + self._settings.deadline if until is None else until
        patience = self._settings.call_patience
        slot = self._admissible_slot(subject)
        epoch = self._known_epoch()
        found = NOTHING
        if not self._flights.is_known_empty(slot, runtime.clock):
            found = await runtime.store.peek_in_turn(slot, subject, patience=patience)
        token, admission = found
        if token is None or not self._serves(runtime, slot, subject, token, 0.0):
            token, admission = await self._wait(runtime, slot, subject, 0.0, until), None
        read_at = runtime.clock()
        wait = await Turn(runtime, admission).take(Priority.CALL, until=read_at + patience)
        if wait > 0:
            raise rate_limited(self._settings, wait)
        # As with a shared peek: nothing has ended here, and elsewhere no longer ago than an answer may be on its way.
        is_recent = 0 <= runtime.clock() - read_at < self._surroundings.peek_shared_for
        if is_recent and epoch == self._known_epoch():
            return token
        return await self.token(runtime, subject, until=until)

    def _known_epoch(self) -> int:
        return self._surroundings.told(self, "ended", self._epoch.current)

    async def _wait(
        self, runtime: Runtime, slot: Slot, subject: Subject, min_ttl: float, until: float | None
    ) -> AccessToken:
        """Wait for a mint, and tell how long that took."""
        began = runtime.clock()
        try:
            token = await self._wait_for_mint(runtime, slot, subject, min_ttl, until)
        except MoniteAuthError as error:
            runtime.telemetry.tell(WaitEnded(error.code, runtime.clock() - began))
            raise
        runtime.telemetry.tell(WaitEnded("token", runtime.clock() - began))
        return token

    async def _wait_for_mint(
        self, runtime: Runtime, slot: Slot, subject: Subject, min_ttl: float, until: float | None
    ) -> AccessToken:
        """Lead or join flights of the slot, until there is a token or a reason why not."""
        settings = self._settings
        deadline = runtime.clock() + settings.deadline if until is None else until
        if runtime.clock() >= deadline:
            raise MoniteUnavailable(
                f"No time was left to ask Monite for a token within the deadline of {settings.deadline:g} s.",
                retry_after=COOLDOWN_AFTER_FAULT,
            )
        request = TokenRequest(slot, subject, min_ttl, deadline)
        while True:
            now = runtime.clock()
            flight, leads = self._flights.join(
                slot, now, expires_at=now + settings.lease, priority=Priority.USER
            )
            if leads:
                runtime.lead(self._leader.lead(runtime, flight, request))
            # No longer than a lease at a time: the leader may have gone without a word.
            await runtime.wait(flight, within=min(settings.lease, request.deadline - runtime.clock()))
            token = await self._peek_after(runtime, flight, request)
            if token is not None and token.expires_in >= min_ttl:
                return token
            error = flight.error
            # SessionEnded and TokenTooShort concern the leader's own session and min_ttl. A joiner tries again and gets
            # its own answer.
            if error is not None and (leads or not isinstance(error, SessionEnded | TokenTooShort)):
                raise error
            if runtime.clock() >= request.deadline:
                raise MoniteUnavailable(
                    f"There was no token within the deadline of {settings.deadline:g} s; "
                    f"the mint that this call waited for is still in progress, and waits for {flight.waits_for}.",
                    retry_after=COOLDOWN_AFTER_FAULT,
                )

    async def _peek_after(
        self, runtime: Runtime, flight: Flight, request: TokenRequest
    ) -> AccessToken | None:
        """Read the store after a wait for the flight, or share what another waiter has just read."""
        shared, subject = flight.shared_peek, request.subject
        token = shared.result(subject, runtime.clock())
        if token is None:
            async with runtime.one_by_one(shared):
                peek = partial(runtime.store.peek, request.slot, subject)
                token = await shared.read(subject, peek, runtime.clock)
        return token

    async def entity_user(self, runtime: Runtime, principal: Principal) -> EntityUser | None:
        """Return who the principal is in Monite: what the token at hand says, or the directory."""
        token = None
        with suppress(StoreUnavailable):  # who somebody is, the directory knows without the store
            token = await runtime.store.peek(self.slot(principal), principal)
        if token is not None:
            return token.entity_user
        try:
            return await runtime.find(self._directory, principal, within=self._settings.deadline)
        except Overdue:
            raise slow_function(self._settings, "the directory", self._settings.deadline) from None

    # -- tokens that Monite does not accept

    async def reject(self, runtime: Runtime, subject: Subject, token: AccessToken) -> None:
        """Note that Monite does not accept `token`, so that it is not handed out again. Raises StoreUnavailable."""
        with self._epoch.ending():
            await runtime.store.discard(self.slot(subject), token.fingerprint)

    async def exchange(
        self, runtime: Runtime, subject: Subject, token: AccessToken, *, certain: bool
    ) -> bool:
        """Say whether a call that was refused is to be sent again, with another token; see `exchange`."""
        slot = self.slot(subject)
        with self._epoch.ending():
            current = await runtime.store.peek(slot, subject)
            return await begin_exchange(runtime.store, slot, token, current, certain=certain)

    async def exchanged(self, runtime: Runtime, subject: Subject, *, helped: bool) -> None:
        """Note whether the call that was sent again was accepted."""
        await end_exchange(runtime.store, self.slot(subject), helped=helped)
