"""What the contract works with: a place for stores, and a driver of one store.

The contract drives every operation in both forms: run to its end at once, as for threads, and awaited on an event loop.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest

from monite_auth.identity import PARTNER, EntityUser, Principal, Subject
from monite_auth.processes.flows import run
from monite_auth.stores.budget import Admission, Priority, Ticket
from monite_auth.stores.protocol import InTurn, Operations, Store
from monite_auth.stores.values import PARTNER_SLOT, Busy, Claim, Claimed, Committed, Ended, Lease, Slot
from monite_auth.tokens import AccessToken, Secret

__all__ = [
    "ABROAD",
    "AGAIN",
    "ALICE",
    "BOB",
    "BOBS",
    "FORMS",
    "HOME",
    "PERSON",
    "Drive",
    "StoreDriver",
    "StoreGround",
]

Result = TypeVar("Result")

PERSON = EntityUser("a11ce000-0000-4000-8000-000000000001", "e0000000-0000-4000-8000-000000000001")
ALICE = Principal("alice", session_id="alice-1")
AGAIN = Principal("alice", session_id="alice-2")
HOME = Slot("alice", None, None)
ABROAD = Slot("alice", "abroad", None)
BOB = Principal("bob", session_id="bob-1")
BOBS = Slot("bob", None, None)

FORMS = ("blocking", "async")
"""The two forms of every operation."""


class StoreGround(ABC):
    """What the stores of one test stand on: a place of their own, and the time there. A kind of store subclasses it.

    `place`: an empty directory of the test's own.
    """

    slack = 1e-6
    """How exactly durations come back, in seconds."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.now = 1_700_000_000.0

    def clock(self) -> float:
        """Return the time of whoever calls the store, epoch seconds. Hand it to the store as its clock, or clocks."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Let time pass. Extend this where the store counts by a clock of its own, a server's say."""
        self.now += seconds

    @abstractmethod
    def open(self, **options: Any) -> Store:
        """Return a store at this place; a second one stands for another process.

        The contract passes `session_memory` and `requests_per_second`, which mean what the settings of that name mean.
        """

    def close(self) -> None:  # noqa: B027 - most places have nothing to clear away
        """Clear away what is left when all stores are closed."""


class StoreDriver:
    """One store in one form, and the steps that the tests share."""

    def __init__(
        self, ground: StoreGround, form: str, *, account: str = "", store: Store | None = None, **options: Any
    ) -> None:
        options = {"session_memory": 14 * 24 * 3600.0, "requests_per_second": 30, **options}
        self.ground = ground
        self.form = form
        self.store = (ground.open(**options) if store is None else store).of(account)
        self._runner = asyncio.Runner() if form == "async" else None
        self.ops: Operations = self.store.operations(blocking=form == "blocking")

    def close_store(self) -> None:
        """Close the store in this driver's form; it opens again when it is used."""
        if self._runner is not None:
            self._runner.run(self.store.aclose())
        else:
            self.store.close()

    def close(self) -> None:
        """Close the store for good."""
        self.close_store()
        if self._runner is not None:
            self._runner.close()
            self.store.close()

    def run(self, operation: Coroutine[Any, Any, Result]) -> Result:
        """Run one operation to its end, in this driver's form."""
        return run(operation) if self._runner is None else self._runner.run(operation)

    @property
    def now(self) -> float:
        """The time of the caller, epoch seconds."""
        return self.ground.clock()

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.ground.advance(seconds)

    def about(self, seconds: float) -> Any:
        """Return what equals a duration as exactly as this kind of store counts."""
        return pytest.approx(seconds, abs=self.ground.slack)

    # -- tokens

    def peek(self, slot: Slot = HOME, principal: Subject = ALICE) -> str | None:
        """Return the text of the token that the principal is handed."""
        found = self.run(self.ops.peek(slot, principal))
        return found.value.reveal() if found is not None else None

    def claim(
        self,
        slot: Slot = HOME,
        principal: Subject = ALICE,
        owner: str = "me",
        seconds: float = 5.0,
        min_life: float = 0.0,
    ) -> Claim:
        """Claim a slot."""
        return self.run(self.ops.claim(slot, principal, owner=owner, seconds=seconds, min_life=min_life))

    def lease(self, **kwargs: Any) -> Lease:
        """Claim a slot that is free, and return the lease."""
        claim = self.claim(**kwargs)
        assert isinstance(claim, Claimed), claim
        return claim.lease

    def is_busy(self, **kwargs: Any) -> bool:
        """Claim a slot, and say whether another owner mints for it."""
        return isinstance(self.claim(**kwargs), Busy)

    def has_ended(self, principal: Principal, slot: Slot = HOME) -> bool:
        """Claim a slot, and say whether the principal's session has ended."""
        return isinstance(self.claim(slot=slot, principal=principal), Ended)

    def token(self, value: str, life: float = 1800.0) -> AccessToken:
        """Return a token that lives for `life` seconds from now."""
        now = self.now
        return AccessToken(Secret(value), now + life, now, now + life * 0.8, PERSON, self.ground.clock)

    def commit(self, lease: Lease, value: str, life: float = 1800.0) -> bool:
        """Commit a token, and say whether it was stored."""
        return self.committed(lease, value, life) is Committed.STORED

    def committed(self, lease: Lease, value: str, life: float = 1800.0) -> Committed:
        """Commit a token, and return what became of it."""
        return self.run(self.ops.commit(lease, self.token(value, life)))

    def put(self, value: str, slot: Slot = HOME, principal: Subject = ALICE, life: float = 1800.0) -> None:
        """Mint a token for a slot, whatever it holds."""
        lease = self.lease(slot=slot, principal=principal, min_life=1e9)
        assert self.commit(lease, value, life)

    # -- revocations

    def end(self, *values: str, life: float = 1800.0) -> None:
        """Make tokens with these values pending revocations."""
        for value in values:
            self.put(value, life=life)
        self.run(self.ops.relink("alice"))

    def pending(self) -> list[str]:
        """Take all that is due."""
        return sorted(each.token.reveal() for each in self.run(self.ops.due(1000, seconds=60)).batch)

    def condemned(self) -> dict[str, bool]:
        """Take all that is due, and decide about each."""
        due = self.run(self.ops.due(1000, seconds=60))
        return {each.token.reveal(): self.run(self.ops.condemn(each)) for each in due.batch}

    # -- principals, budget, notes

    def dated(self, ago: float, session: str | None = "s", user: str = "alice") -> Principal:
        """Return a principal who logged in `ago` seconds ago."""
        return Principal(user, session_id=session, authenticated_at=self.now - ago)

    def admit(
        self, priority: Priority = Priority.USER, ticket: Ticket | None = None, patience: float = 60.0
    ) -> Admission:
        """Ask the budget for one request."""
        return self.run(self.ops.admit(priority, ticket, patience=patience))

    def peek_in_turn(self, principal: Subject = ALICE, *, patience: float = 60.0) -> InTurn:
        """Return what a call of the principal finds in its slot."""
        slot = HOME if principal is not PARTNER else PARTNER_SLOT
        return self.run(self.ops.peek_in_turn(slot, principal, patience=patience))

    def put_note(self, value: str, *, user: str = "alice", name: str = "link", seconds: float = 100) -> None:
        """Keep a note."""
        self.run(self.ops.put_note(user, name, value, seconds=seconds))

    def get_note(self, *, user: str = "alice", name: str = "link") -> str | None:
        """Return a note."""
        return self.run(self.ops.get_note(user, name))


Drive = Callable[..., StoreDriver]
"""Makes a driver of a ground, in a form; it is closed at the end of the test."""
