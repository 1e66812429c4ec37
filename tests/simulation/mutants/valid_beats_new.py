"""Promise 4, valid beats new: mistakes that make a caller wait or fail although a good token is there."""

from monite_auth import AccessToken, Principal
from monite_auth.engine.runtime import Runtime
from monite_auth.engine.token_flow import TokenFlow
from monite_auth.identity import Subject
from monite_auth.stores import (
    Ended,
    Slot,
)
from monite_auth.stores.memory.operations import MemoryOperations
from tests.simulation.mutants.mutant import Mutant

__all__ = ["MUTANTS"]


class _DiscardsAnything(MemoryOperations):
    async def discard(self, slot: Slot, fingerprint: str) -> None:
        place = self._users.place(slot)
        if place is not None and place.token is not None:
            await super().discard(slot, place.token.fingerprint)


class DiscardsAnything(Mutant):
    about = "the rejection of an old token takes the new one away"
    promise = "4 valid beats new"
    scenarios = ("reject x reject x use",)
    operations = _DiscardsAnything


class _GoesByDates(MemoryOperations):
    def _ending_of(self, principal: Principal, *, is_known: bool) -> Ended | None:
        del is_known
        return super()._ending_of(principal, is_known=False)


class DatesOfKnownSessions(Mutant):
    about = "a session that is known is judged by its date all the same"
    promise = "4 valid beats new"
    scenarios = ("end_user x login on a host that is behind",)
    operations = _GoesByDates


class SecondsHaveNoLength(Mutant):
    about = "a user who logs in within the second of an end_user is locked out"
    promise = "4 valid beats new"
    scenarios = ("end_user x login within the same second x its logout",)
    replaced = ((Principal, "began_by", property(lambda principal: principal.began_at)),)


class _WaitsForRenewals(TokenFlow):
    async def token(
        self, runtime: Runtime, subject: Subject, min_ttl: float = 0.0, *, until: float | None = None
    ) -> AccessToken:
        token = await runtime.store.peek(self.slot(subject), subject)
        if token is not None and token.renew_at <= runtime.clock():
            min_ttl = max(min_ttl, token.expires_in + 1)
        return await super().token(runtime, subject, min_ttl, until=until)


class RenewalMakesWait(Mutant):
    about = "a caller waits for the renewal of a token that is still good"
    promise = "4 valid beats new"
    scenarios = ("renew x use, and Monite is down",)
    token_flow = _WaitsForRenewals


MUTANTS: tuple[type[Mutant], ...] = (
    DiscardsAnything,
    DatesOfKnownSessions,
    SecondsHaveNoLength,
    RenewalMakesWait,
)
