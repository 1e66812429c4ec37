"""Promise 6, nothing is lost: mistakes that forget a token which has to be revoked."""

from typing import Any

from monite_auth import AccessToken, Principal
from monite_auth.engine.drain import Drainer
from monite_auth.engine.runtime import Runtime
from monite_auth.monite_api.outcomes import Gone
from monite_auth.stores import (
    Pending,
)
from monite_auth.stores.memory.operations import MemoryOperations
from tests.simulation.mutants.mutant import Mutant

__all__ = ["MUTANTS"]


class _SupersededForgotten(MemoryOperations):
    def _end(self, name: str, user: Any, includes: Any) -> int:
        for place in user.places.values():
            place.superseded = ()
        return super()._end(name, user, includes)


class SupersededForgotten(Mutant):
    about = "a logout forgets the tokens that a renewal left behind"
    promise = "6 nothing is lost"
    scenarios = ("renew x logout: the older token dies too",)
    operations = _SupersededForgotten


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


class _PostponeDrops(MemoryOperations):
    async def postpone(self, pending: Pending, seconds: float) -> None:
        self._revocations.settle(pending)


class PostponeDrops(Mutant):
    about = "a revocation that failed once is dropped"
    promise = "6 nothing is lost"
    scenarios = ("logout x drain x drain",)
    operations = _PostponeDrops


class _NeverLetsGo(MemoryOperations):
    def _let_go(self, place: Any, token: AccessToken) -> None:
        pass

    def _is_handed_out(self, token: AccessToken) -> bool:
        return bool(self._holders.of(token))


class HoldersNeverLetGo(Mutant):
    about = "a value is not revoked since slots that had it count as having it"
    promise = "6 nothing is lost"
    scenarios = ("logout x drain x drain",)
    operations = _NeverLetsGo


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


async def _settled_anyway(self: Drainer, runtime: Runtime, pending: Pending, **more: Any) -> Gone:
    await _revoke(self, runtime, pending, **more)
    return Gone()


_revoke = Drainer._revoke


class AnyAnswerSettles(Mutant):
    about = "a revocation is settled whatever Monite answers"
    promise = "6 nothing is lost"
    scenarios = ("logout x drain x drain",)
    replaced = ((Drainer, "_revoke", _settled_anyway),)


MUTANTS: tuple[type[Mutant], ...] = (
    SupersededForgotten,
    EndsOneTenant,
    PostponeDrops,
    HoldersNeverLetGo,
    RevokeOnlyStops,
    AnyAnswerSettles,
)
