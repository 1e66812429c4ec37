"""What the contract is tested with: kinds of stores, forms of operations, and a driver of one of each.

A new kind is a subclass of Ground and a line in KINDS.
"""

import asyncio
import sqlite3
from collections.abc import Coroutine
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

import pytest

from monite_auth import AccessToken, EntityUser, MemoryStore, Principal, Secret
from monite_auth.engine.runtime import run
from monite_auth.identity import Subject
from monite_auth.stores import Busy, Claim, Claimed, Committed, Ended, Lease, Operations, Slot, Store
from monite_auth.stores.redis import RedisStore
from monite_auth.stores.sqlite import SQLiteStore
from tests.redis_server import emptied, timed_server

Result = TypeVar("Result")

PERSON = EntityUser("a11ce000-0000-4000-8000-000000000001", "e0000000-0000-4000-8000-000000000001")
ALICE = Principal("alice", session_id="alice-1")
AGAIN = Principal("alice", session_id="alice-2")
HOME = Slot("alice", None, None)
ABROAD = Slot("alice", "abroad", None)
BOB = Principal("bob", session_id="bob-1")
BOBS = Slot("bob", None, None)


class Ground:
    """What the stores of one test stand on: a place of their own, and the time there."""

    shared = True
    """Whether a second store finds what the first one left."""
    slack = 1e-6
    """How exactly durations come back, in seconds."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.now = 1_700_000_000.0

    def clock(self) -> float:
        """Return the time of whoever calls the store."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Let time pass, for the store and for its callers."""
        self.now += seconds

    def open(self, **options: Any) -> Store:
        """Return a store; one more process of the same host, so to speak, where that is possible."""
        raise NotImplementedError

    def close(self) -> None:
        """Clear away what is left when all stores are closed."""


class MemoryGround(Ground):
    shared = False

    def open(self, **options: Any) -> Store:
        return MemoryStore(clock=self.clock, **{"requests_per_second": 30, **options})


class SQLiteGround(Ground):
    name = "store.db"
    keys = (Secret("a key of the tests, long enough"),)

    def open(self, **options: Any) -> Store:
        defaults = {"keys": self.keys, "clock": self.clock, "token_clock": self.clock}
        return SQLiteStore(self.place / self.name, **{**defaults, "requests_per_second": 30, **options})


def rows(path: Path, statement: str) -> list[Any]:
    """Return what the file of an SQLite store answers to any other program."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(statement).fetchall()


class RedisGround(Ground):
    keys = (Secret("a key of the tests, long enough"),)
    slack = 1e-5  # the server counts microseconds

    def __init__(self, place: Path) -> None:
        super().__init__(place)
        self.server = emptied(timed_server())
        self.server.set_time(self.now)

    def advance(self, seconds: float) -> None:
        super().advance(seconds)
        self.server.set_time(self.now)

    def open(self, **options: Any) -> Store:
        settings = {"keys": self.keys, "requests_per_second": 30, "token_clock": self.clock, **options}
        return RedisStore(self.server.url, **settings)


KINDS: dict[str, type[Ground]] = {
    "memory": MemoryGround,
    "sqlite": SQLiteGround,
    "redis": RedisGround,
}

FORMS = ("blocking", "async")
"""The two forms of every operation: driven by `run`, and awaited on an event loop."""


class Driver:
    """One store in one form, and the steps that the tests share."""

    def __init__(
        self, ground: Ground, form: str, *, account: str = "", store: Store | None = None, **options: Any
    ) -> None:
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
        return self._runner.run(operation) if self._runner is not None else run(operation)

    @property
    def now(self) -> float:
        return self.ground.clock()

    def advance(self, seconds: float) -> None:
        self.ground.advance(seconds)

    def about(self, seconds: float) -> Any:
        """Return what equals a duration as exactly as this kind of store counts."""
        return pytest.approx(seconds, abs=self.ground.slack)

    def peek(self, slot: Slot = HOME, principal: Subject = ALICE) -> str | None:
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
        return self.run(self.ops.claim(slot, principal, owner=owner, seconds=seconds, min_life=min_life))

    def lease(self, **kwargs: Any) -> Lease:
        claim = self.claim(**kwargs)
        assert isinstance(claim, Claimed), claim
        return claim.lease

    def is_busy(self, **kwargs: Any) -> bool:
        return isinstance(self.claim(**kwargs), Busy)

    def has_ended(self, principal: Principal, slot: Slot = HOME) -> bool:
        return isinstance(self.claim(slot=slot, principal=principal), Ended)

    def token(self, value: str, life: float = 1800.0) -> AccessToken:
        now = self.now
        return AccessToken(Secret(value), now + life, now, now + life * 0.8, PERSON, self.ground.clock)

    def commit(self, lease: Lease, value: str, life: float = 1800.0) -> bool:
        return self.committed(lease, value, life) is Committed.STORED

    def committed(self, lease: Lease, value: str, life: float = 1800.0) -> Committed:
        return self.run(self.ops.commit(lease, self.token(value, life)))

    def put(self, value: str, slot: Slot = HOME, principal: Subject = ALICE, life: float = 1800.0) -> None:
        lease = self.lease(slot=slot, principal=principal, min_life=1e9)
        assert self.commit(lease, value, life)

    def end(self, *values: str, life: float = 1800.0) -> None:
        """Make tokens with these values pending revocations."""
        for value in values:
            self.put(value, life=life)
        self.run(self.ops.relink("alice"))

    def pending(self) -> list[str]:
        """Take all that is due."""
        return sorted(each.token.reveal() for each in self.run(self.ops.due(1000, seconds=60)).batch)
