"""The request budget in PostgreSQL: one row for each account. `monite_auth.stores.budget` does the arithmetic, here in the process.

The state is read, and swapped for the next one if it is still the same. So no session of the database holds a lock while a process
computes. The callers of one process come one by one, and several processes seldom meet.
"""

import struct
from collections.abc import Callable
from typing import TypeVar

from monite_auth.stores.budget import Admission, Budget, Priority, Ticket
from monite_auth.stores.postgres.errors import store_is_unsettled
from monite_auth.stores.postgres.execution import Execution
from monite_auth.stores.postgres.statements import STORE_TIME, function, statement

__all__ = ["PostgresBudget"]

Result = TypeVar("Result")

FIELDS = struct.Struct(">11d")
"""The numbers of a state."""

ENTRY = struct.Struct(">2d")
"""One entry of its log: a moment, and a number of requests."""

TRIES = 1000
"""How often other processes may be faster, one after the other."""

READ = statement(
    f"SELECT (SELECT state FROM monite_auth.budgets WHERE account = $1), {STORE_TIME}",  # noqa: S608 - ours
    "bytes",
    "moment",
)
SWAP = function("swap_budget", 5, "truth")


class PostgresBudget(Execution):
    """See BudgetOperations."""

    async def admit(self, priority: Priority, ticket: Ticket | None, *, patience: float) -> Admission:
        """See Operations."""
        return await self._change(
            lambda budget, now: budget.admit(now, self._requests_per_second, priority, ticket, patience)
        )

    async def hold(self, seconds: float, *, throttled: bool = False) -> None:
        """See Operations."""
        await self._change(lambda budget, now: (budget.hold(now, seconds, throttled=throttled), None))

    async def lower_limit(self, requests_per_second: float) -> None:
        """See Operations."""
        await self._change(lambda budget, now: (budget.lower_limit(now, requests_per_second), None))

    async def _pace(self) -> tuple[float, float]:
        """Return for how many seconds nobody may send, and how many requests a second may leave otherwise."""
        _, ((state, now),) = await self._ask(READ, lambda _: [])
        return _budget(state, now).pace(now, self._requests_per_second)

    async def _change(self, decide: Callable[[Budget, float], tuple[Budget, Result]]) -> Result:
        async with self._connections().one_budget_at_a_time():
            for _ in range(TRIES):
                _, ((state, now),) = await self._ask(READ, lambda _: [])
                budget, result = decide(_budget(state, now), now)
                if await self._value(SWAP, lambda _: [state, _packed(budget)]):  # noqa: B023 - it is called at once
                    return result
        raise store_is_unsettled()


def _budget(state: bytes | None, now: float) -> Budget:
    if state is None:
        return Budget()
    try:
        free_at, calls_free_at, probe_next, *times = FIELDS.unpack_from(state)
        log = tuple([(moment, int(count)) for moment, count in ENTRY.iter_unpack(state[FIELDS.size :])])
    except (ValueError, OverflowError, struct.error):  # something else has written it
        return Budget.unknown(now)
    return Budget(free_at, calls_free_at, bool(probe_next), *times)._replace(sent=log)


def _packed(budget: Budget) -> bytes:
    *numbers, log = budget
    return FIELDS.pack(*numbers) + b"".join([ENTRY.pack(*each) for each in log])
