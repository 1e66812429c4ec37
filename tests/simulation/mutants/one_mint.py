"""Promise 2, one mint and no wedge: mistakes of claims, leases and flights."""

from typing import Any

from monite_auth.engine.mint import Mint
from monite_auth.engine.single_flight import Flight
from monite_auth.monite_api.answers import Fault
from monite_auth.stores import (
    Lease,
    Slot,
)
from monite_auth.stores.memory.operations import MemoryOperations
from tests.simulation.mutants.mutant import Mutant

__all__ = ["MUTANTS"]


class _EverybodyOwns(MemoryOperations):
    def _claim(self, place: Any, slot: Slot, now: float, owner: str, seconds: float, min_life: float) -> Any:
        if place.lease is not None:
            place.lease.owner = owner
        return super()._claim(place, slot, now, owner, seconds, min_life)


class OwnerNotChecked(Mutant):
    about = "a claim is given to whoever asks"
    promise = "2 one mint"
    scenarios = ("mint x mint x logout, two processes",)
    operations = _EverybodyOwns


class _CommitIgnoresLease(MemoryOperations):
    def _held_under(self, lease: Lease) -> Any:
        user = self._users.by_name.get(lease.slot.user)
        place = self._users.place(lease.slot)
        return (None, None) if place is None or place.lease is None else (user, place)


class CommitIgnoresLease(Mutant):
    about = "what comes under a lease that was taken over is stored"
    promise = "2 one mint"
    scenarios = ("late mint x takeover x use",)
    operations = _CommitIgnoresLease


class _LeaseNeverEnds(MemoryOperations):
    def _claim(self, place: Any, slot: Slot, now: float, owner: str, seconds: float, min_life: float) -> Any:
        return super()._claim(place, slot, now, owner, seconds * 1e6, min_life)


class LeaseNeverEnds(Mutant):
    about = "the lease of a process that died keeps the others from minting"
    promise = "2 no wedge"
    scenarios = ("mint x crash x mint",)
    operations = _LeaseNeverEnds


class _TriesAtOnce(Mint):
    async def _pause(self, fault: Fault) -> None:
        pass


class DoomedTriesAtOnce(Mutant):
    about = "a mint that got a value which is to be revoked asks again at once, and again"
    promise = "2 no wedge"
    scenarios = ("the same again: logout x mint of another session",)
    mint = _TriesAtOnce


class FlightNeverFinishes(Mutant):
    about = "those who wait are not told that the flight is over"
    promise = "4 valid beats new"
    scenarios = ("mint x crash x mint",)
    replaced = ((Flight, "finish", lambda _flight, *_what, **_more: None),)


MUTANTS: tuple[type[Mutant], ...] = (
    OwnerNotChecked,
    CommitIgnoresLease,
    LeaseNeverEnds,
    DoomedTriesAtOnce,
    FlightNeverFinishes,
)
