"""Where the stores of our own kinds stand while they are tested. A new kind is a subclass of Ground here.

What all kinds promise is tested by `monite_auth.testing.StoreContract`, whose parts have their short names here.
"""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from monite_auth import MemoryStore, Secret
from monite_auth.processes.boot_clock import BootClock
from monite_auth.stores import Store
from monite_auth.stores.postgres import PostgresStore
from monite_auth.stores.redis import RedisStore
from monite_auth.stores.sqlite import SQLiteStore
from monite_auth.testing.stores.driver import (
    ABROAD,
    AGAIN,
    ALICE,
    BOB,
    BOBS,
    FORMS,
    HOME,
    PERSON,
)
from monite_auth.testing.stores.driver import StoreDriver as Driver
from monite_auth.testing.stores.driver import StoreGround as Ground
from tests import postgres_server
from tests.redis_server import TimedServer, emptied, timed_server
from tests.waiting import PATIENCE

__all__ = [
    "ABROAD",
    "AGAIN",
    "ALICE",
    "BOB",
    "BOBS",
    "FORMS",
    "HOME",
    "PERSON",
    "Driver",
    "Ground",
    "MemoryGround",
    "PostgresGround",
    "RedisGround",
    "SQLiteGround",
    "rows",
]


class SettableGround(Ground):
    """A place on a host whose wall clock can be set."""

    wall_is_ahead = 0.0

    def wall_clock(self) -> float:
        return self.now + self.wall_is_ahead


class MemoryGround(SettableGround):
    def open(self, **options: Any) -> Store:
        return MemoryStore(clock=self.clock, wall_clock=self.wall_clock, **options)


class SQLiteGround(SettableGround):
    name = "store.db"
    keys = (Secret("a key of the tests, long enough"),)
    boot = "first"

    def open(self, **options: Any) -> Store:
        defaults = {
            "keys": self.keys,
            "clock": self.wall_clock,
            "token_clock": self.clock,
            "boot_clock": BootClock(self.boot, self.clock),
        }
        return SQLiteStore(self.place / self.name, **{**defaults, "requests_per_second": 30, **options})


def rows(path: Path, statement: str) -> list[Any]:
    """Return what the file of an SQLite store answers to any other program."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(statement).fetchall()


class ServerGround(SettableGround):
    """A place on a server whose clock can be set, too."""

    keys = (Secret("a key of the tests, long enough"),)
    slack = 1e-5  # the server counts microseconds

    server_is_ahead = 0.0

    def __init__(self, place: Path, server: TimedServer | postgres_server.TimedServer) -> None:
        super().__init__(place)
        self.server = server
        self.server.set_time(self.now)

    def advance(self, seconds: float) -> None:
        super().advance(seconds)
        self.server.set_time(self.now + self.server_is_ahead)

    def set_server(self, ahead: float) -> None:
        """Set the server's clock: so many seconds ahead of the truth."""
        self.server_is_ahead = ahead
        self.advance(0)

    def settings(self, options: dict[str, Any]) -> dict[str, Any]:
        """Return what a store here is made with."""
        return {
            "keys": self.keys,
            "requests_per_second": 30,
            "clock": self.wall_clock,
            "token_clock": self.clock,
            **options,
        }


class RedisGround(ServerGround):
    def __init__(self, place: Path) -> None:
        super().__init__(place, emptied(timed_server()))

    def open(self, **options: Any) -> Store:
        return RedisStore(self.server.url, **self.settings(options))


class PostgresGround(ServerGround):
    def __init__(self, place: Path) -> None:
        super().__init__(place, postgres_server.emptied(postgres_server.timed_server()))

    def open(self, **options: Any) -> Store:
        return PostgresStore(self.server.url, **self.settings({"timeout": PATIENCE, **options}))
