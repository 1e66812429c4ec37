"""Promise 6, nothing is lost: mistakes that forget a token which has to be revoked."""

from typing import Any

from monite_auth import AccessToken, MemoryStore, Principal
from monite_auth.engine import drain
from monite_auth.monite_api.outcomes import Gone
from monite_auth.stores import (
    Pending,
    Slot,
)
from tests.simulation.mutants.mutant import Mutant

__all__ = ["MUTANTS"]


class _SupersededForgotten(MemoryStore):
    def _end(self, name: str, user: Any, includes: Any) -> int:
        for place in user.places.values():
            place.superseded = []
        return super()._end(name, user, includes)


class SupersededForgotten(Mutant):
    about = "a logout forgets the tokens that a renewal left behind"
    promise = "6 nothing is lost"
    scenarios = ("renew x logout: the older token dies too",)
    store = _SupersededForgotten


class _EndsOneTenant(MemoryStore):
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
    store = _EndsOneTenant


class _PostponeDrops(MemoryStore):
    async def postpone(self, pending: Pending, seconds: float) -> None:
        self._drop(pending.id)


class PostponeDrops(Mutant):
    about = "a revocation that failed once is dropped"
    promise = "6 nothing is lost"
    scenarios = ("logout x drain x drain",)
    store = _PostponeDrops


class _NeverLetsGo(MemoryStore):
    def _let_go(self, slot: Slot, token: AccessToken) -> None:
        pass

    def _is_handed_out(self, value: str) -> bool:
        return value in self._holders


class HoldersNeverLetGo(Mutant):
    about = "a value is not revoked since slots that had it count as having it"
    promise = "6 nothing is lost"
    scenarios = ("logout x drain x drain",)
    store = _NeverLetsGo


class _OnlyStops(MemoryStore):
    async def revoke(self, token: AccessToken) -> int:
        value = token.fingerprint
        self._spent[value] = token.expires_at
        try:
            return await super().revoke(token)
        finally:
            del self._spent[value]


class RevokeOnlyStops(Mutant):
    about = "a token that was to be revoked is no more than not handed out"
    promise = "6 nothing is lost"
    scenarios = ("revoke x use",)
    store = _OnlyStops


async def _settled_anyway(rt: Any, settings: Any, telemetry: Any, pending: Pending) -> Gone:
    await _revoke(rt, settings, telemetry, pending)
    return Gone()


_revoke = drain._revoke


class AnyAnswerSettles(Mutant):
    about = "a revocation is settled whatever Monite answers"
    promise = "6 nothing is lost"
    scenarios = ("logout x drain x drain",)
    replaced = ((drain, "_revoke", _settled_anyway),)


MUTANTS: tuple[type[Mutant], ...] = (
    SupersededForgotten,
    EndsOneTenant,
    PostponeDrops,
    HoldersNeverLetGo,
    RevokeOnlyStops,
    AnyAnswerSettles,
)
