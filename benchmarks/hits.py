"""Measures a hit (the store has a valid token) against one plain read by the store's own client library."""

import asyncio
import sqlite3
import threading
import time
from pathlib import Path

from benchmarks.people import ANNA, broker_for
from benchmarks.table import microseconds, table
from monite_auth import TokenBroker
from monite_auth.emulator import Emulator

__all__ = ["run"]


def run(emulator: Emulator, stores: dict[str, str], folder: Path) -> None:
    """Print the cost of a hit in each store."""
    least = {"memory": _dictionary(), "sqlite": _point_read(folder / "bare.db")}
    if "redis" in stores:
        least["redis"] = _get(stores["redis"])
    rows = []
    for name, url in stores.items():
        with broker_for(emulator.api_url, url) as broker:
            blocking = microseconds(lambda broker=broker: broker.token(ANNA))  # type: ignore[misc]
            rows.append(
                (name, blocking, asyncio.run(_async_hit(broker)), least[name], blocking / least[name])
            )
    table(
        "A hit, in microseconds",
        ["store", "token()", "atoken()", "bare read", "token() / bare"],
        rows,
    )
    with broker_for(emulator.api_url, "memory://") as broker:
        alone, together = _per_second(broker, 1), _per_second(broker, 8)
    table(
        "Hits a second in memory, by threads",
        ["1 thread", "8 threads", "8 / 1"],
        [(f"{alone:,.0f}", f"{together:,.0f}", f"{together / alone:.2f}")],
    )


async def _async_hit(broker: TokenBroker) -> float:
    await broker.atoken(ANNA)
    number = 2000
    best = float("inf")
    for _ in range(7):
        started = time.perf_counter()
        for _ in range(number):
            await broker.atoken(ANNA)
        best = min(best, (time.perf_counter() - started) / number)
    await broker.aclose()
    return best * 1e6


def _per_second(broker: TokenBroker, threads: int) -> float:
    broker.token(ANNA)
    start, number = threading.Barrier(threads + 1), 20_000

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


def _dictionary() -> float:
    tokens = {("user", None, None): "token"}
    return microseconds(lambda: tokens.get(("user", None, None)))


def _point_read(path: Path) -> float:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("CREATE TABLE tokens (slot TEXT PRIMARY KEY, token BLOB) WITHOUT ROWID")
    connection.executemany(
        "INSERT INTO tokens VALUES (?, ?)", [(f"slot-{n}", b"t" * 150) for n in range(1000)]
    )
    connection.commit()
    took = microseconds(
        lambda: connection.execute("SELECT token FROM tokens WHERE slot = ?", ("slot-7",)).fetchone()
    )
    connection.close()
    return took


def _get(url: str) -> float:
    import redis  # noqa: PLC0415 - redis is an optional extra

    client = redis.Redis.from_url(url)
    client.set("bare", b"t" * 150)
    took = microseconds(lambda: client.get("bare"))
    client.close()
    return took
