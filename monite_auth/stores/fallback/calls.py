"""The token and the turn of a call, of a shared store that may be down."""

from monite_auth.errors import StoreUnavailable
from monite_auth.identity import Subject
from monite_auth.stores.fallback.tokens import FallbackTokens
from monite_auth.stores.protocol import InTurn
from monite_auth.stores.values import Slot

__all__ = ["FallbackCalls"]


class FallbackCalls(FallbackTokens):
    """See CallOperations."""

    async def peek_in_turn(self, slot: Slot, principal: Subject, *, patience: float) -> InTurn:
        """See CallOperations. Where anything is wrong, it only peeks, and so does all that `peek` does then."""
        if not (self._owed or self._read_only.is_on):
            endings = self._trust.endings
            try:
                found = await self._ask(
                    lambda: self._shared.peek_in_turn(slot, principal, patience=patience),
                    writes_of=slot.user,
                )
            except StoreUnavailable:
                pass  # which is noted
            else:
                if not self._owed:  # nothing was accepted here while the store was asked
                    if found.token is not None:
                        self._trust.note(principal, endings)
                    return found
        return InTurn(await self.peek(slot, principal), None)
