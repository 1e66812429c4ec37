"""Revocations of both stores, those of memory first, since they die with the process."""

from contextlib import suppress
from dataclasses import replace

from monite_auth.errors import StoreUnavailable
from monite_auth.stores.fallback.asking import Asking
from monite_auth.stores.fallback.handover import NEXT_BITE
from monite_auth.stores.fallback.marks import OURS, of_memory
from monite_auth.stores.fallback.outage import LEFT_ALONE
from monite_auth.stores.values import Due, Pending

__all__ = ["FallbackRevocations"]


class FallbackRevocations(Asking):
    """See RevocationOperations."""

    async def due(self, limit: int, *, seconds: float) -> Due:
        """See RevocationOperations."""
        here = await self._memory.due(limit, seconds=seconds)
        if here.batch:
            batch = [replace(pending, id=OURS + pending.id) for pending in here.batch]
            return Due(batch, here.expired, here.next_in)
        was_out = not self._is_over or len(self._handover) > 0
        try:
            there = await self._ask(lambda: self._shared.due(limit, seconds=seconds))
            if was_out and not there.batch:  # some of what memory had has been handed over since
                there = await self._ask(lambda: self._shared.due(limit, seconds=seconds))
        except StoreUnavailable:
            there = Due([], 0, None)
        moments = [each.next_in for each in (here, there) if each.next_in is not None]
        # The drainer stays at work, so that the store gets what it missed although nobody else comes.
        if self._handover:
            moments.append(NEXT_BITE)
        elif self._owed or self._outage.lasts or self._parts:
            moments.append(LEFT_ALONE)
        return Due(there.batch, here.expired + there.expired, min(moments, default=None))

    async def condemn(self, pending: Pending) -> bool:
        """See RevocationOperations."""
        if (ours := of_memory(pending)) is not None:
            return await self._memory.condemn(ours)
        try:
            return await self._ask(lambda: self._shared.condemn(pending))
        except StoreUnavailable:  # it was due, so it is to be revoked
            return True

    async def settle(self, pending: Pending) -> None:
        """See RevocationOperations."""
        if (ours := of_memory(pending)) is not None:
            await self._memory.settle(ours)
            return
        with suppress(StoreUnavailable):  # it comes due again, and turns out to be settled
            await self._ask(lambda: self._shared.settle(pending))

    async def postpone(self, pending: Pending, seconds: float) -> None:
        """See RevocationOperations."""
        if (ours := of_memory(pending)) is not None:
            await self._memory.postpone(ours, seconds)
            return
        with suppress(StoreUnavailable):  # it comes due again
            await self._ask(lambda: self._shared.postpone(pending, seconds))
