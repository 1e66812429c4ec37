"""The stores that the workers share, and the outages that each can have."""

import random
import sqlite3
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol, TypeVar

from tests.redis_server import RedisServer

Result = TypeVar("Result")

Wait = Callable[[float], Any]
"""Waits for so many seconds, or less, when no more faults are to be injected."""


class StoreUnderTest(Protocol):
    """A store that can be interrupted. `outages` counts what it went through, by kind."""

    url: str
    outages: Counter[str]

    def interrupt(self, chance: random.Random, wait: Wait) -> None:
        """Make the store unusable for a while, and usable again."""

    def close(self) -> None:
        """Stop what runs."""


class SQLiteUnderTest:
    """A file that somebody else keeps locked: a backup, or an open shell."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "store.db"
        self.url = f"sqlite:///{self.path}"
        self.outages: Counter[str] = Counter()

    def interrupt(self, chance: random.Random, wait: Wait) -> None:
        with closing(sqlite3.connect(self.path, timeout=30, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            wait(chance.uniform(0.2, 2.5))
            connection.execute("ROLLBACK")
        self.outages["store paused"] += 1

    def close(self) -> None:
        pass


class RedisUnderTest:
    """A server that hangs, crashes and is restarted. It writes everything down before it answers."""

    def __init__(self, folder: Path) -> None:
        # A server dies with the thread that started it, so one thread starts them all.
        self._starter = ThreadPoolExecutor(1)
        self._server = self._starting(RedisServer, "--appendonly", "yes", "--appendfsync", "always")
        self._starting(self._server.start)
        self.url = self._server.url
        self.outages: Counter[str] = Counter()

    def _starting(self, work: Callable[..., Result], *arguments: Any) -> Result:
        return self._starter.submit(work, *arguments).result()

    def interrupt(self, chance: random.Random, wait: Wait) -> None:
        how = chance.choice(("pause", "crash", "crash", "restart"))
        if how == "pause":
            with self._server.paused():
                wait(chance.uniform(0.2, 2.5))
            self.outages["store paused"] += 1
            return
        (self._server.kill if how == "crash" else self._server.stop)()
        wait(chance.uniform(0.0, 1.5))
        self._starting(self._server.start)
        self.outages["store crashed" if how == "crash" else "store stopped"] += 1

    def close(self) -> None:
        self._starting(self._server.close)
        self._starter.shutdown()


STORES: dict[str, Callable[[Path], StoreUnderTest]] = {"sqlite": SQLiteUnderTest, "redis": RedisUnderTest}
