"""Owed operations that a part of the store has not taken, since it is down: whom they hold up, and when they are tried again.

| stuck | whom it concerns |
|---|---|
| what is about a user | that user |
| `end_everything` | everybody, but for users whose sessions the store has ended one by one, as of then |
| `revoke` | nobody; the token is not handed out meanwhile (`Owed.revokes`) |

Whoever is not concerned is asked for as if nothing were owed.
"""

from monite_auth.identity import Partner
from monite_auth.stores.fallback.outage import LEFT_ALONE
from monite_auth.stores.fallback.owed_operation import OwedOperation
from monite_auth.tokens import Clock

__all__ = ["Stuck"]

ENDED_LIMIT = 100_000
"""Users of whom it is remembered that the store has ended their sessions for an `end_everything` that is stuck. Beyond that it ends
them once more, which costs each a mint."""


class Stuck:
    """The stuck operations of one store. Those of one user are stuck together, since they have an order."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until: dict[object, float] = {}
        """Whose operations are stuck, or which one that is about no user, and until when they are not tried again."""
        self.ended: set[str | Partner] = set()
        """Users whose sessions the store has ended for the last `end_everything`. There is another set after each of those."""

    def __contains__(self, operation: OwedOperation) -> bool:
        return _whose(operation) in self._until

    def add(self, operation: OwedOperation) -> None:
        """Note that a part of the store has just not taken an operation."""
        self._until[_whose(operation)] = self._clock() + LEFT_ALONE

    def remove(self, operation: OwedOperation) -> None:
        """Note that the store has taken an operation, or that it is owed no more."""
        self._until.pop(_whose(operation), None)

    def is_left_alone(self, operation: OwedOperation) -> bool:
        """Say whether it is too early to try an operation again."""
        return self._until.get(_whose(operation), 0.0) > self._clock()

    def concerns(self, operation: OwedOperation, user: str | Partner) -> bool:
        """Say whether an owed operation, which may be stuck, holds up a user."""
        if operation.user is None and operation in self:
            return operation.name == "end_everything" and user not in self.ended
        return operation.concerns(user)

    def forget_ended(self) -> None:
        """Note that everything has to end, again."""
        self.ended = set()

    def note_ended(self, user: str | Partner, ended: set[str | Partner]) -> None:
        """Note that the store has ended a user's sessions. `ended`: what `self.ended` was before that."""
        if len(ended) >= ENDED_LIMIT:
            ended.clear()
        ended.add(user)


def _whose(operation: OwedOperation) -> object:
    return operation if operation.user is None else operation.user
