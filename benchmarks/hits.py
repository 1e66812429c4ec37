"""Measures a hit (the store has a valid token) against one plain read by the store's own client library."""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from uuid import uuid4

from benchmarks.ground import Ground
from benchmarks.people import ANNA, broker_for
from benchmarks.report import Report
from benchmarks.timing import aside_by_side, microseconds, side_by_side
from monite_auth import AccessToken, PostgresStore, Secret, TokenBroker
from monite_auth.processes.flows import run as run_flow
from monite_auth.stores import Claimed, Slot
from monite_auth.tokens import steady_clock

__all__ = ["look_up", "run"]


MOST_LOOK_UPS = 6
"""The target for a hit in memory: so many look-ups in a dictionary, each with a check of the clock."""


POINT_READ, SLOT = "SELECT token FROM bare WHERE slot = %s", ("slot-7",)

MOST_READS = 1.3
"""The target for a hit in PostgreSQL: so many reads of one row by its key."""


def run(ground: Ground, report: Report) -> None:
    """Print the cost of a hit in each store."""
    _compare_stores(ground, ground.stores, report)
    if "postgres" in ground.stores:
        _compare_with_a_point_read(ground, ground.stores["postgres"], report)
    _compare_with_a_look_up(ground, report)


def _compare_stores(ground: Ground, stores: dict[str, str], report: Report) -> None:
    least = {"memory": microseconds(look_up(), seconds=ground.seconds)}
    least["sqlite"] = _point_read(ground.folder / "bare.db", ground.seconds)
    if "redis" in stores:
        least["redis"] = _get(stores["redis"], ground.seconds)
    if "postgres" in stores:
        least["postgres"] = _select(stores["postgres"], ground.seconds)
    rows = []
    for name, url in stores.items():
        with broker_for(ground.emulator.api_url, url) as broker:
            blocking = microseconds(partial(broker.token, ANNA), seconds=ground.seconds)
            asynchronous = asyncio.run(_async_hit(broker, ground.count(2000, 5)))
            rows.append((name, blocking, asynchronous, least[name], blocking / least[name]))
    report.table(
        "A hit, in microseconds",
        ["store", "token()", "atoken()", "bare read", "token() / bare"],
        rows,
        plotted=["token()", "atoken()", "bare read"],
    )


def _compare_with_a_point_read(ground: Ground, url: str, report: Report) -> None:
    """Take turns with psycopg, which reads one row by its key: another run would have another machine."""
    import psycopg  # noqa: PLC0415 - psycopg is an optional extra

    with broker_for(ground.emulator.api_url, url) as broker, psycopg.connect(url, autocommit=True) as bare:
        broker.token(ANNA)
        cursor = bare.cursor(binary=True)
        took = side_by_side(
            {
                "connection": lambda: bare.execute(POINT_READ, SLOT, prepare=True).fetchone(),
                "cursor": lambda: cursor.execute(POINT_READ, SLOT, prepare=True).fetchone(),
                "peek": _peek_of(url),
                "hit": partial(broker.token, ANNA),
            },
            seconds=6 * ground.seconds,
            rounds=ground.count(400, 2),
            clock=time.perf_counter,
        )
    name = "token() with PostgreSQL"
    report.ratio(f"{name} / connection.execute() of psycopg", took["hit"] / took["connection"])
    report.ratio(
        f"{name} / a point read by a binary cursor that is kept",
        took["hit"] / took["cursor"],
        target=MOST_READS,
    )
    report.ratio("the store's part of it alone / the same", took["peek"] / took["cursor"])
    report.ratio(
        f"a{name} / the same on an event loop", asyncio.run(_on_a_loop(ground, url)), target=MOST_READS
    )


async def _on_a_loop(ground: Ground, url: str) -> float:
    """Compare by the processor's time of the client: by the clock, the loop's wake-ups differ by more than the two."""
    import psycopg  # noqa: PLC0415 - psycopg is an optional extra

    async with (
        broker_for(ground.emulator.api_url, url) as broker,
        await psycopg.AsyncConnection.connect(url, autocommit=True) as bare,
    ):
        cursor = bare.cursor(binary=True)

        async def read() -> object:
            await cursor.execute(POINT_READ, SLOT, prepare=True)
            return await cursor.fetchone()

        works = {"read": read, "hit": lambda: broker.atoken(ANNA)}
        took = await aside_by_side(works, calls=ground.count(50, 2), rounds=ground.count(200, 2))
        return took["hit"] / took["read"]


def _peek_of(url: str) -> Callable[[], object]:
    """Return the peek of a store of its own that has a token for Anna."""
    operations = (
        PostgresStore(url, keys=(Secret("a key of the benchmarks"),))
        .of(uuid4().hex)
        .operations(blocking=True)
    )
    slot, now = Slot(ANNA.user_id, ANNA.tenant, None), steady_clock()
    claim = run_flow(operations.claim(slot, ANNA, owner="benchmark", seconds=5, min_life=0))
    assert isinstance(claim, Claimed)
    run_flow(operations.commit(claim.lease, AccessToken(Secret("t" * 150), now + 3600, now, now + 3000)))
    return lambda: run_flow(operations.peek(slot, ANNA))


def _compare_with_a_look_up(ground: Ground, report: Report) -> None:
    with broker_for(ground.emulator.api_url, "memory://") as broker:
        broker.token(ANNA)
        took = side_by_side(
            {"hit": partial(broker.token, ANNA), "look up": look_up()}, seconds=ground.seconds
        )
        report.ratio(
            "a hit in memory / a dictionary look-up with a clock check",
            took["hit"] / took["look up"],
            target=MOST_LOOK_UPS,
        )
        number = ground.count(20_000, 80)
        alone, together = _per_second(broker, 1, number), _per_second(broker, 8, number)
    report.table(
        "Hits a second in memory, by threads",
        ["1 thread", "8 threads", "8 / 1"],
        [(f"{alone:,.0f}", f"{together:,.0f}", f"{together / alone:.2f}")],
    )


async def _async_hit(broker: TokenBroker, number: int) -> float:
    await broker.atoken(ANNA)
    best = float("inf")
    for _ in range(7):
        started = time.perf_counter()
        for _ in range(number):
            await broker.atoken(ANNA)
        best = min(best, (time.perf_counter() - started) / number)
    await broker.aclose()
    return best * 1e6


def _per_second(broker: TokenBroker, threads: int, number: int) -> float:
    broker.token(ANNA)
    start = threading.Barrier(threads + 1)

    def work() -> None:
        start.wait()
        for _ in range(number // threads):
            broker.token(ANNA)

    running = [threading.Thread(target=work) for _ in range(threads)]
    for thread in running:
        thread.start()
    start.wait()
    started = time.perf_counter()
    for thread in running:
        thread.join()
    return number / (time.perf_counter() - started)


def look_up() -> Callable[[], str | None]:
    """Return the least that a cache of tokens can do: a look-up in a dictionary, and a check of the clock."""
    tokens = {("user", None, None): ("token", time.time() + 1e9)}

    def token() -> str | None:
        found = tokens.get(("user", None, None))
        return found[0] if found is not None and found[1] > time.time() else None

    return token


def _point_read(path: Path, seconds: float) -> float:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("CREATE TABLE tokens (slot TEXT PRIMARY KEY, token BLOB) WITHOUT ROWID")
    connection.executemany(
        "INSERT INTO tokens VALUES (?, ?)", [(f"slot-{n}", b"t" * 150) for n in range(1000)]
    )
    connection.commit()
    took = microseconds(
        lambda: connection.execute("SELECT token FROM tokens WHERE slot = ?", ("slot-7",)).fetchone(),
        seconds=seconds,
    )
    connection.close()
    return took


def _get(url: str, seconds: float) -> float:
    import redis  # noqa: PLC0415 - redis is an optional extra

    client = redis.Redis.from_url(url)
    client.set("bare", b"t" * 150)
    took = microseconds(lambda: client.get("bare"), seconds=seconds)
    client.close()
    return took


def _select(url: str, seconds: float) -> float:
    import psycopg  # noqa: PLC0415 - psycopg is an optional extra

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE bare (slot text PRIMARY KEY, token bytea)")
        connection.execute(
            "INSERT INTO bare SELECT 'slot-' || n, repeat('t', 150)::bytea FROM generate_series(1, 1000) AS n"
        )
        connection.execute("ANALYZE bare")
        cursor = connection.cursor(binary=True)
        return microseconds(
            lambda: cursor.execute(POINT_READ, SLOT, prepare=True).fetchone(), seconds=seconds
        )
