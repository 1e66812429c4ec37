"""Promises 7 and 8, a cheap logout and one budget: mistakes of who asks Monite, and when."""

from monite_auth import Principal
from monite_auth.engine import mint, mint_leader
from monite_auth.engine.endings import Endings
from monite_auth.engine.runtime import Runtime
from monite_auth.stores import (
    Admission,
    Cooldown,
    Due,
    Lease,
    Priority,
    Ticket,
)
from monite_auth.stores.memory.operations import MemoryOperations
from tests.simulation.mutants.mutant import Mutant

__all__ = ["MUTANTS"]


class _DueWithoutLease(MemoryOperations):
    async def due(self, limit: int, *, seconds: float) -> Due:
        return await super().due(limit, seconds=0.0)


class DueWithoutLease(Mutant):
    about = "two drainers are given the same revocation"
    promise = "8 one budget"
    scenarios = ("logout x drain x drain",)
    operations = _DueWithoutLease


class _HoldIgnored(MemoryOperations):
    async def hold(self, seconds: float) -> None:
        pass


class HoldIgnored(Mutant):
    about = "requests go on after a 429"
    promise = "8 one budget"
    scenarios = ("throttled mint x mint x logout",)
    operations = _HoldIgnored


class _NobodyStandsBack(MemoryOperations):
    async def admit(self, priority: Priority, ticket: Ticket | None, *, patience: float) -> Admission:
        admission = await super().admit(priority, ticket, patience=patience)
        return admission if admission.admitted else Admission(admitted=True, wait=0.0)


class PriorityIgnored(Mutant):
    about = "renewals and revocations do not stand back for users who wait"
    promise = "8 one budget"
    scenarios = ("a user waits x renewal x revocation",)
    operations = _NobodyStandsBack


async def _logout_drains(self: Endings, runtime: Runtime, principal: Principal) -> None:
    await _logout(self, runtime, principal)
    await self._drainer.drain(runtime, within=1.0)


_logout = Endings.logout


class LogoutDrains(Mutant):
    about = "a logout waits until its tokens are revoked"
    promise = "7 logout is cheap"
    scenarios = ("logout x drain x drain",)
    replaced = ((Endings, "logout", _logout_drains),)


class _ForgetsCooldowns(MemoryOperations):
    async def abandon(self, lease: Lease, cooldown: Cooldown | None = None) -> None:
        await super().abandon(lease)


class NoCooldownAfterRefusal(Mutant):
    about = "a mint is tried again right after Monite has refused our credentials"
    promise = "cooldown after a refusal"
    scenarios = ("wrong credentials x mint x mint",)
    operations = _ForgetsCooldowns


class _Unadmitted(mint.Mint):
    async def _may_send(self) -> bool:
        return True


class BudgetNotAsked(Mutant):
    about = "a mint does not ask the request budget"
    promise = "8 one budget"
    scenarios = ("mint x logout",)
    replaced = ((mint_leader, "Mint", _Unadmitted),)


MUTANTS: tuple[type[Mutant], ...] = (
    LogoutDrains,
    DueWithoutLease,
    HoldIgnored,
    PriorityIgnored,
    NoCooldownAfterRefusal,
    BudgetNotAsked,
)
