"""The request budget in SQLite: one row for each account. `monite_auth.stores.budget` does the arithmetic."""

import struct

from monite_auth.stores.budget import Admission, Budget, Priority, Ticket
from monite_auth.stores.sqlite.execution import Execution, Transaction, writing

__all__ = ["SQLiteBudget", "read_budget"]

FIELDS = struct.Struct(">11d")
"""The numbers of a state."""

ENTRY = struct.Struct(">2d")
"""One entry of its log: a moment, and a number of requests."""


class SQLiteBudget(Execution):
    """See BudgetOperations."""

    @writing
    def admit(
        self, on: Transaction, priority: Priority, ticket: Ticket | None, *, patience: float
    ) -> Admission:
        """See Operations."""
        return self.admit_within(on, priority, ticket, patience)

    def admit_within(
        self, on: Transaction, priority: Priority, ticket: Ticket | None, patience: float
    ) -> Admission:
        """Admit within a transaction."""
        budget, admission = read_budget(on).admit(
            on.now, self._requests_per_second, priority, ticket, patience
        )
        _keep(on, budget)
        return admission

    @writing
    def hold(self, on: Transaction, seconds: float, *, throttled: bool = False) -> None:
        """See Operations."""
        _keep(on, read_budget(on).hold(on.now, seconds, throttled=throttled))

    @writing
    def lower_limit(self, on: Transaction, requests_per_second: float) -> None:
        """See Operations."""
        _keep(on, read_budget(on).lower_limit(on.now, requests_per_second))


def read_budget(on: Transaction) -> Budget:
    """Return the account's budget."""
    row = on.db.execute("SELECT state FROM budget WHERE account = ?", (on.account,)).fetchone()
    if row is None:
        return Budget()
    (state,) = row
    try:
        if len(state) < FIELDS.size:  # an older version's; see `schema`
            return Budget.unknown(on.now, held_until=float(state))
        free_at, calls_free_at, probe_next, *times = FIELDS.unpack_from(state)
        log = tuple([(moment, int(count)) for moment, count in ENTRY.iter_unpack(state[FIELDS.size :])])
    except (TypeError, ValueError, OverflowError, struct.error):  # something else has written it
        return Budget.unknown(on.now)
    return Budget(free_at, calls_free_at, bool(probe_next), *times)._replace(sent=log)


def _keep(on: Transaction, budget: Budget) -> None:
    *numbers, log = budget
    state = FIELDS.pack(*numbers) + b"".join([ENTRY.pack(*each) for each in log])
    on.db.execute("INSERT OR REPLACE INTO budget (account, state) VALUES (?, ?)", (on.account, state))
