"""The request budget in Redis: `lua/budget.lua` does the arithmetic of `monite_auth.stores.budget`."""

from typing import Any

from monite_auth.stores.budget import CONSTANTS, Admission, Priority, Ticket
from monite_auth.stores.redis.connections import Argument
from monite_auth.stores.redis.execution import Execution

__all__ = ["RedisBudget"]


class RedisBudget(Execution):
    """See BudgetOperations."""

    async def admit(self, priority: Priority, ticket: Ticket | None, *, patience: float) -> Admission:
        """See Operations."""
        booked = "" if ticket is None else ticket.moment
        admitted, wait, moment = await self._on_the_budget(
            "admit", self._requests_per_second, int(priority), patience, booked
        )
        return Admission(bool(admitted), float(wait), Ticket(float(moment)) if moment else None)

    async def hold(self, seconds: float, *, throttled: bool = False) -> None:
        """See Operations."""
        await self._on_the_budget("hold", seconds, int(throttled))

    async def lower_limit(self, requests_per_second: float) -> None:
        """See Operations."""
        await self._on_the_budget("lower", requests_per_second)

    async def _pace(self) -> tuple[float, float]:
        """Return for how many seconds nobody may send, and how many requests a second may leave otherwise."""
        _, held_for, rate = await self._on_the_budget("pace", self._requests_per_second)
        return float(held_for), float(rate)

    async def _on_the_budget(self, *arguments: Argument) -> Any:
        vault = await self._vault()
        return await self._script("budget", [vault.keyspace.budget], [*arguments, *CONSTANTS], probes=False)
