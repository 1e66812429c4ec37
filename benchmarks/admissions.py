"""Records when a store admits requests: when they leave, and in which order callers have booked.

A process does not know the moment at which a store has decided. It lies between the call of `admit` and its return, however long a
busy machine takes for that. So only what is certain counts: that requests have left within some seconds, wherever in their
spans the moments lie.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from monite_auth.stores import Admission, Priority, Store, Ticket

__all__ = ["Admitted", "RecordingStore", "booked_out_of_turn", "most_within"]


@dataclass(frozen=True, slots=True)
class Admitted:
    """One answer of `admit`: it was given between `asked` and `answered`, monotonic seconds that a host's processes share.

    `booked`: the moment of the ticket, where the caller had none before. `leaves`: whether the request leaves at once.
    """

    asked: float
    answered: float
    booked: float | None
    leaves: bool


def most_within(seconds: float, admitted: Iterable[Admitted]) -> int:
    """Return the largest number of requests that have certainly left within some span of `seconds`."""
    leaving = sorted((each for each in admitted if each.leaves), key=lambda each: each.answered)
    return max(
        (
            sum(first.asked <= each.asked and each.answered <= first.asked + seconds for each in leaving)
            for first in leaving
        ),
        default=0,
    )


def booked_out_of_turn(admitted: Iterable[Admitted]) -> int:
    """Return how many callers got an earlier moment than somebody who had it before they asked."""
    booked = [each for each in admitted if each.booked is not None]
    by_answer = sorted(booked, key=lambda each: each.answered)
    latest, out_of_turn, position = float("-inf"), 0, 0
    for each in sorted(booked, key=lambda each: each.asked):
        while position < len(by_answer) and by_answer[position].answered < each.asked:
            latest = max(latest, by_answer[position].booked or 0.0)
            position += 1
        out_of_turn += (each.booked or 0.0) < latest
    return out_of_turn


class RecordingStore:
    """A store that notes what it admits, and is otherwise like the one that it has. `admitted`: takes the notes."""

    def __init__(self, store: Store, admitted: list[Admitted]) -> None:
        self._store = store
        self._admitted = admitted

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def of(self, account: str) -> "RecordingStore":
        """Return this store, as the account sees it."""
        self._store = self._store.of(account)
        return self

    def operations(self, *, blocking: bool) -> Any:
        """Return the operations of the store, with an `admit` that takes notes."""
        return _RecordingOperations(self._store.operations(blocking=blocking), self._admitted)


class _RecordingOperations:
    def __init__(self, operations: Any, admitted: list[Admitted]) -> None:
        self._operations = operations
        self._admitted = admitted

    def __getattr__(self, name: str) -> Any:
        return getattr(self._operations, name)

    async def admit(self, priority: Priority, ticket: Ticket | None, *, patience: float) -> Admission:
        asked = time.monotonic()
        admission: Admission = await self._operations.admit(priority, ticket, patience=patience)
        booked = admission.ticket.moment if ticket is None and admission.ticket is not None else None
        leaves = admission.admitted and admission.wait == 0
        self._admitted.append(Admitted(asked, time.monotonic(), booked, leaves))
        return admission
