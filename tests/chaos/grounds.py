"""The stores under attack: what the workers share, and what can be done to it."""

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
"""Waits for so many seconds, or less, when the violence is over."""


class Ground(Protocol):
    """A store, and its weak points. `blows` counts what it had to bear."""

    url: str
    blows: Counter[str]

    def strike(self, chance: random.Random, wait: Wait) -> None:
        """Make the store unusable for a while, and usable again."""

    def close(self) -> None:
        """Clear away what is left."""


class SQLiteGround:
    """A file that somebody else keeps locked: a backup, or an open shell."""

    def __init__(self, place: Path) -> None:
        self.path = place / "store.db"
        self.url = f"sqlite:///{self.path}"
        self.blows: Counter[str] = Counter()

    def strike(self, chance: random.Random, wait: Wait) -> None:
        with closing(sqlite3.connect(self.path, timeout=30, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            wait(chance.uniform(0.2, 2.5))
            connection.execute("ROLLBACK")
        self.blows["store paused"] += 1

    def close(self) -> None:
        pass


class RedisGround:
    """A server that hangs, crashes and is restarted. It writes everything down before it answers."""

    def __init__(self, place: Path) -> None:
        # A server dies with the thread that started it, so one thread starts them all.
        self._starter = ThreadPoolExecutor(1)
        self._server = self._starting(RedisServer, "--appendonly", "yes", "--appendfsync", "always")
        self._starting(self._server.start)
        self.url = self._server.url
        self.blows: Counter[str] = Counter()

    def _starting(self, work: Callable[..., Result], *arguments: Any) -> Result:
        return self._starter.submit(work, *arguments).result()

    def strike(self, chance: random.Random, wait: Wait) -> None:
        how = chance.choice(("pause", "crash", "crash", "restart"))
        if how == "pause":
            with self._server.paused():
                wait(chance.uniform(0.2, 2.5))
            self.blows["store paused"] += 1
            return
        (self._server.kill if how == "crash" else self._server.stop)()
        wait(chance.uniform(0.0, 1.5))
        self._starting(self._server.start)
        self.blows["store crashed" if how == "crash" else "store stopped"] += 1

    def close(self) -> None:
        self._starting(self._server.close)
        self._starter.shutdown()


GROUNDS: dict[str, Callable[[Path], Ground]] = {"sqlite": SQLiteGround, "redis": RedisGround}
