"""Promise 4, valid beats new: mistakes that make a caller wait or fail although a good token is there."""

from monite_auth import AccessToken, MemoryStore, Principal
from monite_auth.engine.flows import Flows
from monite_auth.engine.runtime import Runtime
from monite_auth.identity import Subject
from monite_auth.stores import (
    Ended,
    Slot,
)
from tests.simulation.mutants.mutant import Mutant

__all__ = ["MUTANTS"]


class _DiscardsAnything(MemoryStore):
    async def discard(self, slot: Slot, fingerprint: str) -> None:
        user = self._reading.get(slot.user)
        place = user.places.get(slot) if user is not None else None
        if place is not None and place.token is not None:
            await super().discard(slot, place.token.fingerprint)


class DiscardsAnything(Mutant):
    about = "the rejection of an old token takes the new one away"
    promise = "4 valid beats new"
    scenarios = ("reject x reject x use",)
    store = _DiscardsAnything


class _GoesByDates(MemoryStore):
    def _ending_of(self, principal: Principal, *, is_known: bool) -> Ended | None:
        del is_known
        return super()._ending_of(principal, is_known=False)


class DatesOfKnownSessions(Mutant):
    about = "a session that is known is judged by its date all the same"
    promise = "4 valid beats new"
    scenarios = ("end_user x login on a host that is behind",)
    store = _GoesByDates


class SecondsHaveNoLength(Mutant):
    about = "who logs in within the second of an end_user is locked out"
    promise = "4 valid beats new"
    scenarios = ("end_user x login within the same second x its logout",)
    replaced = ((Principal, "began_by", property(lambda principal: principal.began_at)),)


class _RenewalMakesWait(Flows):
    async def token(self, rt: Runtime, principal: Subject, min_ttl: float = 0.0) -> AccessToken:
        slot = self.slot(principal)
        token = await rt.store.peek(slot, principal)
        if token is not None and token.renew_at > rt.clock():
            return await super().token(rt, principal, min_ttl)
        least = min_ttl if token is None else max(min_ttl, token.expires_in + 1)
        return await self._await_token(rt, slot, principal, least)


class RenewalMakesWait(Mutant):
    about = "a caller waits for the renewal of a token that is still good"
    promise = "4 valid beats new"
    scenarios = ("renew x use, and Monite is down",)
    flows = _RenewalMakesWait


MUTANTS: tuple[type[Mutant], ...] = (
    DiscardsAnything,
    DatesOfKnownSessions,
    SecondsHaveNoLength,
    RenewalMakesWait,
)
