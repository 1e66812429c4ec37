"""However many requests one user sends, what a store keeps of them is bounded. `benchmarks.growth` sends 100,000 of each kind."""

from typing import Any

import pytest

from monite_auth.stores import MOST_SESSIONS
from monite_auth.stores.memory.users import User
from tests.hostile import KINDS, Attack
from tests.stores.harness import Driver, MemoryGround, PostgresGround, RedisGround, SQLiteGround, rows

MORE = 200
"""Requests beyond the largest bound, twice."""


def in_memory(driver: Driver) -> int:
    operations: Any = driver.ops
    endings: int = len(operations._endings)
    user: User = operations._users.by_name.get("eve", User())
    tokens = sum(len(place.tokens()) for place in user.places.values())
    sessions, places = len(user.sessions), len(user.places)
    return sessions + places + tokens + endings


def in_sqlite(driver: Driver) -> int:
    path = driver.ground.place / SQLiteGround.name
    counts = ("sessions", "mints", "endings", "tokens WHERE state <> 'pending'")
    return sum(rows(path, f"SELECT count(*) FROM {each}")[0][0] for each in counts)


def in_redis(driver: Driver) -> int:
    ground: Any = driver.ground
    content = ground.server.content()
    return sum(
        len(value) for key, value in content.items() if b"}:user" in key or b"ed:" in key or b"known:" in key
    )


def in_postgres(driver: Driver) -> int:
    ground: Any = driver.ground
    counts = ("sessions", "mints", "endings", "tokens WHERE state <> 'pending'")
    return sum(ground.server.query(f"SELECT count(*) FROM monite_auth.{each}")[0][0] for each in counts)


STORES = {
    "memory": (MemoryGround, in_memory),
    "sqlite": (SQLiteGround, in_sqlite),
    "redis": (RedisGround, in_redis),
    "postgres": (PostgresGround, in_postgres),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", STORES)
def test_one_user_fills_so_much_of_a_store_and_no_more(tmp_path, drive, name, kind):
    ground, amount = STORES[name]
    driver = drive(ground(tmp_path), "blocking")
    attack = Attack(driver.ops, driver.run, driver.ground.clock)
    sizes = []
    for times in (2, MOST_SESSIONS + MORE, MORE):
        attack.send(kind, times)
        while due := driver.run(driver.ops.due(1000, seconds=60)).batch:
            for pending in due:
                driver.run(driver.ops.settle(pending))
        sizes.append(amount(driver))
    assert sizes[2] <= sizes[1] + 1  # SQLite makes room for two at a time
    assert sizes[1] <= 3 * MOST_SESSIONS
