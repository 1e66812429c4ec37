"""Measures calls and prints tables."""

import time
from collections.abc import Callable, Sequence
from typing import Any

__all__ = ["microseconds", "say", "table"]


def say(text: str) -> None:
    """Print at once, also into a pipe."""
    print(text, flush=True)  # noqa: T201 - this is a command


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print rows under a title. The first column is aligned to the left, the others to the right."""
    texts = [[f"{cell:.1f}" if isinstance(cell, float) else str(cell) for cell in row] for row in rows]
    widths = [max(len(line[n]) for line in [list(columns), *texts]) for n in range(len(columns))]
    say(f"\n{title}\n")
    for line in [list(columns), ["-" * width for width in widths], *texts]:
        first, *others = (
            cell.ljust(width) if n == 0 else cell.rjust(width)
            for n, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        say("  ".join([first, *others]))


def microseconds(work: Callable[[], object], *, seconds: float = 0.5) -> float:
    """Return the time of one call of `work` in microseconds. It is the best of several rounds: noise only adds time."""
    rounds, best = 7, float("inf")
    calls = 1
    while True:
        started = time.perf_counter()
        for _ in range(calls):
            work()
        if (took := time.perf_counter() - started) > seconds / rounds:
            break
        calls = max(calls + 1, int(calls * min(10, 1.2 * seconds / rounds / max(took, 1e-9))))
    for _ in range(rounds):
        started = time.perf_counter()
        for _ in range(calls):
            work()
        best = min(best, (time.perf_counter() - started) / calls)
    return best * 1e6
