"""The decisions: when to mint, whom to make wait, when to renew, what a logout ends.

Each flow is written once and run by threads and by event loops alike: it awaits nothing but its runtime. Nothing
here holds a lock or does I/O of its own, and no token is kept: the store is what remembers.

After every wait a flow looks again at what there is. What a flight brought is not handed from one to the other, since
a logout may have come between; `flights` says when one may rely on another's look into the store.
"""

import logging
from collections.abc import Awaitable, Hashable
from dataclasses import dataclass

from monite_auth.engine.drain import DrainReport, drain
from monite_auth.engine.exchange import begin_exchange, end_exchange
from monite_auth.engine.flights import Flight, Flights
from monite_auth.engine.mint import REST_AFTER_FAULT, Mint, token_too_short
from monite_auth.engine.runtime import Runtime
from monite_auth.engine.strays import Strays
from monite_auth.engine.surroundings import Surroundings
from monite_auth.errors import (
    ConfigurationError,
    EntityUserRejected,
    MoniteUnavailable,
    RateLimited,
    SessionEnded,
    StoreUnavailable,
    TokenTooShort,
)
from monite_auth.identity import PARTNER, Directory, EntityUser, Principal, Subject
from monite_auth.processes.workers import is_one_of_several
from monite_auth.settings import Settings
from monite_auth.stores import PARTNER_SLOT, Priority, Slot
from monite_auth.stores.memory.operations import MemoryOperations
from monite_auth.telemetry import Telemetry
from monite_auth.tokens import AccessToken

__all__ = ["EndReport", "Flows", "UserStatus"]

log = logging.getLogger("monite_auth")

NAP = 5.0
"""Seconds after which a process that has pending revocations looks at them again, at the latest."""


DRAINERS = 3
"""Drainers per process, at the most: enough for some 30 revocations a second, and few enough to leave threads for
renewals."""


QUICK = 0.001
"""Seconds that a look takes where the store is near. Threads that wait go on one after the other then, which is faster
than all at once; where it takes longer, each wakes two, so that soon as many look as the store has connections."""


@dataclass(frozen=True, slots=True)
class UserStatus:
    """What the store has of a user.

    `live`: how many tokens are handed out, over all tenants and sessions; `expires_at`: when the last of them expires,
    epoch seconds; `pending`: how many revocations are pending in the whole store, of all users.
    """

    live: int
    expires_at: float | None
    pending: int


@dataclass(frozen=True, slots=True)
class EndReport:
    """What came of ending everything of an account.

    `sessions`: how many known sessions were ended; `tokens`: how many tokens were taken away; `drained`: what has been
    revoked of them so far.
    """

    sessions: int
    tokens: int
    drained: DrainReport

    def __str__(self) -> str:
        """Say it in one line."""
        return f"ended {self.sessions} sessions and {self.tokens} tokens; {self.drained}"


class Flows:
    """The decisions of one broker; its threads and tasks share the flights."""

    def __init__(
        self,
        settings: Settings,
        directory: Directory,
        telemetry: Telemetry,
        surroundings: Surroundings | None = None,
    ) -> None:
        self._settings = settings
        self._directory = directory
        self._telemetry = telemetry
        self._surroundings = surroundings or Surroundings()
        self._flights = Flights(self._surroundings)
        self._strays = Strays()
        self._owner = self._surroundings.new_id()
        self._look_at = self._surroundings.first_sweep
        self._has_minted = self._has_warned = False

    def slot(self, principal: Subject) -> Slot:
        """Return the place of the principal's token, or the partner's."""
        if principal is PARTNER:
            return PARTNER_SLOT
        session = principal.session_id if self._settings.token_scope == "session" else None  # noqa: S105
        kind = None if self._settings.is_monite_managed else "partner"
        return Slot(principal.user_id, principal.tenant, session, kind)

    def _join(self, rt: Runtime, key: Hashable, priority: Priority) -> tuple[Flight, bool]:
        now = rt.clock()
        return self._flights.join(key, now, until=now + self._settings.lease, priority=priority)

    # -- tokens

    async def token(self, rt: Runtime, principal: Subject, min_ttl: float = 0.0) -> AccessToken:
        """Return a token with `min_ttl` seconds left: the one at hand, or a new one."""
        if self._settings.require_sessions and principal is not PARTNER and not principal.can_end:
            raise ConfigurationError(
                "MONITE_REQUIRE_SESSIONS is set, and this principal has neither a session_id nor authenticated_at, so that a "
                "logout of it could not be final. Give Principal one of them (of a JWT: its sid, or auth_time)."
            )
        slot = self.slot(principal)
        if self._flights.must_be_awaited(slot, rt.clock):  # a crowd need not ask the store one by one
            return await self._await_token(rt, slot, principal, min_ttl)
        token = await rt.store.peek(slot, principal)
        if token is None:
            return await self._await_token(rt, slot, principal, min_ttl)
        now = rt.clock()
        if now >= self._look_at and rt.has_background:
            self.drain_soon(rt)
        if token.expires_at - now < min_ttl:
            if token.life < min_ttl and now < token.renew_at:
                raise token_too_short(token, min_ttl)
            return await self._await_token(rt, slot, principal, min_ttl)
        if token.renew_at <= now:
            self._renew(rt, slot, principal, token)
        return token

    async def _await_token(self, rt: Runtime, slot: Slot, principal: Subject, min_ttl: float) -> AccessToken:
        """Lead or join the flight that mints for `slot`, until there is a token or a reason why not."""
        deadline = rt.clock() + self._settings.deadline
        while True:
            flight, leads = self._join(rt, slot, Priority.USER)
            if leads:
                rt.lead(self._fly(rt, flight, slot, principal, min_ttl, deadline))
            quick = False
            try:
                # No longer than a lease at a time: whoever leads may have gone without a word.
                await rt.wait(flight, within=min(self._settings.lease, deadline - rt.clock()))
                looked_at = rt.clock()
                token = await rt.look(flight, slot, principal)
                quick = rt.clock() - looked_at < QUICK
            finally:
                flight.wake_next(1 if quick else 2)
            if token is not None and token.expires_in >= min_ttl:
                return token
            # What is wrong with another session or wish is no reason for this one: it claims for itself, and is told.
            if flight.error is not None and (
                leads or not isinstance(flight.error, SessionEnded | TokenTooShort)
            ):
                raise flight.error
            if rt.clock() >= deadline:
                raise MoniteUnavailable(
                    f"There was no token within the deadline of {self._settings.deadline:g} s; "
                    "the mint that this call waited for is still in progress.",
                    retry_after=REST_AFTER_FAULT,
                )

    async def _fly(
        self,
        rt: Runtime,
        flight: Flight,
        slot: Slot,
        principal: Subject,
        min_life: float,
        deadline: float,
    ) -> None:
        """Mint on behalf of everybody who waits for the flight, and land it whatever happens."""
        if not flight.begin():
            return
        self._warn_of_other_workers(rt)
        mint = Mint(
            rt,
            self._settings,
            self._directory,
            self._telemetry,
            self._strays,
            drain_soon=lambda: self.drain_soon(rt),
            owner=self._owner,
            claim_poll=self._surroundings.claim_poll,
            flight=flight,
            slot=slot,
            principal=principal,
            min_life=min_life,
            deadline=deadline,
        )
        error: Exception | None = None
        try:
            await mint.run()
        except Exception as failure:  # noqa: BLE001 - those who wait raise it
            error = failure
            if not mint.rests and isinstance(failure, EntityUserRejected | MoniteUnavailable | RateLimited):
                log.warning("There is no new token. %s", failure)  # whatever the app makes of it
        finally:
            self._flights.land(slot, flight, error=error)
            if self._strays.tokens:
                self._look_at = 0.0  # the next to come sees to them, where this one can do no more
        if mint.left_pending or rt.clock() >= self._look_at:
            self.drain_soon(rt)

    def _warn_of_other_workers(self, rt: Runtime) -> None:
        """Say at the first mint if each of several workers keeps tokens for itself."""
        if not self._has_minted:
            self._has_minted = True
            if isinstance(rt.store, MemoryOperations) and is_one_of_several():
                log.warning(
                    "MONITE_STORE_URL is memory://, and this process seems to be one of several workers: each mints for itself, "
                    "and a logout ends tokens in the worker that it reaches only. Set it to sqlite:///… (one host) or redis://… "
                    "(many)."
                )

    def _renew(self, rt: Runtime, slot: Slot, principal: Subject, token: AccessToken) -> None:
        """Start a renewal in the background, unless one is on its way or has failed a moment ago."""
        guard, leads = self._join(rt, ("renewal", slot), Priority.RENEWAL)
        if leads:
            rt.spawn(self._renewal(rt, guard, slot, principal, token))

    async def _renewal(
        self, rt: Runtime, guard: Flight, slot: Slot, principal: Subject, token: AccessToken
    ) -> None:
        if not guard.begin():
            return
        try:
            flight, leads = self._join(rt, slot, Priority.RENEWAL)
            if leads:
                deadline = rt.clock() + self._settings.deadline
                await self._fly(rt, flight, slot, principal, token.expires_in + 1, deadline)
            current = await rt.store.peek(slot, principal)
        except BaseException:
            self._flights.land(("renewal", slot), guard)
            raise
        if current is None or current.fingerprint != token.fingerprint:
            self._flights.land(("renewal", slot), guard)
            return
        # The guard stays in its place: the hits that follow find it and do not try at once.
        guard.rest(rt.clock() + (getattr(flight.error, "retry_after", None) or REST_AFTER_FAULT))
        if flight.error is not None:
            log.warning(
                "A token could not be renewed and is used until its end: %s", type(flight.error).__name__
            )

    async def reject(self, rt: Runtime, principal: Subject, token: AccessToken) -> None:
        """Note that Monite does not accept `token`, so that it is not handed out again."""
        with self._surroundings.epoch.ending():
            await rt.store.discard(self.slot(principal), token.fingerprint)

    async def exchange(self, rt: Runtime, principal: Subject, token: AccessToken, *, certain: bool) -> bool:
        """Say whether a call that was refused is to be sent again, with another token; see `exchange`."""
        slot = self.slot(principal)
        with self._surroundings.epoch.ending():
            current = await rt.store.peek(slot, principal)
            return await begin_exchange(rt.store, slot, token, current, certain=certain)

    async def exchanged(self, rt: Runtime, principal: Subject, *, helped: bool) -> None:
        """Note whether the call that was sent again was accepted."""
        await end_exchange(rt.store, self.slot(principal), helped=helped)

    async def entity_user(self, rt: Runtime, principal: Principal) -> EntityUser | None:
        """Return who the principal is in Monite: what the token at hand says, or the directory."""
        token = await rt.store.peek(self.slot(principal), principal)
        return token.entity_user if token is not None else await rt.find(self._directory, principal)

    async def status(self, rt: Runtime, user_id: str) -> UserStatus:
        """Say what the store has of a user."""
        status = await rt.store.status(user_id)
        return UserStatus(status.live, status.expires_at, await rt.store.backlog())

    # -- beginnings and endings

    async def login(self, rt: Runtime, principal: Principal) -> None:
        """Have the store know a session from its beginning."""
        try:
            await rt.store.begin_session(principal)
        except StoreUnavailable as error:  # the date in the principal has to do
            log.warning("A login could not be recorded; the session is judged by its date. %s", error)

    async def logout(self, rt: Runtime, principal: Principal) -> None:
        """End the principal's session; its tokens are revoked in the background."""
        if not principal.can_end and not self._has_warned:
            self._has_warned = True
            log.warning(
                "A logout cannot be final: the principal has neither a session_id nor authenticated_at, so its next call looks "
                "like a new login and gets a token. Give Principal one of them (of a JWT: its sid, or auth_time); "
                "MONITE_REQUIRE_SESSIONS=true refuses principals without. This is said once per process."
            )
        await self._end(rt, "session", rt.store.end_session(principal))

    async def end_user(self, rt: Runtime, user_id: str) -> None:
        """End all sessions of a user."""
        await self._end(rt, "user", rt.store.end_user(user_id))

    async def relink(self, rt: Runtime, user_id: str) -> None:
        """Take away the tokens of a user whose entity user has changed."""
        await self._end(rt, "relink", rt.store.relink(user_id))

    async def end_partner_token(self, rt: Runtime) -> None:
        """Take away the partner token."""
        await self._end(rt, "partner", rt.store.relink(PARTNER))

    async def revoke(self, rt: Runtime, token: AccessToken) -> None:
        """Take away one token, whoever has it."""
        with self._surroundings.epoch.ending():
            await rt.store.revoke(token)
        self._telemetry.ended("token")
        self.drain_soon(rt)

    async def end_everything(self, rt: Runtime, *, within: float) -> EndReport:
        """End all sessions of all users, and revoke all tokens of the account."""
        with self._surroundings.epoch.ending():
            everything = await rt.store.end_everything()
        self._telemetry.ended("everything")
        drained = await self.drain(rt, within=within)
        return EndReport(everything.sessions, everything.tokens, drained)

    async def _end(self, rt: Runtime, reach: str, ending: Awaitable[int]) -> None:
        with self._surroundings.epoch.ending():
            pending = await ending
        self._telemetry.ended(reach)
        if pending:
            self.drain_soon(rt)

    async def drain(self, rt: Runtime, *, within: float) -> DrainReport:
        """Work on the pending revocations that are due."""
        await self._strays.hand_over(rt.store)
        return await drain(rt, self._settings, self._telemetry, within=within)

    def drain_soon(self, rt: Runtime) -> None:
        """Have the pending revocations worked on in the background, by a few drainers per process."""
        self._look_at = rt.clock() + self._surroundings.sweep_interval
        for number in range(DRAINERS):
            flight, leads = self._join(rt, ("drain", number), Priority.REVOCATION)
            if leads:
                rt.spawn(self._keep_draining(rt, ("drain", number), flight))
                return

    async def _keep_draining(self, rt: Runtime, key: Hashable, flight: Flight) -> None:
        if not flight.begin():
            return
        try:
            while True:
                calls = flight.calls
                flight.until = rt.clock() + 2 * NAP
                report = await self.drain(rt, within=NAP)
                if report.next_in == 0:
                    continue
                # Whoever joined meanwhile relies on this drainer to look again.
                if self._flights.land(key, flight, calls=calls):
                    break
        except BaseException:
            self._flights.land(key, flight)
            raise
        if report.next_in is not None:
            self._drain_later(rt, report.next_in)

    def _drain_later(self, rt: Runtime, seconds: float) -> None:
        nap, leads = self._join(rt, "nap", Priority.REVOCATION)
        if leads:
            nap.until = rt.clock() + 2 * NAP
            rt.spawn(self._nap(rt, nap, min(seconds, NAP)))

    async def _nap(self, rt: Runtime, nap: Flight, seconds: float) -> None:
        if not nap.begin():
            return
        try:
            await rt.sleep(seconds)
        finally:
            self._flights.land("nap", nap)
        self.drain_soon(rt)
