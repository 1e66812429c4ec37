"""The operations of a shared store that may be down, each with what is done instead."""

from contextlib import suppress
from dataclasses import replace

from monite_auth.errors import StoreUnavailable
from monite_auth.stores.budget import Admission, Priority, Ticket
from monite_auth.stores.fallback.calls import FallbackCalls
from monite_auth.stores.fallback.revocations import FallbackRevocations
from monite_auth.stores.fallback.sessions import FallbackSessions
from monite_auth.stores.values import Overview, Status

__all__ = ["FallbackOperations"]


class FallbackOperations(FallbackCalls, FallbackSessions, FallbackRevocations):
    """All operations; those that are short are here."""

    async def status(self, user: str) -> Status:
        """See StatusOperations."""
        return await self._ask(lambda: self._shared.status(user), reads_of=user)

    async def backlog(self) -> int:
        """See StatusOperations."""
        there = await self._ask(self._shared.backlog)
        return await self._memory.backlog() + len(self._handover) + there

    async def overview(self, *, count_live: bool = True) -> Overview:
        """See StatusOperations."""
        there = await self._ask(lambda: self._shared.overview(count_live=count_live))
        here = await self._memory.overview(count_live=False)
        ages = [each.oldest for each in (here, there) if each.oldest is not None]
        pending = here.pending + len(self._handover) + there.pending
        return replace(there, pending=pending, oldest=max(ages, default=None))

    async def put_note(self, user: str, name: str, value: str, *, seconds: float) -> None:
        """See NoteOperations."""
        with suppress(StoreUnavailable):
            await self._ask(lambda: self._shared.put_note(user, name, value, seconds=seconds), writes_of=user)

    async def get_note(self, user: str, name: str) -> str | None:
        """See NoteOperations."""
        try:
            return await self._ask(lambda: self._shared.get_note(user, name), reads_of=user)
        except StoreUnavailable:
            return None

    async def delete_note(self, user: str, name: str) -> None:
        """See NoteOperations."""
        await self._ask(lambda: self._shared.delete_note(user, name), writes_of=user)

    async def admit(self, priority: Priority, ticket: Ticket | None, *, patience: float) -> Admission:
        """See BudgetOperations."""
        try:
            return await self._ask(lambda: self._shared.admit(priority, ticket, patience=patience))
        except StoreUnavailable:
            return await self._memory.admit(priority, ticket, patience=patience)

    async def hold(self, seconds: float, *, throttled: bool = False) -> None:
        """See BudgetOperations."""
        await self._memory.hold(seconds, throttled=throttled)
        with suppress(StoreUnavailable):
            await self._ask(lambda: self._shared.hold(seconds, throttled=throttled))

    async def lower_limit(self, requests_per_second: float) -> None:
        """See BudgetOperations."""
        await self._memory.lower_limit(requests_per_second)
        with suppress(StoreUnavailable):
            await self._ask(lambda: self._shared.lower_limit(requests_per_second))
