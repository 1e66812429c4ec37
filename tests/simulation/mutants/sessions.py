"""Promise 5, logout is final: mistakes about which sessions an ending ends."""

from typing import Any

from monite_auth import Principal
from monite_auth.engine.endings import Endings
from monite_auth.engine.runtime import Runtime
from monite_auth.identity import PARTNER, Subject
from monite_auth.stores import (
    Ended,
    Everything,
    Slot,
)
from monite_auth.stores.memory.operations import MemoryOperations
from tests.simulation.mutants.mutant import Mutant

__all__ = ["MUTANTS"]


class _BeginsAnew(MemoryOperations):
    async def begin_session(self, principal: Principal) -> None:
        await super().begin_session(principal)
        user = self._users.get_or_new(principal.user_id)
        if principal.session_id is not None:
            now = self._clock()
            user.know(principal.session_id, began=now, until=now + self._session_memory)
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

    def _end_sessions(self, name: str, user: Any, ago: float) -> int:
        for session in [each.key for each in user.sessions.values() if each.key not in self._used]:
            user.forget(session)
        return super()._end_sessions(name, user, ago)


class EndUserForgetsUnused(Mutant):
    about = "end_user does not end sessions that were begun and never used"
    promise = "5 logout is final"
    scenarios = ("end_user x logins that were never used",)
    operations = _ForgetsUnused


class _ForgetsTheMoment(MemoryOperations):
    async def end_user(self, user: str, *, ago: float = 0.0) -> int:
        ended = await super().end_user(user, ago=ago)
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


class _ForgetsItsDate(MemoryOperations):
    async def end_session(self, principal: Principal, *, ago: float = 0.0) -> int:
        ended = await super().end_session(principal, ago=ago)
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


class _ForgetsLogins(Endings):
    async def login(self, runtime: Runtime, principal: Principal) -> None:
        pass


class LoginForgotten(Mutant):
    about = "a login is not told to the store"
    promise = "5 logout is final"
    scenarios = ("login x end_user x use",)
    endings = _ForgetsLogins


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


MUTANTS: tuple[type[Mutant], ...] = (
    LoginRevives,
    EndUserForgetsUnused,
    EndUserForgetsStrangers,
    NeverTooOld,
    LogoutForgetsItsDate,
    PeekIgnoresDates,
    LoginForgotten,
    EverythingButStrangers,
)
