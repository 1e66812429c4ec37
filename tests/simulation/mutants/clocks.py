"""Promises 2, 5 and 6 whatever becomes of clocks: mistakes of what is told by which clock."""

from typing import Any

from monite_auth import Principal
from monite_auth.identity import Subject
from monite_auth.stores import Slot
from monite_auth.stores.dates import Began, WallClock
from monite_auth.stores.memory.operations import MemoryOperations
from tests.simulation.mutants.mutant import Mutant

__all__ = ["MUTANTS"]


def _as_it_stands(principal: Principal, **_clocks: Any) -> Began | None:
    at, by = principal.began_at, principal.began_by
    return None if at is None or by is None else Began(at, by)


class DatesByTheStoresClock(Mutant):
    about = "a date counts by the store's clock, as if no host's wall clock differed from that"
    promise = "5 logout is final"
    scenarios = ("wall clocks that differ x job x end_user",)
    replaced = ((Began, "of", _as_it_stands),)


class StepsNotNoted(Mutant):
    about = "it is not noted that a wall clock was set back, so a login looks younger"
    promise = "5 logout is final"
    scenarios = ("a wall clock is set back x job x end_user",)
    replaced = ((WallClock, "__call__", lambda clock: clock._wall()),)


class _LeasesByTheWallClock(MemoryOperations):
    async def claim(self, slot: Slot, principal: Subject, **options: Any) -> Any:
        steady, self._clock = self._clock, self._endings._wall_clock
        try:
            return await super().claim(slot, principal, **options)
        finally:
            self._clock = steady


class LeasesByTheWallClock(Mutant):
    about = "a lease to mint ends by the wall clock"
    promise = "2 no wedge"
    or_else = "4 valid beats new"
    scenarios = ("a wall clock is set x mint x crash",)
    operations = _LeasesByTheWallClock


class _RevocationsByTheWallClock(MemoryOperations):
    async def due(self, limit: int, *, seconds: float) -> Any:
        revocations = self._revocations
        steady, revocations._clock = revocations._clock, self._endings._wall_clock
        try:
            return await super().due(limit, seconds=seconds)
        finally:
            revocations._clock = steady


class RevocationsByTheWallClock(Mutant):
    about = "a pending revocation is forgotten untried when its token seems to have expired by the wall clock"
    promise = "6 nothing is lost"
    scenarios = ("a wall clock is set x logout x drain",)
    operations = _RevocationsByTheWallClock


MUTANTS: tuple[type[Mutant], ...] = (
    DatesByTheStoresClock,
    StepsNotNoted,
    LeasesByTheWallClock,
    RevocationsByTheWallClock,
)
