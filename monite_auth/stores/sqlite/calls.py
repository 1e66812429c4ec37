"""The token and the turn of a call, in SQLite: one transaction."""

from monite_auth.identity import Subject
from monite_auth.stores.budget import Priority
from monite_auth.stores.protocol import InTurn
from monite_auth.stores.sealing import SealBroken
from monite_auth.stores.sqlite.budget import SQLiteBudget
from monite_auth.stores.sqlite.execution import Transaction, writing
from monite_auth.stores.sqlite.tokens import SQLiteTokens
from monite_auth.stores.values import Slot

__all__ = ["SQLiteCalls"]


class SQLiteCalls(SQLiteTokens, SQLiteBudget):
    """See CallOperations."""

    @writing
    def peek_in_turn(self, on: Transaction, slot: Slot, principal: Subject, *, patience: float) -> InTurn:
        """See CallOperations."""
        try:
            token = self.peek_within(slot, principal, on)
        except SealBroken:  # the claim that comes next throws it away
            token = None
        if token is None:
            return InTurn(None, None)
        return InTurn(token, self.admit_within(on, Priority.CALL, None, patience))
