"""The request budget in PostgreSQL: `sql/budget.sql` does the arithmetic of `monite_auth.stores.budget`, over one row for each account."""

from collections.abc import Sequence
from typing import Any

from monite_auth.stores.budget import Admission, Priority, Ticket
from monite_auth.stores.postgres.execution import Execution
from monite_auth.stores.postgres.statements import function

__all__ = ["TURN", "PostgresBudget", "admission_of"]

TURN = "truth", "real", "real"
"""The columns of a turn: whether the caller is admitted, for how many seconds it waits, and its ticket."""

ADMIT = function("admit", 7, *TURN)
HOLD = function("hold", 5, "nothing")
LOWER_LIMIT = function("lower_limit", 4, "nothing")
PACE = function("pace", 4, "real", "real")


class PostgresBudget(Execution):
    """See BudgetOperations."""

    async def admit(self, priority: Priority, ticket: Ticket | None, *, patience: float) -> Admission:
        """See Operations."""
        moment = None if ticket is None else ticket.moment
        _, (turn,) = await self._ask(
            ADMIT, lambda _: [self._requests_per_second, int(priority), moment, patience]
        )
        return admission_of(turn)

    async def hold(self, seconds: float, *, throttled: bool = False) -> None:
        """See Operations."""
        await self._ask(HOLD, lambda _: [seconds, throttled])

    async def lower_limit(self, requests_per_second: float) -> None:
        """See Operations."""
        await self._ask(LOWER_LIMIT, lambda _: [requests_per_second])

    async def _pace(self) -> tuple[float, float]:
        """Return for how many seconds nobody may send, and how many requests a second may leave otherwise."""
        _, ((held_for, rate),) = await self._ask(PACE, lambda _: [self._requests_per_second])
        return held_for, rate


def admission_of(turn: Sequence[Any]) -> Admission:
    """Return what the columns of a turn say."""
    admitted, wait, moment = turn
    return Admission(admitted, wait, None if moment is None else Ticket(moment))
