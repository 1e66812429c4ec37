"""Promise 3, freshness: mistakes that hand out a token that is dead, or about to be."""

from typing import Any

from monite_auth import AccessToken
from monite_auth.identity import PARTNER, Partner, Subject
from monite_auth.stores import (
    Committed,
    Everything,
    Lease,
    Pending,
    Slot,
)
from monite_auth.stores.memory.holders import Holders
from monite_auth.stores.memory.operations import MemoryOperations
from tests.simulation.mutants.mutant import Mutant

__all__ = ["MUTANTS"]


class _PeekIgnoresExpiry(MemoryOperations):
    async def peek(self, slot: Slot, principal: Subject) -> AccessToken | None:
        user = self._users.by_name.get(slot.user)
        place = self._users.place(slot)
        if user is None or place is None:
            return None
        may = principal is PARTNER or self._may_peek(user, principal, self._clock())
        return place.token if may else None


class PeekIgnoresExpiry(Mutant):
    about = "an expired token is handed out"
    promise = "3 freshness"
    scenarios = ("expiry x mint",)
    operations = _PeekIgnoresExpiry


class _MinLifeIgnored(MemoryOperations):
    def _claim(self, place: Any, slot: Slot, now: float, owner: str, seconds: float, min_life: float) -> Any:
        return super()._claim(place, slot, now, owner, seconds, 0.0)


class MinLifeIgnored(Mutant):
    about = "a claim for a token of some life is answered with one that has less"
    promise = "3 freshness"
    or_else = "2 no wedge"
    scenarios = ("a call that wants more life x cancel",)
    operations = _MinLifeIgnored


class _CondemnsAnything(MemoryOperations):
    async def condemn(self, pending: Pending) -> bool:
        holders, self._holders = self._holders, Holders()
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


class _RevokesInOneSlot(MemoryOperations):
    async def revoke(self, token: AccessToken) -> int:
        for place in self._holders.of(token)[1:]:
            self._holders.remove(place, token)
        return await super().revoke(token)


class RevokesInOneSlot(Mutant):
    about = "a token that was revoked is still handed out by another slot"
    promise = "3 freshness"
    scenarios = ("the same again: revoke x mint of another session",)
    operations = _RevokesInOneSlot


class _PartnerStays(MemoryOperations):
    async def relink(self, user: str | Partner) -> int:
        return 0 if user is PARTNER else await super().relink(user)


class PartnerTokenStays(Mutant):
    about = "the end of the partner token ends nothing"
    promise = "3 freshness"
    or_else = "5 logout is final"
    scenarios = ("end of the partner token x mint",)
    operations = _PartnerStays


MUTANTS: tuple[type[Mutant], ...] = (
    PeekIgnoresExpiry,
    MinLifeIgnored,
    CondemnsAnything,
    NoTombstone,
    CommitIgnoresPending,
    EverythingButThePartner,
    RevokesInOneSlot,
    PartnerTokenStays,
)
