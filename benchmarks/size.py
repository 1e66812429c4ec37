"""Measures the bytes of one user in a store: with a token, and after a logout, when only the ended session is kept."""

import gc
import sqlite3
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import redis

from benchmarks.ground import Ground
from benchmarks.report import Report
from monite_auth import AccessToken, EntityUser, MemoryStore, Principal, RedisStore, Secret, SQLiteStore
from monite_auth.engine.runtime import run as drive
from monite_auth.stores import Claimed, Operations, Slot, Store

__all__ = ["give_token", "in_memory", "run"]

TOKEN = 512
"""The length of a token in characters."""

KEYS = (Secret("a key of the benchmarks, long enough"),)
SOMEBODY = EntityUser("a11ce000-0000-4000-8000-000000000001", "e0000000-0000-4000-8000-000000000001")


MOST_BYTES = 900
"""The target for one user in memory."""


def run(ground: Ground, report: Report) -> None:
    """Print the bytes per user in each store."""
    users = ground.count(2000, 20)
    rows = [("memory", *in_memory(users))]
    report.ratio(f"bytes of a user in memory / {MOST_BYTES}", rows[0][1] / MOST_BYTES, target=1)
    file = ground.folder / "size.db"
    rows.append(("sqlite", *_measure(_sqlite(file), lambda: _file_size(file), users)))
    if "redis" in ground.stores:
        redis_url = ground.stores["redis"]
        client = redis.Redis.from_url(redis_url)
        client.flushdb()
        store = RedisStore(redis_url, keys=KEYS, requests_per_second=30)
        rows.append(("redis", *_measure(store, lambda: client.info("memory")["used_memory"], users)))
        client.flushdb()
        client.close()
    report.table(
        f"Bytes per user, with tokens of {TOKEN} characters",
        ["store", "with a token", "logged out, all revoked"],
        [(name, float(full), float(over)) for name, full, over in rows],
        plotted=["with a token", "logged out, all revoked"],
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


def in_memory(users: int) -> tuple[int, int]:
    """Return the bytes of one user in memory: with a token, and after a logout. The token's own text is among them."""
    tracemalloc.start()
    try:
        return _measure(
            MemoryStore(requests_per_second=30), lambda: tracemalloc.get_traced_memory()[0], users
        )
    finally:
        tracemalloc.stop()


def _measure(store: Store, size: Callable[[], int], users: int) -> tuple[int, int]:
    ops = store.operations(blocking=True)
    drive(ops.backlog())  # opens the store, so that its own needs are not counted
    empty = size()
    for number in range(users):
        give_token(ops, _person(number))
    full = _settled(size)
    for number in range(users):
        drive(ops.end_session(_person(number)))
    while (due := drive(ops.due(100, seconds=60))).batch:
        for pending in due.batch:
            drive(ops.settle(pending))
    over = _settled(size)
    store.close()
    return (full - empty) // users, (over - empty) // users


def _person(number: int) -> Principal:
    """Return one of the users. It is made anew for each call, as by an application: a store keeps its texts, and not the object."""
    return Principal(f"user-{number}", session_id=f"session-{number}")


def _settled(size: Callable[[], int]) -> int:
    gc.collect()
    return size()


def give_token(ops: Operations, person: Principal) -> None:
    """Put a token of this person into the store, as a mint does."""
    slot = Slot(person.user_id, None, None)
    claim = drive(ops.claim(slot, person, owner="benchmark", seconds=5, min_life=0))
    assert isinstance(claim, Claimed)
    value = (person.user_id + "-").ljust(TOKEN, "x")
    now = time.time()
    token = AccessToken(Secret(value), now + 1800, now, now + 1400, SOMEBODY, time.time)
    drive(ops.commit(claim.lease, token))
