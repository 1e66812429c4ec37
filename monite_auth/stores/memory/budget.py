"""The request budget in memory."""

from monite_auth.stores.budget import Admission, Priority, Ticket
from monite_auth.stores.memory.account import MemoryAccount

__all__ = ["MemoryBudget"]


class MemoryBudget(MemoryAccount):
    """See BudgetOperations."""

    async def admit(self, priority: Priority, ticket: Ticket | None, *, patience: float) -> Admission:
        """See BudgetOperations."""
        with self._lock:
            self._budget, admission = self._budget.admit(
                self._clock(), self._rate, priority, ticket, patience
            )
            return admission

    async def hold(self, seconds: float, *, throttled: bool = False) -> None:
        """See BudgetOperations."""
        with self._lock:
            self._budget = self._budget.hold(self._clock(), seconds, throttled=throttled)

    async def lower_limit(self, requests_per_second: float) -> None:
        """See BudgetOperations."""
        with self._lock:
            self._budget = self._budget.lower_limit(self._clock(), requests_per_second)
