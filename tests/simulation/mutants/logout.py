"""Promise 5, logout is final: mistakes of fences, claims, and peeks, shared ones too."""

from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from typing import Any

from monite_auth import AccessToken, MemoryStore, Principal
from monite_auth.engine.flights import Flight
from monite_auth.engine.flows import Flows
from monite_auth.engine.revocation_epoch import RevocationEpoch
from monite_auth.engine.runtime import Runtime
from monite_auth.errors import MoniteUnavailable
from monite_auth.identity import PARTNER, Subject
from monite_auth.stores import (
    Priority,
    Slot,
)
from monite_auth.tokens import Clock
from tests.simulation.mutants.mutant import Mutant

__all__ = ["MUTANTS"]


class _NoFence(MemoryStore):
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
    store = _NoFence


class _ClaimIgnoresEnded(MemoryStore):
    def _ending_of(self, principal: Principal, *, is_known: bool) -> None:
        return None


class ClaimIgnoresEnded(Mutant):
    about = "an ended session may claim"
    promise = "5 logout is final"
    scenarios = ("mint x logout",)
    store = _ClaimIgnoresEnded


class _PeekIgnoresSession(MemoryStore):
    async def peek(self, slot: Slot, principal: Subject) -> AccessToken | None:
        return await super().peek(slot, PARTNER)


class PeekIgnoresSession(Mutant):
    about = "an ended session is handed the token of another session"
    promise = "5 logout is final"
    scenarios = ("two sessions: logout x use",)
    store = _PeekIgnoresSession


class _EndsOnlyWhomItKnows(MemoryStore):
    async def end_session(self, principal: Principal) -> int:
        return await super().end_session(principal) if principal.user_id in self._reading else 0


class EndsOnlyWhomItKnows(Mutant):
    about = "a logout before the first mint is not remembered"
    promise = "5 logout is final"
    scenarios = ("mint x logout",)
    store = _EndsOnlyWhomItKnows


class _HandsOverWhatTheFlightBrought(Flows):
    async def _fly(
        self,
        rt: Runtime,
        flight: Flight,
        slot: Slot,
        principal: Subject,
        min_life: float,
        deadline: float,
    ) -> None:
        await super()._fly(rt, flight, slot, principal, min_life, deadline)
        token = await rt.store.peek(slot, principal)
        if token is not None:
            self.__dict__.setdefault("_brought", {})[slot] = token

    async def _await_token(self, rt: Runtime, slot: Slot, principal: Subject, min_ttl: float) -> AccessToken:
        deadline = rt.clock() + self._settings.deadline
        while rt.clock() < deadline:
            flight, leads = self._join(rt, slot, Priority.USER)
            if leads:
                rt.lead(self._fly(rt, flight, slot, principal, min_ttl, deadline))
            await rt.wait(flight, within=min(self._settings.lease, deadline - rt.clock()))
            await rt.sleep(0)
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
    flows = _HandsOverWhatTheFlightBrought
    waits_are_private = False


class EndingsNotNoted(Mutant):
    about = "what another has found counts although a logout came after it"
    promise = "5 logout is final"
    scenarios = ("mint x mint x logout, threads",)
    replaced = ((RevocationEpoch, "ending", lambda _epoch: nullcontext()),)


async def _look_for_anybody(
    self: Flight, principal: Subject, peek: Callable[[], Awaitable[AccessToken | None]], clock: Clock
) -> AccessToken | None:
    return await _look(self, self._found.principal if self._found is not None else principal, peek, clock)


_look = Flight.look


class FindsSharedWithOtherSessions(Mutant):
    about = "what another has found counts for other sessions too"
    promise = "5 logout is final"
    scenarios = ("a session that has ended x mint of another",)
    replaced = ((Flight, "look", _look_for_anybody),)


MUTANTS: tuple[type[Mutant], ...] = (
    FenceRemoved,
    ClaimIgnoresEnded,
    PeekIgnoresSession,
    EndsOnlyWhomItKnows,
    FlightsTokenHandedOver,
    EndingsNotNoted,
    FindsSharedWithOtherSessions,
)
