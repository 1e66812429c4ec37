"""Promises 5, 6, 7 and 11 in outages: mistakes of what a process owes, whom it trusts, and how large an outage is."""

from typing import Any

from monite_auth import AccessToken
from monite_auth.errors import StoreUnavailable
from monite_auth.identity import Subject
from monite_auth.stores import Committed, Lease, Slot
from monite_auth.stores.fallback import owed_operation
from monite_auth.stores.fallback.asking import Asking
from monite_auth.stores.fallback.handover import Handover
from monite_auth.stores.fallback.owed import Owed
from monite_auth.stores.fallback.parts import Parts
from monite_auth.stores.fallback.revocations import FallbackRevocations
from monite_auth.stores.fallback.tokens import FallbackTokens
from monite_auth.stores.fallback.trust import Trust
from tests.simulation.mutants.mutant import Mutant

__all__ = ["MUTANTS"]


async def _forgets_what_is_owed(self: Owed, *_arguments: Any) -> bool:
    self._operations.clear()
    return True


class OwedNotRepeated(Mutant):
    about = "what the store has missed is not told to it"
    promise = "5 logout is final"
    scenarios = ("outage x logout and use",)
    replaced = ((Owed, "repeat", _forgets_what_is_owed),)


async def _asks_first(self: Asking, question: Any, **about: Any) -> Any:
    self._outage.check()
    try:
        answer = await question()
    except StoreUnavailable as error:
        self._note(error, next(iter(about.values()), None))
        raise
    self._outage.end()
    if self._owed:
        await self._tell_first(None, is_read=False)
    return answer


class OwedRepeatedAfterTheFirstQuestion(Mutant):
    about = "the store hears what it has missed after the first question, and not before"
    promise = "5 logout is final"
    scenarios = ("outage x logout x use",)
    replaced = ((Asking, "_ask", _asks_first),)


class AnswersFromBeforeALogout(Mutant):
    about = "an answer counts although a logout was accepted while the store was asked"
    promise = "5 logout is final"
    scenarios = ("outage x logout x use",)
    replaced = ((Owed, "concerns", lambda _owed, _user: False),)


class JournalNotAdopted(Mutant):
    about = "what a process owed is lost with it, though it stands in its journal"
    promise = "5 logout is final"
    scenarios = ("outage x logout, and the process dies",)
    replaced = ((Owed, "is_adoption_due", lambda _owed: False),)


async def _holds_nothing(*_arguments: Any) -> int:
    return 0


class EndingsHoldInTheStoreAlone(Mutant):
    about = "a logout that the store cannot record does not hold in the process that has accepted it"
    promise = "5 logout is final"
    or_else = "11 careful when degraded"
    scenarios = ("outage x logout and use",)
    replaced = ((Asking, "_hold_here", _holds_nothing),)


class LateLoginsCountAsNew(Mutant):
    about = "a login that the store hears of late counts as one of that moment"
    promise = "5 logout is final"
    scenarios = ("outage x end_user x a login elsewhere",)
    replaced = ((owed_operation, "DATED", owed_operation.DATED - {"begin_session"}),)


async def _trusts_everybody(*_arguments: Any) -> None:
    pass


class TrustNotChecked(Mutant):
    about = "everybody is served in an outage"
    promise = "11 careful when degraded"
    scenarios = ("outage x a session that another process has seen",)
    replaced = ((FallbackTokens, "_refuse_unless_trusted", _trusts_everybody),)


class TrustNeverEnds(Mutant):
    about = "a session is trusted for ever once it was seen alive"
    promise = "11 careful when degraded"
    scenarios = ("outage x a session that another process has seen",)
    replaced = (
        (Trust, "includes", lambda trust, subject: (subject.user_id, subject.session_id) in trust._newer),
    )


class EndedSessionsTrusted(Mutant):
    about = "a session is trusted although the store has said that it has ended"
    promise = "11 careful when degraded"
    scenarios = ("outage x logout in another process",)
    replaced = ((Trust, "forget_session", lambda _trust, _principal: None),)


async def _reads_nothing(*_arguments: Any) -> None:
    return None


class EndingsNotRead(Mutant):
    about = "a store that takes no writes is not asked whether a session has ended"
    promise = "5 logout is final"
    scenarios = ("a store that takes no writes x logout in another process",)
    replaced = ((FallbackTokens, "_ending_by_reading", _reads_nothing),)


async def _remembers_memory(self: FallbackTokens, slot: Slot, principal: Subject) -> AccessToken | None:
    token = await self._memory.peek(slot, principal)
    if token is None or await self._ending_by_reading(principal) is not None:
        return None
    return token


class MemoryReadTooEarly(Mutant):
    about = "a token of memory is handed out although a logout was accepted while the store was asked for the session"
    promise = "5 logout is final"
    or_else = "11 careful when degraded"
    scenarios = ("a store that takes no writes x use x logout",)
    replaced = ((FallbackTokens, "_peek_here", _remembers_memory),)


def _takes_parts_for_all(self: Asking, error: StoreUnavailable, *_about: Any, **_more: Any) -> None:
    self._outage.begin(error)


class APartCountsAsAll(Mutant):
    about = "where a part of the store is down, everybody is served as in an outage"
    promise = "4 valid beats new"
    scenarios = ("a part that is down x use x another user",)
    replaced = ((Asking, "_note", _takes_parts_for_all),)


class APartCountsAsNone(Mutant):
    about = "where a part of the store is down, that is no outage for those whom it concerns"
    promise = "2 no wedge"
    or_else = "11 careful when degraded"
    scenarios = ("a part that is down x use x another user",)
    replaced = ((Parts, "begin", lambda *_arguments: None),)


class OutageTokensForgotten(Mutant):
    about = "tokens that a process has minted for itself are forgotten when the store is back"
    promise = "6 nothing is lost"
    scenarios = ("outage x use, and after it",)
    replaced = ((Handover, "begin", lambda handover: handover._memory.take()),)


class OutageTokensDieWithTheProcess(Mutant):
    about = "tokens that a process has minted for itself are in no journal"
    promise = "6 nothing is lost"
    scenarios = ("outage x mint, and the process dies",)
    replaced = ((Owed, "keep", lambda _owed, _operation: None),)


async def _revokes_at_once(self: FallbackTokens, lease: Lease, token: AccessToken) -> Committed:
    try:
        return await self._ask(lambda: self._shared.commit(lease, token), writes_of=lease.slot.user)
    except StoreUnavailable:
        self._owed.add(self._owed.new("discard", lease.slot, token.fingerprint))
        return await self._commit_here(lease, token)


_commit = FallbackTokens.commit


async def _commit_or_revoke(self: FallbackTokens, lease: Lease, token: AccessToken) -> Committed:
    is_ours = lease.id.startswith("memory:")
    return await (_commit if is_ours else _revokes_at_once)(self, lease, token)


class LostCommitsRevokedAtOnce(Mutant):
    about = "a token is revoked while the store may hand it out, since nobody heard whether it was stored"
    promise = "3 freshness"
    scenarios = ("answers cut off x mint x logout",)
    replaced = ((FallbackTokens, "commit", _commit_or_revoke),)


class ReadOnlyForEver(Mutant):
    about = "nobody finds out in the background that the store takes writes again"
    promise = "2 no wedge"
    scenarios = ("a store that takes no writes x logout in another process",)
    replaced = ((FallbackRevocations, "_look_again", _holds_nothing),)


MUTANTS: tuple[type[Mutant], ...] = (
    OwedNotRepeated,
    OwedRepeatedAfterTheFirstQuestion,
    AnswersFromBeforeALogout,
    JournalNotAdopted,
    EndingsHoldInTheStoreAlone,
    LateLoginsCountAsNew,
    TrustNotChecked,
    TrustNeverEnds,
    EndedSessionsTrusted,
    EndingsNotRead,
    MemoryReadTooEarly,
    APartCountsAsAll,
    APartCountsAsNone,
    OutageTokensForgotten,
    OutageTokensDieWithTheProcess,
    LostCommitsRevokedAtOnce,
    ReadOnlyForEver,
)
