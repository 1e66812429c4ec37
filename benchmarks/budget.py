"""The request budget under a rush: several processes, many cold users at once, and Monite's real limit."""

import os
import threading
import time
from dataclasses import dataclass
from multiprocessing.synchronize import Barrier

from benchmarks.crowd import in_processes, in_threads
from benchmarks.people import broker_for
from benchmarks.table import table
from monite_auth import Principal
from monite_auth.emulator import Emulator

__all__ = ["Rush", "run", "rush"]

LIMIT = 30
"""Monite's limit, requests a second."""


ARRIVALS, PAUSE = 2.0, 0.5
"""Seconds within which the first half of the users comes, and then the second, with a pause between: a hundred times
what Monite takes, and the first half is far from served when the second comes. All at the same instant, in as many
threads, would measure how two processors start threads."""


@dataclass(frozen=True, slots=True)
class Rush:
    """What came of a rush. `out_of_turn`: users of the second wave who were served before one of the first."""

    users: int
    seconds: float
    throttled: int
    out_of_turn: int

    @property
    def share(self) -> float:
        """The part of the possible rate that was used."""
        return self.users / self.seconds / LIMIT


def run(emulator: Emulator, stores: dict[str, str], *, users: int = 3000, processes: int = 4) -> None:
    """Print what comes of a rush in each store that processes share."""
    rows = []
    for name, url in stores.items():
        if name != "memory":
            result = rush(emulator, url, users=users, processes=processes)
            rows.append(
                (
                    name,
                    processes,
                    users,
                    f"{result.share:.1%}",
                    result.throttled,
                    result.out_of_turn,
                    result.seconds,
                )
            )
    table(
        f"A rush of cold users against {LIMIT} requests/s",
        ["store", "processes", "users", "of the limit used", "429s", "out of turn", "seconds"],
        rows,
    )


def rush(emulator: Emulator, store_url: str, *, users: int, processes: int) -> Rush:
    """Have `users` ask for their first tokens at once, in several processes, and tell what came of it."""
    monite = emulator.monite
    monite.requests_per_second = LIMIT
    monite.statistics.reset()
    found = in_processes(
        _crowd, emulator.api_url, store_url, users // processes, processes=processes, patience=60 + users / 10
    )
    began = min(each[0] for each in found)
    first = [served for each in found for served in each[1]]
    second = [served for each in found for served in each[2]]
    out_of_turn = sum(served < max(first) for served in second)
    everybody = first + second
    return Rush(len(everybody), max(everybody) - began, monite.statistics.throttled, out_of_turn)


def _crowd(
    api_url: str, store_url: str, users: int, start: Barrier
) -> tuple[float, list[float], list[float]]:
    """Be one process with a thread for each user; return when they began, and when each of both waves was served."""
    with broker_for(api_url, store_url, requests_per_second=LIMIT, deadline=600) as broker:
        broker.token(Principal("warm up", session_id="s"))  # the store is open, as in a running app
        served: tuple[list[float], list[float]] = ([], [])

        def call(user: int) -> None:
            wave = user % 2
            time.sleep(wave * (ARRIVALS + PAUSE) + ARRIVALS * user / users)
            broker.token(Principal(f"{os.getpid()}-{user}", session_id="s"))
            served[wave].append(time.monotonic())

        threading.stack_size(256 * 1024)  # there are many, and they do little
        return in_threads(call, range(users), start), *served
