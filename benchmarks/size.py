"""Measures the bytes of one user in a store: with a token, and after a logout, when only the ended session is kept."""

import gc
import sqlite3
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import redis

from benchmarks.ground import Ground
from benchmarks.report import Report
from monite_auth import AccessToken, EntityUser, MemoryStore, Principal, RedisStore, Secret, SQLiteStore
from monite_auth.engine.runtime import run as drive
from monite_auth.stores import Claimed, Operations, Slot, Store

__all__ = ["SPECIFIED", "give_token", "in_memory", "run"]

SPECIFIED = 41
"""Characters of the token in the example of Monite's OpenAPI document (`POST /auth/token`). How long real ones are is not said there."""

JWT = 512
"""Characters of a token that is a small JWT, in case Monite's real ones are."""

KEYS = (Secret("a key of the benchmarks, long enough"),)
SOMEBODY = EntityUser("a11ce000-0000-4000-8000-000000000001", "e0000000-0000-4000-8000-000000000001")


MOST_BYTES = 900
"""The target for one user in memory, with a token as Monite's specification shows it."""


def run(ground: Ground, report: Report) -> None:
    """Print the bytes per user in each store, with short tokens and with long ones."""
    rows = [row for length in (SPECIFIED, JWT) for row in _rows(ground, length)]
    for store, length, full, _ in rows:
        if store == "memory":
            report.ratio(
                f"bytes of a user in memory / {MOST_BYTES}, with a token of {length} characters",
                full / MOST_BYTES,
                target=1 if length == str(SPECIFIED) else None,
            )
    report.table(
        "Bytes per user",
        ["store", "characters of a token", "with a token", "logged out, all revoked"],
        rows,
        plotted=["with a token", "logged out, all revoked"],
    )


def _rows(ground: Ground, length: int) -> Iterator[tuple[str, str, float, float]]:
    """Yield what a user takes in each store: with a token of this length, and logged out."""
    users, characters = ground.count(2000, 20), str(length)
    yield "memory", characters, *in_memory(users, length)
    file = ground.folder / f"size-{length}.db"
    yield "sqlite", characters, *_measure(_sqlite(file), lambda: _file_size(file), users, length)
    if "redis" in ground.stores:
        redis_url = ground.stores["redis"]
        client = redis.Redis.from_url(redis_url)
        client.flushdb()
        store = RedisStore(redis_url, keys=KEYS, requests_per_second=30)
        yield (
            "redis",
            characters,
            *_measure(store, lambda: client.info("memory")["used_memory"], users, length),
        )
        client.flushdb()
        client.close()


def _sqlite(file: Path) -> SQLiteStore:
    return SQLiteStore(file, keys=KEYS, requests_per_second=30)


def _file_size(file: Path) -> int:
    with sqlite3.connect(file) as database:
        pages = (
            database.execute("PRAGMA page_count").fetchone()[0]
            - database.execute("PRAGMA freelist_count").fetchone()[0]
        )
        return int(pages * database.execute("PRAGMA page_size").fetchone()[0])


def in_memory(users: int, length: int) -> tuple[float, float]:
    """Return the bytes of one user in memory: with a token of this length, and after a logout. The token's own text is among them."""
    tracemalloc.start()
    try:
        store = MemoryStore(requests_per_second=30)
        return _measure(store, lambda: tracemalloc.get_traced_memory()[0], users, length)
    finally:
        tracemalloc.stop()


def _measure(store: Store, size: Callable[[], int], users: int, length: int) -> tuple[float, float]:
    ops = store.operations(blocking=True)
    give_token(ops, _person(users), length)  # opens the store and loads its scripts, which are not counted
    _end(ops, range(users, users + 1))
    empty = size()
    for number in range(users):
        give_token(ops, _person(number), length)
    full = _settled(size)
    _end(ops, range(users))
    over = _settled(size)
    store.close()
    return float((full - empty) // users), float((over - empty) // users)


def _end(ops: Operations, numbers: range) -> None:
    """Log these users out, and revoke their tokens."""
    for number in numbers:
        drive(ops.end_session(_person(number)))
    while (due := drive(ops.due(100, seconds=60))).batch:
        for pending in due.batch:
            drive(ops.settle(pending))


def _person(number: int) -> Principal:
    """Return one of the users. It is made anew for each call, as by an application: a store keeps its texts, and not the object."""
    return Principal(f"user-{number}", session_id=f"session-{number}")


def _settled(size: Callable[[], int]) -> int:
    gc.collect()
    return size()


def give_token(ops: Operations, person: Principal, length: int = JWT) -> None:
    """Put a token of this person into the store, as a mint does; `length`: its characters."""
    slot = Slot(person.user_id, None, None)
    claim = drive(ops.claim(slot, person, owner="benchmark", seconds=5, min_life=0))
    assert isinstance(claim, Claimed)
    value = (person.user_id + "-").ljust(length, "x")
    now = time.time()
    token = AccessToken(Secret(value), now + 1800, now, now + 1400, SOMEBODY, time.time)
    drive(ops.commit(claim.lease, token))
