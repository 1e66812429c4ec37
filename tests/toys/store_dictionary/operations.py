"""All operations. The rules of the request budget are `monite_auth.stores.Budget`'s: a store keeps its state."""

from monite_auth.identity import Subject
from monite_auth.stores import Admission, InTurn, Priority, Slot, Ticket
from tests.toys.store_dictionary.notes import Notes
from tests.toys.store_dictionary.revocations import Revocations
from tests.toys.store_dictionary.sessions import Sessions
from tests.toys.store_dictionary.tokens import Tokens

__all__ = ["DictionaryOperations"]


class DictionaryOperations(Tokens, Sessions, Revocations, Notes):
    async def admit(self, priority: Priority, ticket: Ticket | None, *, patience: float) -> Admission:
        with self.state.lock:
            self.state.budget, admission = self.state.budget.admit(
                self.clock(), self.rate, priority, ticket, patience
            )
            return admission

    async def peek_in_turn(self, slot: Slot, principal: Subject, *, patience: float) -> InTurn:
        return InTurn(await self.peek(slot, principal), None)

    async def hold(self, seconds: float, *, throttled: bool = False) -> None:
        with self.state.lock:
            self.state.budget = self.state.budget.hold(self.clock(), seconds, throttled=throttled)

    async def lower_limit(self, requests_per_second: float) -> None:
        with self.state.lock:
            self.state.budget = self.state.budget.lower_limit(self.clock(), requests_per_second)
