"""Many threads, or many processes, that do the same thing at the same moment: for tests of races."""

import multiprocessing
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Barrier
from typing import Any, TypeVar

from tests.waiting import PATIENCE

__all__ = ["in_processes", "in_threads"]

Result = TypeVar("Result")

spawn = multiprocessing.get_context("spawn")


def in_threads(count: int, work: Callable[[int], Result]) -> list[Result]:
    """Do `work(number)` in so many threads at the same moment, and return what came of it, by number."""
    barrier = threading.Barrier(count)

    def step(number: int) -> Result:
        barrier.wait()
        return work(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(step, range(count)))


def in_processes(count: int, work: Callable[..., Result], *arguments: object) -> list[Result]:
    """Do `work(begin, number, *arguments)` in so many new processes, and return what came of it, in any order.

    Each calls `begin()` when it is ready, which returns when all are.
    """
    start, results = spawn.Barrier(count), spawn.SimpleQueue()
    children = [
        spawn.Process(target=_child, args=(start, results, work, number, arguments))
        for number in range(count)
    ]
    for child in children:
        child.start()
    found = [results.get() for _ in children]
    for child in children:
        child.join()
        child.close()
    results.close()
    assert [problem for _, problem in found if problem] == []
    return [result for result, _ in found]


def _child(
    start: Barrier, results: "SimpleQueue[Any]", work: Callable[..., object], number: int, arguments: Any
) -> None:
    try:
        results.put((work(lambda: start.wait(timeout=PATIENCE), number, *arguments), None))
    except Exception as error:  # noqa: BLE001 - the parent reads what it was
        results.put((None, repr(error)))
