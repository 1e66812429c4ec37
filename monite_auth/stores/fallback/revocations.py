"""Revocations of both stores, those of memory first, since they die with the process."""

from contextlib import suppress
from functools import partial

from monite_auth.errors import StoreUnavailable
from monite_auth.identity import PARTNER
from monite_auth.stores.fallback.asking import Asking
from monite_auth.stores.fallback.handover import NEXT_BITE
from monite_auth.stores.fallback.marks import OURS, of_memory
from monite_auth.stores.fallback.outage import LEFT_ALONE, STEADY
from monite_auth.stores.values import Due, Pending, Slot

__all__ = ["FallbackRevocations"]

PROBE = "takes writes?"
"""A note that is written, for a second, to find out whether the store takes writes again. It needs room, as a mint does."""

NOBODY = "nobody"
"""Of whom that note is, where the store has refused what is about no user, or about the partner."""


class FallbackRevocations(Asking):
    """See RevocationOperations."""

    async def due(self, limit: int, *, seconds: float) -> Due:
        """See RevocationOperations."""
        here = await self._memory.due(limit, seconds=seconds)
        if here.batch:
            batch = [pending._replace(id=OURS + pending.id) for pending in here.batch]
            return Due(batch, here.expired, here.next_in)
        was_out = not self._is_over or len(self._handover) > 0
        try:
            there = await self._ask(lambda: self._due_there(limit, seconds))
            if was_out and not there.batch:  # some of what memory had has been handed over since
                there = await self._ask(lambda: self._due_there(limit, seconds))
        except StoreUnavailable:
            there = Due([], 0, None)
        moments = [each.next_in for each in (here, there) if each.next_in is not None]
        # The drainer stays at work, so that the store gets what it missed although nobody else comes.
        if self._handover:
            moments.append(NEXT_BITE)
        elif self._owed or not self._is_over:
            moments.append(LEFT_ALONE)
        return Due(there.batch, here.expired + there.expired, min(moments, default=None))

    async def _due_there(self, limit: int, seconds: float) -> Due:
        await self._look_again()
        return await self._shared.due(limit, seconds=seconds)

    async def _look_again(self) -> None:
        """Tell the store what is stuck, and find out whether what failed some time ago is back.

        Perhaps nobody else comes whom it concerns, and no caller is to wait for it.
        """
        if self._owed:
            await self._owed.repeat(self._shared, None, self._note)
        for user in self._parts.to_ask_about():
            with suppress(StoreUnavailable):
                await self._ask(partial(self._shared.peek, Slot(user, None, None), PARTNER), reads_of=user)
        if self._read_only.lasts and self._read_only.is_quiet(STEADY):
            refused = self._read_only.about
            user = refused if isinstance(refused, str) else NOBODY
            with suppress(StoreUnavailable):
                await self._ask(partial(self._shared.put_note, user, PROBE, "", seconds=1), writes_of=user)
                await self._note_write()

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
