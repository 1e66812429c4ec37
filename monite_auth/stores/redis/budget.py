"""The request budget in Redis: `lua/budget.lua` does the arithmetic of `monite_auth.stores.budget`."""

from collections.abc import Sequence
from typing import Any

from monite_auth.stores.budget import HEADROOM, PROBE, SHORTEST_WAIT, TOLERANCE, Admission, Priority, Ticket
from monite_auth.stores.redis.connections import Argument
from monite_auth.stores.redis.execution import Execution

__all__ = ["RedisBudget"]


class RedisBudget(Execution):
    """See BudgetOperations."""

    async def admit(self, priority: Priority, ticket: Ticket | None, *, patience: float) -> Admission:
        """See Operations."""
        interval = 1 / (self._requests_per_second * HEADROOM)
        booked = ("", "") if ticket is None else (ticket.moment, int(ticket.passed))
        admitted, wait, moment, passed = await self._on_the_budget(
            ["admit", interval, TOLERANCE, int(priority), patience, *booked, PROBE, SHORTEST_WAIT],
        )
        ticket = Ticket(float(moment), bool(passed)) if moment else None
        return Admission(bool(admitted), float(wait), ticket)

    async def hold(self, seconds: float) -> None:
        """See Operations."""
        await self._on_the_budget(["hold", seconds])

    async def _on_the_budget(self, arguments: Sequence[Argument]) -> Any:
        vault = await self._vault()
        return await self._script("budget", [vault.keyspace.budget], arguments)
