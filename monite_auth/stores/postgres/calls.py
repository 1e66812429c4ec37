"""The token and the turn of a call, in PostgreSQL: one function."""

from collections.abc import Sequence

from monite_auth.identity import PARTNER, Subject
from monite_auth.stores.postgres.budget import TURN, PostgresBudget, admission_of
from monite_auth.stores.postgres.statements import Argument, function
from monite_auth.stores.postgres.tokens import COLUMNS, PostgresTokens
from monite_auth.stores.protocol import InTurn
from monite_auth.stores.sealing import SealBroken, Vault
from monite_auth.stores.values import Slot

__all__ = ["PostgresCalls"]

PEEK_IN_TURN = function("peek_in_turn", 13, *COLUMNS, *TURN)


class PostgresCalls(PostgresTokens, PostgresBudget):
    """See CallOperations."""

    async def peek_in_turn(self, slot: Slot, principal: Subject, *, patience: float) -> InTurn:
        """See CallOperations."""
        at = self._clock()

        def arguments(vault: Vault) -> Sequence[Argument]:
            session = vault.principal(principal) if principal is not PARTNER else None
            return [
                vault.slot(slot),
                vault.user(slot.user),
                session,
                principal is not PARTNER and principal.session_id is not None,
                *self._dates(principal),
                self._session_memory,
                self._requests_per_second,
                patience,
            ]

        vault, (row,) = await self._ask(PEEK_IN_TURN, arguments)
        found, turn = row[: len(COLUMNS)], row[len(COLUMNS) :]
        if found[0] is None:
            return InTurn(None, None)
        try:
            return InTurn(self._token(vault, vault.slot(slot), found, at), admission_of(turn))
        except SealBroken:  # another data key may be in force; the turn passes unused
            return InTurn(await self.peek(slot, principal), None)
