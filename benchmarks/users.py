"""Measures a hit among many users: 1, 1,000, 100,000 and a million, all with a token, in each store but PostgreSQL (`million`)."""

import random
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import redis

from benchmarks.ground import Ground
from benchmarks.people import broker_for
from benchmarks.report import Report
from benchmarks.size import give_token
from benchmarks.timing import microseconds
from monite_auth import MemoryStore, Principal, TokenBroker

__all__ = ["run", "visits"]

USERS = (1, 1_000, 100_000, 1_000_000)
VISITORS = 1_000
"""How many of them are asked for in turn: more than a processor's cache keeps warm by itself."""


def run(ground: Ground, report: Report) -> None:
    """Print what a hit costs in each store, by the number of users that have a token there."""
    stores = {name: url for name, url in ground.stores.items() if name != "postgres"}
    rows: list[tuple[str, str, float]] = [
        (name, f"{users:,}", _hit(ground, name, url, users))
        for name, url in stores.items()
        for users in USERS[: ground.count(len(USERS), 2)]
    ]
    for name in stores:
        took = [row[2] for row in rows if row[0] == name]
        report.ratio(f"a hit among many users / a hit of the only user, {name}", took[-1] / took[0])
    report.table(
        "A hit among many users, in microseconds", ["store", "users", "token()"], rows, plotted=["token()"]
    )


def _hit(ground: Ground, name: str, url: str, users: int) -> float:
    _emptied(name, url, ground.folder)
    store = MemoryStore(max_users=users) if name == "memory" else None
    with broker_for(ground.emulator.api_url, url, store=store) as broker:
        people = [Principal(f"user-{number}", session_id=f"session-{number}") for number in range(users)]
        operations = broker.store.operations(blocking=True)
        for person in people:
            give_token(operations, person)
        visitors = random.Random(7).choices(people, k=VISITORS)  # noqa: S311 - no secret
        return microseconds(visits(broker, visitors), seconds=ground.seconds)


def visits(broker: TokenBroker, people: list[Principal]) -> Callable[[], object]:
    """Return a function that asks for the token of the next person each time."""
    last, number = len(people), 0

    def visit() -> object:
        nonlocal number
        number = (number + 1) % last
        return broker.token(people[number])

    return visit


def _emptied(name: str, url: str, folder: Path) -> None:
    """Empty a store. Only the users of this measurement are to be in it."""
    if name == "redis":
        with redis.Redis.from_url(url) as client:
            client.flushdb()
    elif name == "sqlite":
        for file in folder.glob("tokens.db*"):
            with suppress(FileNotFoundError):
                file.unlink()
