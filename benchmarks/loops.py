"""Measures what short event loops leave in a process: files, runtimes, tasks and memory, before and after 10,000 of each kind.

Each kind has a process of its own, since the emulator remembers every token: `python -m benchmarks.loops` is that process.
"""

import asyncio
import gc
import json
import logging
import os
import subprocess
import sys
import warnings
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from benchmarks.ground import Ground
from benchmarks.report import Report
from monite_auth import EntityUser, Principal, Settings, TokenBroker
from monite_auth.emulator import ANNA_ID, BAKERY_ID, DEMO_CLIENT_ID, DEMO_CLIENT_SECRET
from monite_auth.engine.event_loop import AsyncRuntime
from monite_auth.testing.waiting import until

__all__ = ["run"]

LOOPS = 10_000
WARM_UP = 1_000
"""Loops before the first count, and users who come again and again: what a store keeps of each is there by then."""

ANNA = EntityUser(ANNA_ID, BAKERY_ID)
Request = Coroutine[Any, Any, None]


def shuts_down(request: Request) -> None:
    """Run a request on a loop of its own, which is shut down."""
    asyncio.run(request)


def is_closed(request: Request) -> None:
    """Run a request on a loop that is closed without that."""
    loop = asyncio.new_event_loop()
    loop.run_until_complete(request)
    loop.close()


def stops_in_the_middle(request: Request) -> None:
    """Close the loop while the request is under way."""
    loop = asyncio.new_event_loop()
    task = loop.create_task(request)
    loop.run_until_complete(asyncio.sleep(0.003))
    del task
    loop.close()


ENDS: dict[str, Callable[[Request], None]] = {
    "shut down": shuts_down,
    "closed without that": is_closed,
    "stopped in the middle": stops_in_the_middle,
}


def run(ground: Ground, report: Report) -> None:
    """Print what there is before and after so many event loops of each kind, for each store."""
    loops, warm_up = ground.count(LOOPS, 5), ground.count(WARM_UP, 5)
    rows: list[tuple[object, ...]] = []
    for name, url in ground.stores.items():
        for end in ENDS:
            command = [sys.executable, "-m", "benchmarks.loops", ground.emulator.api_url, url, end]
            command += [str(loops), str(warm_up)]
            printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout  # noqa: S603 - our own
            before, after = json.loads(printed)
            rows.append((name, end, *(f"{was} → {now}" for was, now in zip(before, after, strict=True))))
    report.table(
        f"{loops:,} event loops, each for one request: before → after",
        ["store", "the loops are", "open files", "runtimes", "tasks", "MB of memory"],
        rows,
    )


def main(api_url: str, store_url: str, end: str, loops: int, warm_up: int) -> None:
    """Print the counts before and after, as JSON."""
    warnings.simplefilter("ignore")  # of what is left in the middle
    sys.unraisablehook = lambda _: None
    logging.disable(logging.CRITICAL)
    settings = Settings(
        client_id=DEMO_CLIENT_ID,
        client_secret=DEMO_CLIENT_SECRET,
        base_url=api_url,
        store_url=store_url,
        requests_per_second=100_000,
    )
    with TokenBroker(settings, lambda _: ANNA) as broker:

        async def request(number: int) -> None:
            person = Principal(f"user-{number % warm_up}", session_id=f"{os.getpid()}-{number}")
            await broker.atoken(person)
            if (
                end != "stopped in the middle"
            ):  # a request of the application's own is httpx's to let go, which keeps it
                await broker.aclient(person).get("/entity_users/me")
            await broker.alogout(person)

        def counted(first: int, many: int) -> list[int]:
            for number in range(first, first + many):
                ENDS[end](request(number))
            until(lambda: broker.drain(within=10).next_in is None, seconds=60)
            return _counts()

        counts = [counted(0, warm_up), counted(warm_up, loops)]
    sys.stdout.write(json.dumps(counts))


def _counts() -> list[int]:
    gc.collect()
    objects = gc.get_objects()
    kinds = (AsyncRuntime, asyncio.Task)
    found = [sum(isinstance(each, kind) for each in objects) for kind in kinds]
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return [
        len(list(Path("/proc/self/fd").iterdir())),
        *found,
        pages * os.sysconf("SC_PAGE_SIZE") // 1_000_000,
    ]


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))
