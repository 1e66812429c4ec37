"""Measures the bytes of one user in a store: with a token, and after a logout, when only the ended session is kept."""

import gc
import sqlite3
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import redis

from benchmarks.table import table
from monite_auth import AccessToken, EntityUser, MemoryStore, Principal, RedisStore, Secret, SQLiteStore
from monite_auth.engine.runtime import run as drive
from monite_auth.stores import Claimed, Operations, Slot, Store

__all__ = ["run"]

USERS = 2000
TOKEN = 512
"""The length of a token in characters."""

KEYS = (Secret("a key of the benchmarks, long enough"),)
SOMEBODY = EntityUser("a11ce000-0000-4000-8000-000000000001", "e0000000-0000-4000-8000-000000000001")


def run(folder: Path, redis_url: str | None) -> None:
    """Print the bytes per user in each store."""
    rows = [("memory", *_in_memory())]
    file = folder / "size.db"
    rows.append(("sqlite", *_measure(_sqlite(file), lambda: _file_size(file))))
    if redis_url is not None:
        client = redis.Redis.from_url(redis_url)
        client.flushdb()
        store = RedisStore(redis_url, keys=KEYS, requests_per_second=30)
        rows.append(("redis", *_measure(store, lambda: client.info("memory")["used_memory"])))
        client.flushdb()
        client.close()
    table(
        f"Bytes per user, with tokens of {TOKEN} characters",
        ["store", "with a token", "logged out, all revoked"],
        rows,
    )


def _sqlite(file: Path) -> SQLiteStore:
    return SQLiteStore(file, keys=KEYS, requests_per_second=30)


def _file_size(file: Path) -> int:
    with sqlite3.connect(file) as database:
        pages = (
            database.execute("PRAGMA page_count").fetchone()[0]
            - database.execute("PRAGMA freelist_count").fetchone()[0]
        )
        return int(pages * database.execute("PRAGMA page_size").fetchone()[0])


def _in_memory() -> tuple[int, int]:
    tracemalloc.start()
    try:
        return _measure(MemoryStore(requests_per_second=30), lambda: tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()


def _measure(store: Store, size: Callable[[], int]) -> tuple[int, int]:
    ops = store.operations(blocking=True)
    drive(ops.backlog())  # opens the store, so that its own needs are not counted
    empty = size()
    people = [Principal(f"user-{number}", session_id=f"session-{number}") for number in range(USERS)]
    for person in people:
        _give_token(ops, person)
    full = _settled(size)
    for person in people:
        drive(ops.end_session(person))
    while (due := drive(ops.due(100, seconds=60))).batch:
        for pending in due.batch:
            drive(ops.settle(pending))
    over = _settled(size)
    store.close()
    return (full - empty) // USERS, (over - empty) // USERS


def _settled(size: Callable[[], int]) -> int:
    gc.collect()
    return size()


def _give_token(ops: Operations, person: Principal) -> None:
    slot = Slot(person.user_id, None, None)
    claim = drive(ops.claim(slot, person, owner="benchmark", seconds=5, min_life=0))
    assert isinstance(claim, Claimed)
    value = (person.user_id + "-").ljust(TOKEN, "x")
    now = time.time()
    token = AccessToken(Secret(value), now + 1800, now, now + 1400, SOMEBODY, time.time)
    drive(ops.commit(claim.lease, token))
