"""The token of a call, in PostgreSQL. Its turn in the request budget is a step of its own, so that a hit stays one plain query."""

from monite_auth.identity import Subject
from monite_auth.stores.postgres.budget import PostgresBudget
from monite_auth.stores.postgres.tokens import PostgresTokens
from monite_auth.stores.protocol import InTurn
from monite_auth.stores.values import Slot

__all__ = ["PostgresCalls"]


class PostgresCalls(PostgresTokens, PostgresBudget):
    """See CallOperations."""

    async def peek_in_turn(self, slot: Slot, principal: Subject, *, patience: float) -> InTurn:  # noqa: ARG002 - see above
        """See CallOperations. It only peeks."""
        return InTurn(await self.peek(slot, principal), None)
