"""The request budget in SQLite: one row for each account. `monite_auth.stores.budget` does the arithmetic."""

from dataclasses import astuple, replace

from monite_auth.stores.budget import Admission, Budget, Priority, Ticket
from monite_auth.stores.sqlite.execution import Execution, Transaction, writing

__all__ = ["SQLiteBudget"]


class SQLiteBudget(Execution):
    """See BudgetOperations."""

    @writing
    def admit(
        self, on: Transaction, priority: Priority, ticket: Ticket | None, *, patience: float
    ) -> Admission:
        """See Operations."""
        budget, admission = _budget(on).admit(on.now, self._requests_per_second, priority, ticket, patience)
        _keep(on, budget)
        return admission

    @writing
    def hold(self, on: Transaction, seconds: float) -> None:
        """See Operations."""
        _keep(on, _budget(on).hold(on.now, seconds))


def _budget(on: Transaction) -> Budget:
    row = on.db.execute(
        "SELECT free_at, gate, held, held_until, renewals_until, seen_at FROM budget WHERE account = ?",
        (on.account,),
    ).fetchone()
    if row is None:
        return Budget()
    *state, seen_at = row
    budget = Budget(*state)
    if on.now >= seen_at:
        return budget
    # The clock was set back. Virtual time goes on as if it had not been, or all would wait that much longer.
    back = on.now - seen_at
    return replace(
        budget,
        held=budget.held + back,
        held_until=budget.held_until + back,
        renewals_until=budget.renewals_until + back,
    )


def _keep(on: Transaction, budget: Budget) -> None:
    on.db.execute(
        "INSERT OR REPLACE INTO budget (account, free_at, gate, held, held_until, renewals_until, seen_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        (on.account, *astuple(budget), on.now),
    )
