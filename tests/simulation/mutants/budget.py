"""Promises 7 and 8, a cheap logout and one budget: mistakes of who asks Monite, and when."""

from monite_auth import AccessToken, Principal
from monite_auth.engine.asking import Turn
from monite_auth.engine.endings import Endings
from monite_auth.engine.mint import Mint
from monite_auth.engine.runtime import Runtime
from monite_auth.engine.token_flow import TokenFlow
from monite_auth.identity import Subject
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
    async def hold(self, seconds: float, *, throttled: bool = False) -> None:
        pass


class HoldIgnored(Mutant):
    about = "requests go on after a 429"
    promise = "8 one budget"
    scenarios = ("throttled mint x mint x logout",)
    operations = _HoldIgnored


class _WindowForgotten(MemoryOperations):
    async def admit(self, priority: Priority, ticket: Ticket | None, *, patience: float) -> Admission:
        self._budget = self._budget._replace(sent=())
        return await super().admit(priority, ticket, patience=patience)


class WindowForgotten(Mutant):
    about = "callers that come late to their moments are let through all at once"
    promise = "8 one budget"
    scenarios = ("one request a second x mint x mint x late",)
    operations = _WindowForgotten


class _NobodyStandsBack(MemoryOperations):
    async def admit(self, priority: Priority, ticket: Ticket | None, *, patience: float) -> Admission:
        admission = await super().admit(priority, ticket, patience=patience)
        return admission if admission.admitted else Admission(admitted=True, wait=0.0)


class PriorityIgnored(Mutant):
    about = "renewals and revocations do not stand back for users who wait"
    promise = "8 one budget"
    scenarios = ("a user waits x renewal x revocation",)
    operations = _NobodyStandsBack


class _NobodyStandsBackForMints(MemoryOperations):
    async def admit(self, priority: Priority, ticket: Ticket | None, *, patience: float) -> Admission:
        booked = self._budget.free_at
        if priority is Priority.CALL:
            self._budget = self._budget._replace(free_at=0.0)
        admission = await super().admit(priority, ticket, patience=patience)
        self._budget = self._budget._replace(free_at=max(booked, self._budget.free_at))
        return admission


class CallsFirst(Mutant):
    about = "calls do not stand back for users who wait for a token"
    promise = "8 one budget"
    scenarios = ("one request a second x call x mint x revocation",)
    operations = _NobodyStandsBackForMints


class _CallsUnseen(MemoryOperations):
    async def admit(self, priority: Priority, ticket: Ticket | None, *, patience: float) -> Admission:
        if priority > Priority.CALL:
            self._budget = self._budget._replace(calls_free_at=0.0)
        return await super().admit(priority, ticket, patience=patience)


class CallsLast(Mutant):
    about = "renewals and revocations do not stand back for calls that wait"
    promise = "8 one budget"
    scenarios = ("call x call x renewal",)
    operations = _CallsUnseen


class _TokenBeforeTheTurn(TokenFlow):
    async def token_in_turn(
        self, runtime: Runtime, subject: Subject, *, until: float | None = None
    ) -> AccessToken:
        token = await self.token(runtime, subject)
        await Turn(runtime).take(Priority.CALL, until=runtime.clock() + 2)
        return token


class TokenBeforeTheTurn(Mutant):
    about = "a call goes with the token that it had before it waited for its turn"
    promise = "5 logout is final"
    scenarios = ("call x logout, throttled",)
    token_flow = _TokenBeforeTheTurn


class _DrainsInLogouts(Endings):
    async def logout(self, runtime: Runtime, principal: Principal) -> None:
        await super().logout(runtime, principal)
        await self._drainer.drain(runtime, within=1.0)


class LogoutDrains(Mutant):
    about = "a logout waits until its tokens are revoked"
    promise = "7 logout is cheap"
    scenarios = ("logout x drain x drain",)
    endings = _DrainsInLogouts


class _ForgetsCooldowns(MemoryOperations):
    async def abandon(self, lease: Lease, cooldown: Cooldown | None = None) -> None:
        await super().abandon(lease)


class NoCooldownAfterRefusal(Mutant):
    about = "a mint is tried again right after Monite has refused our credentials"
    promise = "cooldown after a refusal"
    scenarios = ("wrong credentials x mint x mint",)
    operations = _ForgetsCooldowns


class _Unadmitted(Mint):
    async def _may_send(self) -> bool:
        return True


class BudgetNotAsked(Mutant):
    about = "a mint does not ask the request budget"
    promise = "8 one budget"
    scenarios = ("mint x logout",)
    mint = _Unadmitted


MUTANTS: tuple[type[Mutant], ...] = (
    LogoutDrains,
    DueWithoutLease,
    HoldIgnored,
    WindowForgotten,
    PriorityIgnored,
    CallsFirst,
    CallsLast,
    TokenBeforeTheTurn,
    NoCooldownAfterRefusal,
    BudgetNotAsked,
)
