"""The library with one mistake at a time: what the simulation has to catch.

A mutant changes the library by subclasses, and by names replaced while it is simulated; no file of the library is
touched. Each says in one line what is wrong, and in which small scenarios that is looked for.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from typing import Any, ClassVar
from unittest import mock

from monite_auth import AccessToken, MemoryStore, Principal
from monite_auth.engine import mint, mint_leader
from monite_auth.engine.drain import Drainer
from monite_auth.engine.endings import Endings
from monite_auth.engine.revocation_epoch import RevocationEpoch
from monite_auth.engine.runtime import Runtime
from monite_auth.engine.shared_peek import SharedPeek
from monite_auth.engine.single_flight import Flight
from monite_auth.engine.token_flow import TokenFlow
from monite_auth.engine.token_request import TokenRequest
from monite_auth.errors import MoniteUnavailable
from monite_auth.identity import PARTNER, EntityUser, Partner, Subject
from monite_auth.monite_api.answers import Fault
from monite_auth.monite_api.outcomes import Gone
from monite_auth.stores import (
    Admission,
    Committed,
    Due,
    Ended,
    Everything,
    Lease,
    Pending,
    Priority,
    Slot,
    Ticket,
)
from monite_auth.stores.memory.operations import MemoryOperations
from tests.simulation.world import Library

__all__ = ["MUTANTS", "Mutant"]


class Mutant(Library):
    """One mistake. `promise`: the check that is expected to notice; `or_else`: another that may come first."""

    about: ClassVar[str]
    promise: ClassVar[str]
    or_else: ClassVar[str] = ""
    scenarios: ClassVar[tuple[str, ...]]
    replaced: ClassVar[tuple[tuple[Any, str, Any], ...]] = ()
    """Names of modules that stand for something else while the mutant is simulated."""

    @contextmanager
    def installed(self) -> Iterator[None]:
        with ExitStack() as stack:
            for module, name, value in self.replaced:
                stack.enter_context(mock.patch.object(module, name, value))
            yield


# -- stores


class _NoFence(MemoryOperations):
    def _end(self, name: str, user: Any, includes: Any) -> int:
        ended = super()._end(name, user, includes)
        for place in user.places.values():
            if place.lease is not None:
                place.lease.fenced = False
        return ended


class FenceRemoved(Mutant):
    about = "a mint from before a logout is stored"
    promise = "5 logout is final"
    scenarios = ("mint x logout",)
    operations = _NoFence


class _SupersededForgotten(MemoryOperations):
    def _end(self, name: str, user: Any, includes: Any) -> int:
        for place in user.places.values():
            place.superseded = []
        return super()._end(name, user, includes)


class SupersededForgotten(Mutant):
    about = "a logout forgets the tokens that a renewal left behind"
    promise = "6 nothing is lost"
    scenarios = ("renew x logout: the older token dies too",)
    operations = _SupersededForgotten


class _EverybodyOwns(MemoryOperations):
    def _claim(self, place: Any, slot: Slot, now: float, owner: str, seconds: float, min_life: float) -> Any:
        if place.lease is not None:
            place.lease.owner = owner
        return super()._claim(place, slot, now, owner, seconds, min_life)


class OwnerNotChecked(Mutant):
    about = "a claim is given to whoever asks"
    promise = "2 one mint"
    scenarios = ("mint x mint x logout, two processes",)
    operations = _EverybodyOwns


class _ClaimIgnoresEnded(MemoryOperations):
    def _ending_of(self, principal: Principal, *, is_known: bool) -> None:
        return None


class ClaimIgnoresEnded(Mutant):
    about = "an ended session may claim"
    promise = "5 logout is final"
    scenarios = ("mint x logout",)
    operations = _ClaimIgnoresEnded


class _PeekIgnoresSession(MemoryOperations):
    async def peek(self, slot: Slot, principal: Subject) -> AccessToken | None:
        return await super().peek(slot, PARTNER)


class PeekIgnoresSession(Mutant):
    about = "an ended session is handed the token of another session"
    promise = "5 logout is final"
    scenarios = ("two sessions: logout x use",)
    operations = _PeekIgnoresSession


class _PeekIgnoresExpiry(MemoryOperations):
    async def peek(self, slot: Slot, principal: Subject) -> AccessToken | None:
        user = self._users.by_name.get(slot.user)
        place = user.places.get(slot) if user is not None else None
        if user is None or place is None:
            return None
        may = principal is PARTNER or self._may_peek(user, principal, self._clock())
        return place.token if may else None


class PeekIgnoresExpiry(Mutant):
    about = "an expired token is handed out"
    promise = "3 freshness"
    scenarios = ("expiry x mint",)
    operations = _PeekIgnoresExpiry


class _CommitIgnoresLease(MemoryOperations):
    def _held_under(self, lease: Lease) -> Any:
        user = self._users.by_name.get(lease.slot.user)
        place = user.places.get(lease.slot) if user is not None else None
        return (None, None) if place is None or place.lease is None else (user, place)


class CommitIgnoresLease(Mutant):
    about = "what comes under a lease that was taken over is stored"
    promise = "2 one mint"
    scenarios = ("late mint x takeover x use",)
    operations = _CommitIgnoresLease


class _DiscardsAnything(MemoryOperations):
    async def discard(self, slot: Slot, fingerprint: str) -> None:
        user = self._users.by_name.get(slot.user)
        place = user.places.get(slot) if user is not None else None
        if place is not None and place.token is not None:
            await super().discard(slot, place.token.fingerprint)


class DiscardsAnything(Mutant):
    about = "the rejection of an old token takes the new one away"
    promise = "4 valid beats new"
    scenarios = ("reject x reject x use",)
    operations = _DiscardsAnything


class _EndsOneTenant(MemoryOperations):
    _only: tuple[str | None] | None = None

    async def end_session(self, principal: Principal) -> int:
        self._only = (principal.tenant,)
        try:
            return await super().end_session(principal)
        finally:
            self._only = None

    def _end(self, name: str, user: Any, includes: Any) -> int:
        only = self._only
        return super()._end(name, user, lambda s: includes(s) and (only is None or s.tenant == only[0]))


class EndsOneTenant(Mutant):
    about = "a logout ends the tokens of the current tenant only"
    promise = "6 nothing is lost"
    scenarios = ("logout in two tenants x use",)
    operations = _EndsOneTenant


class _EndsOnlyWhomItKnows(MemoryOperations):
    async def end_session(self, principal: Principal) -> int:
        return await super().end_session(principal) if principal.user_id in self._users.by_name else 0


class EndsOnlyWhomItKnows(Mutant):
    about = "a logout before the first mint is not remembered"
    promise = "5 logout is final"
    scenarios = ("mint x logout",)
    operations = _EndsOnlyWhomItKnows


class _PostponeDrops(MemoryOperations):
    async def postpone(self, pending: Pending, seconds: float) -> None:
        self._revocations.settle(pending)


class PostponeDrops(Mutant):
    about = "a revocation that failed once is dropped"
    promise = "6 nothing is lost"
    scenarios = ("logout x drain x drain",)
    operations = _PostponeDrops


class _DueWithoutLease(MemoryOperations):
    async def due(self, limit: int, *, seconds: float) -> Due:
        return await super().due(limit, seconds=0.0)


class DueWithoutLease(Mutant):
    about = "two drainers are given the same revocation"
    promise = "8 one budget"
    scenarios = ("logout x drain x drain",)
    operations = _DueWithoutLease


class _HoldIgnored(MemoryOperations):
    async def hold(self, seconds: float) -> None:
        pass


class HoldIgnored(Mutant):
    about = "requests go on after a 429"
    promise = "8 one budget"
    scenarios = ("throttled mint x mint x logout",)
    operations = _HoldIgnored


class _NobodyStandsBack(MemoryOperations):
    async def admit(self, priority: Priority, ticket: Ticket | None, *, patience: float) -> Admission:
        admission = await super().admit(priority, ticket, patience=patience)
        return admission if admission.admitted else Admission(admitted=True, wait=0.0)


class PriorityIgnored(Mutant):
    about = "renewals and revocations do not stand back for users who wait"
    promise = "8 one budget"
    scenarios = ("a user waits x renewal x revocation",)
    operations = _NobodyStandsBack


class _LeaseNeverEnds(MemoryOperations):
    def _claim(self, place: Any, slot: Slot, now: float, owner: str, seconds: float, min_life: float) -> Any:
        return super()._claim(place, slot, now, owner, seconds * 1e6, min_life)


class LeaseNeverEnds(Mutant):
    about = "the lease of a process that died keeps the others from minting"
    promise = "2 no wedge"
    scenarios = ("mint x crash x mint",)
    operations = _LeaseNeverEnds


class _MinLifeIgnored(MemoryOperations):
    def _claim(self, place: Any, slot: Slot, now: float, owner: str, seconds: float, min_life: float) -> Any:
        return super()._claim(place, slot, now, owner, seconds, 0.0)


class MinLifeIgnored(Mutant):
    about = "a claim for a token of some life is answered with one that has less"
    promise = "3 freshness"
    or_else = "2 no wedge"
    scenarios = ("a call that wants more life x cancel",)
    operations = _MinLifeIgnored


# -- accounts


class _OneForAll(MemoryStore):
    def of(self, account: str) -> MemoryStore:
        del account
        return self


class AccountsShareAStore(Mutant):
    about = "a store shows all accounts the same"
    promise = "1 isolation"
    scenarios = ("two accounts: end_everything x use x drain",)
    store = _OneForAll


class _SharesWithOthers(MemoryStore):
    shared: ClassVar[tuple[str, ...]]

    def of(self, account: str) -> MemoryStore:
        other = super().of(account)
        mine, others = self.operations(blocking=True), other.operations(blocking=True)
        for name in self.shared:
            setattr(others, name, getattr(mine, name))
        return other


class _SharesRevocations(_SharesWithOthers):
    shared = ("_revocations",)


class AccountsShareRevocations(Mutant):
    about = "a drain works on the revocations of all accounts"
    promise = "1 isolation"
    scenarios = ("two accounts: end_everything x use x drain",)
    store = _SharesRevocations


class _SharesEndings(_SharesWithOthers):
    shared = ("_endings",)


class AccountsShareEndings(Mutant):
    about = "who has logged out of one account has of all"
    promise = "4 valid beats new"
    scenarios = ("two accounts: mint and logout x mint",)
    store = _SharesEndings


class _SharesCooldowns(_SharesWithOthers):
    shared = ("_everyone",)


class AccountsShareCooldowns(Mutant):
    about = "wrong credentials of one account keep another from minting"
    promise = "4 valid beats new"
    scenarios = ("two accounts: wrong credentials of one x mint",)
    store = _SharesCooldowns


# -- sessions and dates


class _BeginsAnew(MemoryOperations):
    async def begin_session(self, principal: Principal) -> None:
        await super().begin_session(principal)
        user = self._users.get_or_new(principal.user_id)
        if principal.session_id is not None:
            user.sessions[principal.session_id] = self._clock() + self._session_memory
            self._users.write(principal.user_id, user)


class LoginRevives(Mutant):
    about = "a session that has ended is known again once it is begun again"
    promise = "5 logout is final"
    scenarios = ("logout x login of the same session x use of another",)
    operations = _BeginsAnew


class _ForgetsUnused(MemoryOperations):
    _used: tuple[str, ...] = ()

    async def claim(self, slot: Slot, principal: Subject, **options: Any) -> Any:
        if principal is not PARTNER and principal.session_id is not None:
            self._used = (*self._used, principal.session_id)
        return await super().claim(slot, principal, **options)

    def _end_sessions(self, name: str, user: Any) -> None:
        user.sessions = {session: until for session, until in user.sessions.items() if session in self._used}
        super()._end_sessions(name, user)


class EndUserForgetsUnused(Mutant):
    about = "end_user does not end sessions that were begun and never used"
    promise = "5 logout is final"
    scenarios = ("end_user x logins that were never used",)
    operations = _ForgetsUnused


class _GoesByDates(MemoryOperations):
    def _ending_of(self, principal: Principal, *, is_known: bool) -> Ended | None:
        del is_known
        return super()._ending_of(principal, is_known=False)


class DatesOfKnownSessions(Mutant):
    about = "a session that is known is judged by its date all the same"
    promise = "4 valid beats new"
    scenarios = ("end_user x login on a host that is behind",)
    operations = _GoesByDates


class _ForgetsTheMoment(MemoryOperations):
    async def end_user(self, user: str) -> int:
        ended = await super().end_user(user)
        del self._endings.moments[user, None]
        return ended


class EndUserForgetsStrangers(Mutant):
    about = "end_user does not end sessions that the store has not seen yet"
    promise = "5 logout is final"
    scenarios = ("end_user x a session that nobody knows",)
    operations = _ForgetsTheMoment


class _NeverTooOld(MemoryOperations):
    def _ending_of(self, principal: Principal, *, is_known: bool) -> Ended | None:
        ending = super()._ending_of(principal, is_known=is_known)
        return None if ending is not None and ending.too_old else ending


class NeverTooOld(Mutant):
    about = "a session comes back to life when its ending is forgotten"
    promise = "5 logout is final"
    scenarios = ("sessions that are older than what is remembered",)
    operations = _NeverTooOld


class SecondsHaveNoLength(Mutant):
    about = "who logs in within the second of an end_user is locked out"
    promise = "4 valid beats new"
    scenarios = ("end_user x login within the same second x its logout",)
    replaced = ((Principal, "began_by", property(lambda principal: principal.began_at)),)


class _ForgetsItsDate(MemoryOperations):
    async def end_session(self, principal: Principal) -> int:
        ended = await super().end_session(principal)
        if principal.session_id is None:
            del self._endings.moments[principal.user_id, principal.began_at]
        return ended


class LogoutForgetsItsDate(Mutant):
    about = "a logout by date within the second of the login is not final"
    promise = "5 logout is final"
    scenarios = ("end_user x login within the same second x its logout",)
    operations = _ForgetsItsDate


class _PeekIgnoresDates(MemoryOperations):
    def _may_peek(self, user: Any, principal: Principal, now: float) -> bool:
        return principal.session_id is None or super()._may_peek(user, principal, now)


class PeekIgnoresDates(Mutant):
    about = "a job from before an end_user is handed the token of a later one"
    promise = "5 logout is final"
    scenarios = ("job x end_user x a later job",)
    operations = _PeekIgnoresDates


async def _login_forgotten(_endings: Endings, _runtime: Runtime, _principal: Principal) -> None:
    pass


class LoginForgotten(Mutant):
    about = "a login is not told to the store"
    promise = "5 logout is final"
    scenarios = ("login x end_user x use",)
    replaced = ((Endings, "login", _login_forgotten),)


# -- the same token again


class _CondemnsAnything(MemoryOperations):
    async def condemn(self, pending: Pending) -> bool:
        holders, self._holders = self._holders, {}
        try:
            return await super().condemn(pending)
        finally:
            self._holders = holders


class CondemnsAnything(Mutant):
    about = "a value is revoked although another slot hands it out"
    promise = "3 freshness"
    scenarios = ("the same again: logout x partner tokens for each",)
    operations = _CondemnsAnything


class _NoTombstone(MemoryOperations):
    async def condemn(self, pending: Pending) -> bool:
        is_condemned = await super().condemn(pending)
        self._revocations.spent.clear()
        return is_condemned


class NoTombstone(Mutant):
    about = "a value that was revoked while it came again is stored"
    promise = "3 freshness"
    scenarios = ("the same again: logout x mint of another session",)
    operations = _NoTombstone


class _CommitIgnoresPending(MemoryOperations):
    async def commit(self, lease: Lease, token: AccessToken) -> Committed:
        ids, self._revocations.ids = self._revocations.ids, {}
        try:
            return await super().commit(lease, token)
        finally:
            self._revocations.ids = {**ids, **self._revocations.ids}


class CommitIgnoresPending(Mutant):
    about = "a value is stored although it waits to be revoked"
    promise = "3 freshness"
    scenarios = ("the same again: logout x mint of another session",)
    operations = _CommitIgnoresPending


class _NeverLetsGo(MemoryOperations):
    def _let_go(self, slot: Slot, token: AccessToken) -> None:
        pass

    def _is_handed_out(self, value: str) -> bool:
        return value in self._holders


class HoldersNeverLetGo(Mutant):
    about = "a value is not revoked since slots that had it count as having it"
    promise = "6 nothing is lost"
    scenarios = ("logout x drain x drain",)
    operations = _NeverLetsGo


class _TriesAtOnce(mint.Mint):
    async def _pause(self, fault: Fault) -> None:
        pass


class DoomedTriesAtOnce(Mutant):
    about = "a mint that got a value which is to be revoked asks again at once, and again"
    promise = "2 no wedge"
    scenarios = ("the same again: logout x mint of another session",)
    replaced = ((mint_leader, "Mint", _TriesAtOnce),)


# -- emergencies


class _ForgetsThePartner(MemoryOperations):
    async def end_everything(self) -> Everything:
        partner = self._users.by_name.pop(PARTNER, None)
        try:
            return await super().end_everything()
        finally:
            if partner is not None:
                self._users.by_name[PARTNER] = partner


class EverythingButThePartner(Mutant):
    about = "end_everything leaves the partner token as it is"
    promise = "3 freshness"
    or_else = "5 logout is final"
    scenarios = ("end_everything x mint x the partner",)
    operations = _ForgetsThePartner


class _ForgetsStrangers(MemoryOperations):
    async def end_everything(self) -> Everything:
        everything = await super().end_everything()
        self._endings.everything = 0.0
        return everything


class EverythingButStrangers(Mutant):
    about = "end_everything does not end sessions that the store has not seen yet"
    promise = "5 logout is final"
    scenarios = ("end_everything x mint x the partner",)
    operations = _ForgetsStrangers


class _RevokesInOneSlot(MemoryOperations):
    async def revoke(self, token: AccessToken) -> int:
        value = token.fingerprint
        slots = self._holders.get(value, set())
        if len(slots) > 1:
            self._holders[value] = {min(slots, key=repr)}
        return await super().revoke(token)


class RevokesInOneSlot(Mutant):
    about = "a token that was revoked is still handed out by another slot"
    promise = "3 freshness"
    scenarios = ("the same again: revoke x mint of another session",)
    operations = _RevokesInOneSlot


class _OnlyStops(MemoryOperations):
    async def revoke(self, token: AccessToken) -> int:
        value = token.fingerprint
        self._revocations.spent[value] = token.expires_at
        try:
            return await super().revoke(token)
        finally:
            del self._revocations.spent[value]


class RevokeOnlyStops(Mutant):
    about = "a token that was to be revoked is no more than not handed out"
    promise = "6 nothing is lost"
    scenarios = ("revoke x use",)
    operations = _OnlyStops


class _PartnerStays(MemoryStore):
    async def relink(self, user: str | Partner) -> int:
        return 0 if user is PARTNER else await super().relink(user)


class PartnerTokenStays(Mutant):
    about = "the end of the partner token ends nothing"
    promise = "3 freshness"
    or_else = "5 logout is final"
    scenarios = ("end of the partner token x mint",)
    operations = _PartnerStays


# -- flows


async def _lead_and_keep(self: TokenFlow, runtime: Runtime, flight: Flight, request: TokenRequest) -> None:
    await self._leader.lead(runtime, flight, request)
    token = await runtime.store.peek(request.slot, request.subject)
    if token is not None:
        self.__dict__.setdefault("_brought", {})[request.slot] = token


async def _wait_and_hand_over(
    self: TokenFlow, runtime: Runtime, slot: Slot, subject: Subject, min_ttl: float
) -> AccessToken:
    request = TokenRequest(slot, subject, min_ttl, runtime.clock() + self._settings.deadline)
    while (now := runtime.clock()) < request.deadline:
        lease = self._settings.lease
        flight, leads = self._flights.join(slot, now, expires_at=now + lease, priority=Priority.USER)
        if leads:
            runtime.lead(_lead_and_keep(self, runtime, flight, request))
        await runtime.wait(flight, within=min(lease, request.deadline - now))
        await runtime.sleep(0)
        brought: AccessToken | None = self.__dict__.get("_brought", {}).get(slot)
        if brought is not None:
            return brought
        if flight.error is not None:
            raise flight.error
    raise MoniteUnavailable("There was no token.")


class FlightsTokenHandedOver(Mutant):
    about = "those who wait get what the flight brought, without another look into the store"
    promise = "5 logout is final"
    scenarios = ("mint x logout",)
    replaced = ((TokenFlow, "_wait", _wait_and_hand_over),)
    waits_are_private = False


class EndingsNotNoted(Mutant):
    about = "what another has read counts although a logout came after it"
    promise = "5 logout is final"
    scenarios = ("mint x mint x logout, threads",)
    replaced = ((RevocationEpoch, "ending", lambda _epoch: nullcontext()),)


def _result_for_anybody(self: SharedPeek, subject: Subject, now: float) -> AccessToken | None:
    return _result(self, self._result.subject if self._result is not None else subject, now)


_result = SharedPeek.result


class ReadsSharedWithOtherSessions(Mutant):
    about = "what another has read counts for other sessions too"
    promise = "5 logout is final"
    scenarios = ("a session that has ended x mint of another",)
    replaced = ((SharedPeek, "result", _result_for_anybody),)


async def _renewal_makes_wait(
    self: TokenFlow, runtime: Runtime, subject: Subject, min_ttl: float = 0.0
) -> AccessToken:
    token = await runtime.store.peek(self.slot(subject), subject)
    if token is None or token.renew_at > runtime.clock():
        return await _token(self, runtime, subject, min_ttl)
    return await _token(self, runtime, subject, max(min_ttl, token.expires_in + 1))


_token = TokenFlow.token


class RenewalMakesWait(Mutant):
    about = "a caller waits for the renewal of a token that is still good"
    promise = "4 valid beats new"
    scenarios = ("renew x use, and Monite is down",)
    replaced = ((TokenFlow, "token", _renewal_makes_wait),)


class TenantsShareASlot(Mutant):
    about = "a user's tenants share one token"
    promise = "1 isolation"
    scenarios = ("logout in two tenants x use",)
    replaced = ((TokenFlow, "slot", lambda flow, subject: _slot(flow, subject)._replace(tenant=None)),)


_slot = TokenFlow.slot


class FlightNeverFinishes(Mutant):
    about = "those who wait are not told that the flight is over"
    promise = "4 valid beats new"
    scenarios = ("mint x crash x mint",)
    replaced = ((Flight, "finish", lambda _flight, *_what, **_more: None),)


async def _logout_drains(self: Endings, runtime: Runtime, principal: Principal) -> None:
    await _logout(self, runtime, principal)
    await self._drainer.drain(runtime, within=1.0)


_logout = Endings.logout


class LogoutDrains(Mutant):
    about = "a logout waits until its tokens are revoked"
    promise = "7 logout is cheap"
    scenarios = ("logout x drain x drain",)
    replaced = ((Endings, "logout", _logout_drains),)


# -- mints and drains


async def _settled_anyway(self: Drainer, runtime: Runtime, pending: Pending) -> Gone:
    await _revoke(self, runtime, pending)
    return Gone()


_revoke = Drainer._revoke


class AnyAnswerSettles(Mutant):
    about = "a revocation is settled whatever Monite answers"
    promise = "6 nothing is lost"
    scenarios = ("logout x drain x drain",)
    replaced = ((Drainer, "_revoke", _settled_anyway),)


class NoRestAfterRefusal(Mutant):
    about = "a mint is tried again right after Monite has refused our credentials"
    promise = "rest after a refusal"
    scenarios = ("wrong credentials x mint x mint",)
    replaced = ((mint, "cooldown_after", lambda _error, **_everyone: None),)


class _Unadmitted(mint.Mint):
    async def _may_send(self) -> bool:
        return True


class BudgetNotAsked(Mutant):
    about = "a mint does not ask the request budget"
    promise = "8 one budget"
    scenarios = ("mint x logout",)
    replaced = ((mint_leader, "Mint", _Unadmitted),)


class _AsksTheDirectoryOnce(mint.Mint):
    async def _find(self, principal: Principal) -> EntityUser:
        found: EntityUser | None = self.__dict__.get("_found")
        if found is None:
            found = self._found = await super()._find(principal)
        return found


class DirectoryAskedOnce(Mutant):
    about = "a mint that was fenced by a relink goes on with the entity user from before"
    promise = "1 isolation"
    scenarios = ("relink x mint x mint",)
    replaced = ((mint_leader, "Mint", _AsksTheDirectoryOnce),)


MUTANTS: tuple[type[Mutant], ...] = (
    FenceRemoved,
    SupersededForgotten,
    OwnerNotChecked,
    ClaimIgnoresEnded,
    PeekIgnoresSession,
    PeekIgnoresExpiry,
    CommitIgnoresLease,
    DiscardsAnything,
    EndsOneTenant,
    EndsOnlyWhomItKnows,
    PostponeDrops,
    DueWithoutLease,
    HoldIgnored,
    PriorityIgnored,
    LeaseNeverEnds,
    MinLifeIgnored,
    FlightsTokenHandedOver,
    EndingsNotNoted,
    ReadsSharedWithOtherSessions,
    RenewalMakesWait,
    TenantsShareASlot,
    FlightNeverFinishes,
    LogoutDrains,
    AnyAnswerSettles,
    NoRestAfterRefusal,
    BudgetNotAsked,
    DirectoryAskedOnce,
    AccountsShareAStore,
    AccountsShareRevocations,
    AccountsShareEndings,
    AccountsShareCooldowns,
    LoginRevives,
    EndUserForgetsUnused,
    DatesOfKnownSessions,
    EndUserForgetsStrangers,
    NeverTooOld,
    SecondsHaveNoLength,
    LogoutForgetsItsDate,
    PeekIgnoresDates,
    LoginForgotten,
    CondemnsAnything,
    NoTombstone,
    CommitIgnoresPending,
    HoldersNeverLetGo,
    DoomedTriesAtOnce,
    EverythingButThePartner,
    EverythingButStrangers,
    RevokesInOneSlot,
    RevokeOnlyStops,
    PartnerTokenStays,
)
