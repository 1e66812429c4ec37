"""Measures what one hostile user does to a store: 100,000 requests of each kind that `tests.hostile` knows."""

import sqlite3
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import redis

from benchmarks.ground import Ground
from benchmarks.report import Report
from monite_auth import MemoryStore, Principal, RedisStore, Secret, SQLiteStore
from monite_auth.engine.runtime import run as drive
from monite_auth.stores import Claimed, Operations, Slot, Store
from monite_auth.tokens import steady_clock
from tests.hostile import KINDS, Attack

__all__ = ["run"]

REQUESTS = (10, 1_000, 10_000, 100_000)
"""After how many requests the store is measured."""

KEYS = (Secret("a key of the benchmarks, long enough"),)


def run(ground: Ground, report: Report) -> None:
    """Print how large each store is after so many requests, and what a login costs then."""
    requests = REQUESTS[: ground.count(len(REQUESTS), 1)]
    folder, redis_url = ground.folder, ground.stores.get("redis")
    rows: list[tuple[object, ...]] = []
    for kind in KINDS:
        rows.append(("memory", kind, *_in_memory(kind, requests)))
        file = folder / f"{kind}.db"
        rows.append(("sqlite", kind, *_measure(SQLiteStore(file, keys=KEYS), kind, requests, _pages(file))))
        if redis_url is not None:
            client = redis.Redis.from_url(redis_url)
            client.flushdb()
            store = RedisStore(redis_url, keys=KEYS)
            rows.append(("redis", kind, *_measure(store, kind, requests, _used(client))))
            client.flushdb()
            client.close()
    report.table(
        "One user, many requests: KB in the store (ms of a login of theirs)",
        ["store", "kind of requests", *(f"after {each:,}" for each in requests)],
        rows,
    )


def _in_memory(kind: str, requests: tuple[int, ...]) -> list[str]:
    tracemalloc.start()
    try:
        return _measure(MemoryStore(), kind, requests, lambda: tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()


def _pages(file: Path) -> Callable[[], int]:
    def size() -> int:
        with sqlite3.connect(file) as database:
            pages, free, bytes_each = (
                database.execute(f"PRAGMA {name}").fetchone()[0]
                for name in ("page_count", "freelist_count", "page_size")
            )
            return int((pages - free) * bytes_each)

    return size


def _used(client: "redis.Redis") -> Callable[[], int]:
    return lambda: int(client.info("memory")["used_memory"])


def _measure(store: Store, kind: str, requests: tuple[int, ...], size: Callable[[], int]) -> list[str]:
    operations = store.operations(blocking=True)
    drive(operations.backlog())  # opens the store, so that its own needs are not counted
    empty = size()
    attack = Attack(operations, drive, steady_clock)
    sent = 0
    cells = []
    for many in requests:
        while sent < many:
            step = min(1_000, many - sent)
            attack.send(kind, step)
            sent += step
            _settle(operations)
        cells.append(f"{(size() - empty) / 1e3:,.0f} ({_login(operations, many):.2f})")
    store.close()
    return cells


def _settle(operations: Operations) -> None:
    """Revoke what is pending, as a drain does."""
    while due := drive(operations.due(1_000, seconds=60)).batch:
        for pending in due:
            drive(operations.settle(pending))


def _login(operations: Operations, number: int) -> float:
    """Return the milliseconds that a new session's first claim takes, the best of five."""
    took = []
    for attempt in range(5):
        eve = Principal("eve", session_id=f"login-{number}-{attempt}", authenticated_at=time.time())
        began = time.perf_counter()
        claim = drive(operations.claim(Slot("eve", None, None), eve, owner="eve", seconds=5, min_life=1e9))
        took.append(time.perf_counter() - began)
        if isinstance(claim, Claimed):
            drive(operations.abandon(claim.lease))
    return min(took) * 1e3
