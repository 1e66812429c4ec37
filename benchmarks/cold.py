"""Cold slots: many callers at once, none with a token, before an endpoint that takes its time."""

import multiprocessing
import threading
import time
from multiprocessing.synchronize import Barrier
from typing import Any
from uuid import uuid4

from benchmarks.people import broker_for
from benchmarks.table import table
from monite_auth import Principal

__all__ = ["ENDPOINT", "run"]

ENDPOINT = 0.1
"""Seconds that Monite takes for a mint."""

CALLERS = 200
SLOTS = 50


def run(api_url: str, stores: dict[str, str]) -> None:
    """Print how long the last caller waits, beyond the endpoint's own time."""
    rows = []
    for name, url in stores.items():
        for processes in (1, 2, 4) if name != "memory" else (1,):
            users = [f"{name}-{processes}"] * (CALLERS // processes)
            last, tokens = _measure(api_url, url, processes, users)
            rows.append((name, processes, CALLERS, 1, tokens, (last - ENDPOINT) * 1e3))
        users = [f"{name}-slot-{number}" for number in range(SLOTS)]
        last, tokens = _measure(api_url, url, 1, users)
        rows.append((name, 1, SLOTS, SLOTS, tokens, (last - ENDPOINT) * 1e3))
    table(
        f"Cold slots, endpoint of {ENDPOINT * 1e3:.0f} ms",
        ["store", "processes", "callers", "slots", "mints", "last caller later by, ms"],
        rows,
    )


def _measure(api_url: str, store_url: str, processes: int, users: list[str]) -> tuple[float, int]:
    """Return when the last caller of all processes had a token, seconds from the start, and how many tokens."""
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(processes)
    results: Any = context.Queue()
    running = [
        context.Process(target=_callers, args=(api_url, store_url, users, start, results))
        for _ in range(processes)
    ]
    for process in running:
        process.start()
    found = [results.get(timeout=60) for _ in running]
    for process in running:
        process.join()
    began = min(each[0] for each in found)
    return max(each[1] for each in found) - began, len(set().union(*(each[2] for each in found)))


def _callers(api_url: str, store_url: str, users: list[str], start: Barrier, results: Any) -> None:
    """Be one process: a thread for each caller, all of them at once."""
    with broker_for(api_url, store_url) as broker:
        # Somebody whom no process has a token for: connections to Monite are there then, as in a running app.
        broker.token(Principal(uuid4().hex, session_id="s"))
        ready = threading.Barrier(len(users) + 1)
        ends: list[float] = []
        tokens: set[str] = set()

        def call(user: str) -> None:
            ready.wait()
            token = broker.token(Principal(user, session_id="s"))
            ends.append(time.monotonic())
            tokens.add(token.fingerprint)

        callers = [threading.Thread(target=call, args=(user,)) for user in users]
        for caller in callers:
            caller.start()
        start.wait()
        began = time.monotonic()
        ready.wait()
        for caller in callers:
            caller.join()
        results.put((began, max(ends), tokens))
