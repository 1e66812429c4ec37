"""Measures the request budget under a rush: several processes, many cold users, and Monite's real limit."""

import os
import threading
import time
from dataclasses import dataclass
from multiprocessing.synchronize import Barrier

from benchmarks.admissions import Admitted, booked_out_of_turn, most_within
from benchmarks.crowd import in_processes, in_threads
from benchmarks.ground import Ground
from benchmarks.people import broker_for
from benchmarks.report import Report
from monite_auth import Principal
from monite_auth.emulator import Emulator, Fault
from monite_auth.stores.window import JITTER

__all__ = ["Rush", "run", "rush"]

LIMIT = 30
"""Monite's limit in requests a second."""


ARRIVALS, PAUSE = 2.0, 0.5
"""Seconds in which each half of the users arrives, and the pause between the halves.

Users arrive much faster than Monite's limit, so most of the first half still waits when the second half arrives. They
do not all arrive at one instant: that would measure how fast two processors start threads."""


@dataclass(frozen=True, slots=True)
class Rush:
    """The result of a rush.

    `throttled`: answers of Monite with 429. `busiest`: the requests that certainly left within some second and JITTER.
    `booked_out_of_turn`: users who got an earlier moment than somebody who had booked before they came.
    `served_out_of_turn`: users of the second wave served before one of the first wave.
    """

    users: int
    seconds: float
    throttled: int
    busiest: int
    booked_out_of_turn: int
    served_out_of_turn: int

    @property
    def share(self) -> float:
        """The share of the possible rate that was used."""
        return self.users / self.seconds / LIMIT


def run(ground: Ground, report: Report) -> None:
    """Print the result of a rush for each store that processes share, with and without jitter on the way to Monite."""
    emulator, users, processes = ground.emulator, ground.count(3000, 20), ground.count(4, 2)
    rows = []
    monite = emulator.monite
    for name, url in ground.stores.items():
        if name == "memory":
            continue
        for jitter in (0.0, JITTER):
            monite.limit_window = "sliding"
            monite.faults.add(Fault(kind="jitter", seconds=jitter))
            result = rush(emulator, url, users=users, processes=processes)
            monite.faults.clear()
            rows.append(
                (
                    name,
                    processes,
                    users,
                    f"{jitter * 1000:.0f} ms",
                    f"{result.share:.1%}",
                    result.throttled,
                    result.busiest,
                    result.booked_out_of_turn,
                    result.served_out_of_turn,
                    result.seconds,
                )
            )
    report.table(
        f"A rush of cold users against {LIMIT} requests in any second",
        [
            "store",
            "processes",
            "users",
            "jitter",
            "of the limit used",
            "429s",
            "left within a second",
            "booked out of turn",
            "served out of turn",
            "seconds",
        ],
        rows,
    )


def rush(emulator: Emulator, store_url: str, *, users: int, processes: int) -> Rush:
    """Let `users` ask for their first tokens in two waves, in several processes, and return the result."""
    monite = emulator.monite
    monite.requests_per_second = LIMIT
    monite.statistics.reset()
    found = in_processes(
        _crowd, emulator.api_url, store_url, users // processes, processes=processes, patience=60 + users / 10
    )
    began = min(each[0] for each in found)
    first = [served for each in found for served in each[1]]
    second = [served for each in found for served in each[2]]
    admitted = [admission for each in found for admission in each[3]]
    everybody = first + second
    return Rush(
        len(everybody),
        max(everybody) - began,
        throttled=monite.statistics.throttled,
        busiest=most_within(1 + JITTER, admitted),
        booked_out_of_turn=booked_out_of_turn(admitted),
        served_out_of_turn=sum(served < max(first) for served in second),
    )


def _crowd(
    api_url: str, store_url: str, users: int, start: Barrier
) -> tuple[float, list[float], list[float], list[Admitted]]:
    """Run one process with a thread for each user.

    Return the start, when users of each wave were served, and what the store admitted.
    """
    admitted: list[Admitted] = []
    with broker_for(api_url, store_url, admitted=admitted, requests_per_second=LIMIT, deadline=600) as broker:
        broker.token(Principal("warm up", session_id="s"))  # opens the store, as in a running app
        served: tuple[list[float], list[float]] = ([], [])

        def call(user: int) -> None:
            wave = user % 2
            time.sleep(wave * (ARRIVALS + PAUSE) + ARRIVALS * user / users)
            broker.token(Principal(f"{os.getpid()}-{user}", session_id="s"))
            served[wave].append(time.monotonic())

        threading.stack_size(256 * 1024)  # small stacks, since there are many threads
        return in_threads(call, range(users), start), *served, admitted
