"""Measures a logout: while Monite is healthy, slow and down, and while the store is down. Promise 7 says that it waits for neither."""

import sqlite3
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from uuid import uuid4

from benchmarks.ground import Ground
from benchmarks.people import broker_for
from benchmarks.report import Report
from monite_auth import Principal
from monite_auth.emulator import Fault, Monite
from tests.redis_server import RedisServer

__all__ = ["run"]

SLOW = 2.0
"""Seconds that a slow Monite takes for every answer."""

Trouble = Callable[[], AbstractContextManager[object]]
"""Makes something slow or down while it is entered."""


def run(ground: Ground, report: Report) -> None:
    """Print how long a logout takes in each store, by what is the matter."""
    monite = ground.emulator.monite
    troubles: dict[str, Trouble] = {
        "nothing": nullcontext,
        "Monite takes 2 s": lambda: _fault(monite, Fault(kind="latency", seconds=SLOW)),
        "Monite is down": lambda: _fault(monite, Fault(kind="cut_before")),
    }
    rows: list[tuple[object, ...]] = []
    for name, url in ground.stores.items():
        rows += [(name, trouble, *_logouts(ground, url, enter)) for trouble, enter in troubles.items()]
    locked = f"sqlite:///{ground.folder}/locked.db"
    rows.append(("sqlite", "its file is locked", *_logouts(ground, locked, lambda: _locked(locked))))
    if "redis" in ground.stores:
        with RedisServer() as server:
            rows.append(("redis", "it hangs", *_logouts(ground, server.url, server.paused)))
        with RedisServer() as server:
            rows.append(("redis", "it is stopped", *_logouts(ground, server.url, lambda: _stopped(server))))
    report.table(
        "A logout, in milliseconds: the first one finds out that a store is down",
        ["store", "what is the matter", "first", "median of the others", "longest of the others"],
        rows,
        plotted=["first", "median of the others"],
    )


def _logouts(ground: Ground, url: str, trouble: Trouble) -> tuple[float, float, float]:
    """Return the milliseconds of the first logout, and the median and the longest of those after it."""
    people = [Principal(uuid4().hex, session_id=f"{number}") for number in range(ground.count(200, 3))]
    with broker_for(ground.emulator.api_url, url) as broker:
        for person in people:
            broker.token(person)
        took = []
        with trouble():
            for person in people:
                began = time.perf_counter()
                broker.logout(person)
                took.append((time.perf_counter() - began) * 1e3)
    first, *others = took
    return first, statistics.median(others), max(others)


@contextmanager
def _fault(monite: Monite, fault: Fault) -> Iterator[None]:
    monite.faults.add(fault)
    try:
        yield
    finally:
        monite.faults.clear()


@contextmanager
def _locked(url: str) -> Iterator[None]:
    """Have another program write to the file for as long as this lasts."""
    connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")
        connection.close()


@contextmanager
def _stopped(server: RedisServer) -> Iterator[None]:
    server.kill()
    try:
        yield
    finally:
        server.start()
