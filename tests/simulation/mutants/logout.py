"""Promise 5, logout is final: mistakes of fences, claims, peeks and flights."""

from typing import Any

from monite_auth import AccessToken, Principal
from monite_auth.engine.runtime import Runtime
from monite_auth.engine.single_flight import Flight
from monite_auth.engine.token_flow import TokenFlow
from monite_auth.engine.token_request import TokenRequest
from monite_auth.errors import MoniteUnavailable
from monite_auth.identity import PARTNER, Subject
from monite_auth.stores import (
    Priority,
    Slot,
)
from monite_auth.stores.memory.operations import MemoryOperations
from tests.simulation.mutants.mutant import Mutant

__all__ = ["MUTANTS"]


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


class _EndsOnlyWhomItKnows(MemoryOperations):
    async def end_session(self, principal: Principal) -> int:
        return await super().end_session(principal) if principal.user_id in self._users.by_name else 0


class EndsOnlyWhomItKnows(Mutant):
    about = "a logout before the first mint is not remembered"
    promise = "5 logout is final"
    scenarios = ("mint x logout",)
    operations = _EndsOnlyWhomItKnows


class _HandsOver(TokenFlow):
    """Keeps what each mint brought, and hands it to those who wait."""

    async def _lead(self, runtime: Runtime, flight: Flight, request: TokenRequest) -> None:
        await self._leader.lead(runtime, flight, request)
        token = await runtime.store.peek(request.slot, request.subject)
        if token is not None:
            self.__dict__.setdefault("_brought", {})[request.slot] = token

    async def _wait(
        self, runtime: Runtime, slot: Slot, subject: Subject, min_ttl: float, until: float | None
    ) -> AccessToken:
        request = TokenRequest(slot, subject, min_ttl, runtime.clock() + self._settings.deadline)
        while (now := runtime.clock()) < request.deadline:
            lease = self._settings.lease
            flight, leads = self._flights.join(slot, now, expires_at=now + lease, priority=Priority.USER)
            if leads:
                runtime.lead(self._lead(runtime, flight, request))
            await runtime.wait(flight, within=min(lease, request.deadline - now))
            await runtime.sleep(0)
            brought: AccessToken | None = self.__dict__.get("_brought", {}).get(slot)
            if brought is not None:
                return brought
            if flight.error is not None:
                raise flight.error
        raise MoniteUnavailable("There was no token.")


class FlightsTokenHandedOver(Mutant):
    about = "those who wait get what the flight brought, without reading the store"
    promise = "5 logout is final"
    scenarios = ("mint x logout",)
    token_flow = _HandsOver
    waits_are_private = False


MUTANTS: tuple[type[Mutant], ...] = (
    FenceRemoved,
    ClaimIgnoresEnded,
    PeekIgnoresSession,
    EndsOnlyWhomItKnows,
    FlightsTokenHandedOver,
)
