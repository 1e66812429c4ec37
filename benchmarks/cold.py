"""Measures cold slots: many callers at once, none with a token, and a slow token endpoint."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from multiprocessing.synchronize import Barrier
from statistics import median
from uuid import uuid4

from benchmarks.crowd import in_processes, in_threads
from benchmarks.ground import Ground
from benchmarks.people import broker_for
from benchmarks.plain import PLAIN, plain
from benchmarks.report import Report
from monite_auth import Principal
from monite_auth.emulator import Fault

__all__ = ["ENDPOINT", "run"]

ENDPOINT = 0.1
"""Seconds that the emulator takes for a mint."""

CALLERS, FEWEST_CALLERS = 200, 8
SLOTS, FEWEST_SLOTS = 50, 4

ROUNDS = 5
"""Repetitions of each measurement: one hiccup of the machine lasts longer than the time that is measured."""


def run(ground: Ground, report: Report) -> None:
    """Print how long the last caller waits beyond the endpoint's own time."""
    monite = ground.emulator.monite
    monite.faults.add(Fault(kind="latency", path="/auth/token", seconds=ENDPOINT))
    try:
        _run(ground, report)
    finally:
        monite.faults.clear()


def _run(ground: Ground, report: Report) -> None:
    rows: list[tuple[object, ...]] = []
    api_url, callers, slots = (
        ground.emulator.api_url,
        ground.count(CALLERS, FEWEST_CALLERS),
        ground.count(SLOTS, FEWEST_SLOTS),
    )
    _often = partial(_repeated, ground.count(ROUNDS, 1))
    for name, url in ground.stores.items():
        for processes in (1, 2, 4)[: ground.count(3, 1)] if name != "memory" else (1,):
            threads = _often(_threads, api_url, url, processes, 1, callers)
            tasks = _often(_tasks, api_url, url, processes, 1, callers)
            locked: tuple[object, object] = ("", "")
            if name in PLAIN:
                lock = _often(_threads_with_a_lock, api_url, url, processes, 1, callers)
                locked = lock, f"{lock.median / threads.median:.0f}"
            rows.append((name, f"{callers} on one", processes, threads, tasks, *locked))
        threads = _often(_threads, api_url, url, 1, slots, slots)
        tasks = _often(_tasks, api_url, url, 1, slots, slots)
        rows.append((name, f"{slots} on {slots}", 1, threads, tasks, "", ""))
    report.table(
        f"Cold slots, endpoint of {ENDPOINT * 1e3:.0f} ms: how much later the last caller is, in ms: median of {ROUNDS} "
        "rounds (best to worst), one mint for each slot",
        [
            "store",
            "callers on slots",
            "processes",
            "threads",
            "tasks",
            "threads, a plain lock",
            "lock / threads",
        ],
        rows,
    )


@dataclass(frozen=True)
class _Run:
    """The result of the callers of one process: monotonic times, and the fingerprints of their tokens."""

    began: float
    last: float
    tokens: set[str]


@dataclass(frozen=True, slots=True)
class _Later:
    """The extra wait of the last caller over all rounds, in ms."""

    median: float
    best: float
    worst: float

    def __str__(self) -> str:
        return f"{self.median:.0f} ({self.best:.0f} to {self.worst:.0f})"


Callers = Callable[[str, str, list[str], Barrier], _Run]
"""Runs the callers of one process, one for each user, when all processes are ready."""


def _repeated(
    rounds: int, callers: Callers, api_url: str, store_url: str, processes: int, slots: int, many: int
) -> _Later:
    """Return the extra wait of the last of `many` callers, in ms, over so many rounds."""
    later = sorted(_measure(callers, api_url, store_url, processes, slots, many) for _ in range(rounds))
    return _Later(median(later), later[0], later[-1])


def _measure(callers: Callers, api_url: str, store_url: str, processes: int, slots: int, many: int) -> float:
    users = [uuid4().hex for _ in range(slots)] * (many // processes // slots)
    found = in_processes(callers, api_url, store_url, users, processes=processes)
    began, last = min(each.began for each in found), max(each.last for each in found)
    mints = len(set[str]().union(*(each.tokens for each in found)))
    if mints != slots:
        raise AssertionError(f"{mints} mints for {slots} slots")
    return (last - began - ENDPOINT) * 1e3


def _threads(api_url: str, store_url: str, users: list[str], start: Barrier) -> _Run:
    with broker_for(api_url, store_url) as broker:
        return _in_threads(lambda user: broker.token(_principal(user)).fingerprint, users, start)


def _threads_with_a_lock(api_url: str, store_url: str, users: list[str], start: Barrier) -> _Run:
    with plain(api_url, store_url) as token_of:
        return _in_threads(token_of, users, start)


def _in_threads(token_of: Callable[[str], str], users: list[str], start: Barrier) -> _Run:
    # Mint for one more user first: this opens the connection to Monite, as in a running app.
    token_of(uuid4().hex)
    ends: list[float] = []
    tokens: set[str] = set()

    def call(user: str) -> None:
        token = token_of(user)
        ends.append(time.monotonic())
        tokens.add(token)

    began = in_threads(call, users, start)
    return _Run(began, max(ends), tokens)


def _tasks(api_url: str, store_url: str, users: list[str], start: Barrier) -> _Run:
    async def be_all() -> _Run:
        async with broker_for(api_url, store_url) as broker:
            await broker.atoken(_principal(uuid4().hex))  # as above
            start.wait()
            began = time.monotonic()
            tokens = await asyncio.gather(*(broker.atoken(_principal(user)) for user in users))
            ended = time.monotonic()
            start.wait()
            return _Run(began, ended, {token.fingerprint for token in tokens})

    return asyncio.run(be_all())


def _principal(user: str) -> Principal:
    return Principal(user, session_id="s")
