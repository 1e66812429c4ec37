"""Cold slots: many callers at once, none with a token, before an endpoint that takes its time."""

import multiprocessing
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from multiprocessing.synchronize import Barrier
from typing import Any
from uuid import uuid4

from benchmarks.people import broker_for
from benchmarks.plain import plain
from benchmarks.table import table
from monite_auth import Principal

__all__ = ["ENDPOINT", "run"]

ENDPOINT = 0.1
"""Seconds that Monite takes for a mint."""

CALLERS = 200
SLOTS = 50


def run(api_url: str, stores: dict[str, str]) -> None:
    """Print how long the last caller waits, beyond the endpoint's own time."""
    rows: list[tuple[object, ...]] = []
    for name, url in stores.items():
        for processes in (1, 2, 4) if name != "memory" else (1,):
            users = [f"{name}-{processes}"] * (CALLERS // processes)
            last, tokens = _measure(api_url, url, processes, users, _broker)
            row = name, processes, CALLERS, 1, tokens, last
            if name == "memory":
                rows.append((*row, "", ""))
                continue
            plain_last, _ = _measure(api_url, url, processes, users, plain)
            rows.append((*row, plain_last, f"{last / plain_last:.2f}"))
        users = [f"{name}-slot-{number}" for number in range(SLOTS)]
        last, tokens = _measure(api_url, url, 1, users, _broker)
        rows.append((name, 1, SLOTS, SLOTS, tokens, last, "", ""))
    table(
        f"Cold slots, endpoint of {ENDPOINT * 1e3:.0f} ms; a plain lock in the store for comparison",
        ["store", "processes", "callers", "slots", "mints", "last later by, ms", "plain lock, ms", "ratio"],
        rows,
    )


Way = Callable[[str, str], AbstractContextManager[Callable[[str], str]]]
"""How callers get tokens: from the URLs of the API and of the store, a function of the user."""


@contextmanager
def _broker(api_url: str, store_url: str) -> Iterator[Callable[[str], str]]:
    with broker_for(api_url, store_url) as broker:
        yield lambda user: broker.token(Principal(user, session_id="s")).fingerprint


def _measure(api_url: str, store_url: str, processes: int, users: list[str], way: Way) -> tuple[float, int]:
    """Return how much later than the endpoint the last caller of all had a token, in ms, and how many tokens."""
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(processes)
    results: Any = context.Queue()
    running = [
        context.Process(target=_callers, args=(api_url, store_url, users, way, start, results))
        for _ in range(processes)
    ]
    for process in running:
        process.start()
    found = [results.get(timeout=60) for _ in running]
    for process in running:
        process.join()
    began = min(each[0] for each in found)
    tokens: set[str] = set().union(*(each[2] for each in found))
    return (max(each[1] for each in found) - began - ENDPOINT) * 1e3, len(tokens)


def _callers(api_url: str, store_url: str, users: list[str], way: Way, start: Barrier, results: Any) -> None:
    """Be one process: a thread for each caller, all of them at once."""
    with way(api_url, store_url) as token_of:
        # Somebody whom no process has a token for: connections to Monite are there then, as in a running app.
        token_of(uuid4().hex)
        ready = threading.Barrier(len(users) + 1)
        ends: list[float] = []
        tokens: set[str] = set()

        def call(user: str) -> None:
            ready.wait()
            token = token_of(user)
            ends.append(time.monotonic())
            tokens.add(token)

        callers = [threading.Thread(target=call, args=(user,)) for user in users]
        for caller in callers:
            caller.start()
        start.wait()
        began = time.monotonic()
        ready.wait()
        for caller in callers:
            caller.join()
        results.put((began, max(ends), tokens))
