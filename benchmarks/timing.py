"""Measures calls that are over in microseconds, by the clock or by the processor's time."""

import time
from collections.abc import Callable, Coroutine
from typing import Any

__all__ = ["aside_by_side", "microseconds", "side_by_side"]

ROUNDS = 7


def microseconds(
    work: Callable[[], object], *, seconds: float = 0.5, clock: Callable[[], float] = time.perf_counter
) -> float:
    """Return the time of one call of `work` in microseconds. It is the best of several rounds: noise only adds time."""
    calls = _calls(work, seconds / ROUNDS)
    return min(_round(work, calls, clock) for _ in range(ROUNDS)) * 1e6


def side_by_side(
    works: dict[str, Callable[[], object]],
    *,
    seconds: float = 0.5,
    rounds: int = ROUNDS,
    clock: Callable[[], float] = time.thread_time,
) -> dict[str, float]:
    """Return the microseconds that one call of each takes, by default of the processor; the best of its rounds.

    The rounds take turns, so that whatever the machine does meanwhile it does to all of them, and time in which the thread
    waits for a processor is not counted. Where another process does a part of the work, hand in `time.perf_counter` and many rounds.
    """
    calls = {name: _calls(work, seconds / rounds) for name, work in works.items()}
    best = dict.fromkeys(works, float("inf"))
    for _ in range(rounds):
        for name, work in works.items():
            best[name] = min(best[name], _round(work, calls[name], clock))
    return {name: took * 1e6 for name, took in best.items()}


async def aside_by_side(
    works: dict[str, Callable[[], Coroutine[Any, Any, object]]], *, calls: int, rounds: int = ROUNDS
) -> dict[str, float]:
    """Return the microseconds of the processor that one awaited call of each takes; see `side_by_side`."""
    best = dict.fromkeys(works, float("inf"))
    for _ in range(rounds):
        for name, work in works.items():
            started = time.thread_time()
            for _ in range(calls):
                await work()
            best[name] = min(best[name], (time.thread_time() - started) / calls)
    return {name: took * 1e6 for name, took in best.items()}


def _calls(work: Callable[[], object], seconds: float) -> int:
    """Return how many calls take about so many seconds."""
    calls = 1
    while (took := _round(work, calls, time.perf_counter) * calls) < seconds:
        calls = max(calls + 1, int(calls * min(10, 1.2 * seconds / max(took, 1e-9))))
    return calls


def _round(work: Callable[[], object], calls: int, clock: Callable[[], float]) -> float:
    started = clock()
    for _ in range(calls):
        work()
    return (clock() - started) / calls
