"""Stampedes: callers in several processes, and in many threads of each, that begin at once."""

import multiprocessing
import threading
import time
from collections.abc import Callable, Sequence
from multiprocessing.synchronize import Barrier
from typing import Any, TypeVar

__all__ = ["in_processes", "in_threads"]

Result = TypeVar("Result")
Caller = TypeVar("Caller")


def in_processes(
    crowd: Callable[..., Result], *arguments: object, processes: int, patience: float = 60.0
) -> list[Result]:
    """Run `crowd(*arguments, start)` in each process and return what came of it, within `patience` seconds.

    `crowd` is of a module, and waits at `start` until all processes are there; and once more when it has measured,
    since a process that ends would take the processor from those that still do.
    """
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(processes)
    results: Any = context.Queue()
    running = [
        context.Process(target=_process, args=(crowd, arguments, start, results)) for _ in range(processes)
    ]
    for process in running:
        process.start()
    found = [results.get(timeout=patience) for _ in running]
    for process in running:
        process.join()
    return found


def _process(crowd: Callable[..., object], arguments: Sequence[object], start: Barrier, results: Any) -> None:
    results.put(crowd(*arguments, start))


def in_threads(call: Callable[[Caller], object], callers: Sequence[Caller], start: Barrier) -> float:
    """Call for each of `callers` in a thread of its own, all at once; return when they began, monotonic seconds."""
    ready = threading.Barrier(len(callers) + 1)

    def be(caller: Caller) -> None:
        ready.wait()
        call(caller)

    threads = [threading.Thread(target=be, args=(caller,)) for caller in callers]
    for thread in threads:
        thread.start()
    start.wait()
    began = time.monotonic()
    ready.wait()
    for thread in threads:
        thread.join()
    start.wait()
    return began
