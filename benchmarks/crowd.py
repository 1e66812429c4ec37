"""Starts stampedes: callers in several processes, and in many threads of each, that begin at the same moment."""

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
    """Run `crowd(*arguments, start)` in each process and return the results.

    `crowd` must wait at `start` twice: before it measures, until all processes are ready, and after it has measured.
    A process that ends earlier would take processor time from those that are still measuring.

    Args:
        crowd: a function of a module, so that a new process can import it.
        arguments: its first arguments.
        processes: the number of processes.
        patience: seconds to wait for each result.

    Raises:
        queue.Empty: a process did not return its result in time.

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
    """Run `call(caller)` for all callers at once, each in its own thread. Return the start in monotonic seconds."""
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
