"""The token and the turn of a call, in memory."""

from monite_auth.identity import Subject
from monite_auth.stores.budget import Priority
from monite_auth.stores.memory.budget import MemoryBudget
from monite_auth.stores.memory.tokens import MemoryTokens
from monite_auth.stores.protocol import InTurn
from monite_auth.stores.values import Slot

__all__ = ["MemoryCalls"]


class MemoryCalls(MemoryTokens, MemoryBudget):
    """See CallOperations."""

    async def peek_in_turn(self, slot: Slot, principal: Subject, *, patience: float) -> InTurn:
        """See CallOperations. There may be a logout between the two, so it peeks once more."""
        if await self.peek(slot, principal) is None:
            return InTurn(None, None)
        admission = await self.admit(Priority.CALL, None, patience=patience)
        return InTurn(await self.peek(slot, principal), admission)
