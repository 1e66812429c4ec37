"""The request budget in Redis: `lua/budget.lua` does the arithmetic of `monite_auth.stores.budget`."""

from collections.abc import Sequence
from typing import Any

from monite_auth.stores.budget import CONSTANTS, Admission, Priority, Ticket
from monite_auth.stores.redis.connections import Argument
from monite_auth.stores.redis.execution import Execution

__all__ = ["RedisBudget", "admission_of"]


class RedisBudget(Execution):
    """See BudgetOperations."""

    async def admit(self, priority: Priority, ticket: Ticket | None, *, patience: float) -> Admission:
        """See Operations."""
        return admission_of(await self._on_the_budget(*self._turn_of(priority, ticket, patience)))

    async def hold(self, seconds: float, *, throttled: bool = False) -> None:
        """See Operations."""
        await self._on_the_budget("hold", seconds, int(throttled), *CONSTANTS.values())

    async def lower_limit(self, requests_per_second: float) -> None:
        """See Operations."""
        await self._on_the_budget("lower", requests_per_second, *CONSTANTS.values())

    def _turn_of(self, priority: Priority, ticket: Ticket | None, patience: float) -> list[Argument]:
        """Return the arguments with which the script admits."""
        booked = "" if ticket is None else ticket.moment
        return ["admit", self._requests_per_second, int(priority), patience, booked, *CONSTANTS.values()]

    async def _pace(self) -> tuple[float, float]:
        """Return for how many seconds nobody may send, and how many requests a second may leave otherwise."""
        _, held_for, rate = await self._on_the_budget("pace", self._requests_per_second, *CONSTANTS.values())
        return float(held_for), float(rate)

    async def _on_the_budget(self, *arguments: Argument) -> Any:
        vault = await self._vault()
        return await self._script("budget", [vault.keyspace.budget], arguments, probes=False)


def admission_of(answer: Sequence[Any]) -> Admission:
    """Return what the script has said of a turn."""
    admitted, wait, moment = answer
    return Admission(bool(admitted), float(wait), Ticket(float(moment)) if moment else None)
