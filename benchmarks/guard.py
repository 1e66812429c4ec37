"""Compares a few ratios with bounds: `python -m benchmarks.guard` prints them, and tests/test_ratios.py fails beyond the bounds.

A bound is no target. It is about twice what was measured, so that it tells of a mistake (a lock on the way of a hit, a heavy
import), and no busy machine breaks it: every number is a ratio of the processor's time of one thread, or a count of bytes.
"""

import json
import sys
from collections.abc import Callable
from functools import partial

from benchmarks.adapters import unused_ratio
from benchmarks.hits import look_up
from benchmarks.imports import import_ratio
from benchmarks.people import ANNA, broker_for
from benchmarks.size import SPECIFIED, in_memory
from benchmarks.timing import side_by_side
from monite_auth import TokenBroker
from monite_auth.emulator import Monite, serve

__all__ = ["BOUNDS", "main"]

ROUNDS = 15
"""Of each the best counts. A machine would have to disturb all of them."""

BOUNDS = {
    "a hit in memory / a dictionary look-up with a clock check": 36.0,
    "Starlette: an unused middleware / one that does nothing": 4.0,
    "Flask: an unused middleware / one that does nothing": 2.5,
    "Django: an unused middleware / one that does nothing": 2.5,
    "import of an application's names / import of httpx": 4.0,
    "bytes of a user in memory": 1_500.0,
}
"""The most that each may be."""


def main() -> None:
    """Measure all of them, and print them as JSON."""
    found = {}
    with serve(Monite(requests_per_second=1_000_000)) as emulator:
        with broker_for(emulator.api_url, "memory://") as broker:
            found["a hit in memory / a dictionary look-up with a clock check"] = _hit_ratio(broker)
        for name in ("Starlette", "Flask", "Django"):
            with broker_for(emulator.api_url, "memory://") as broker:
                found[f"{name}: an unused middleware / one that does nothing"] = unused_ratio(
                    name, broker, emulator.api_url, rounds=ROUNDS
                )
    found["import of an application's names / import of httpx"] = import_ratio(5)
    found["bytes of a user in memory"] = in_memory(500, SPECIFIED)[0]
    json.dump(found, sys.stdout, indent=2)


def _hit_ratio(broker: TokenBroker) -> float:
    broker.token(ANNA)
    works: dict[str, Callable[[], object]] = {"hit": partial(broker.token, ANNA), "look up": look_up()}
    took = side_by_side(works, seconds=0.2, rounds=ROUNDS)
    return took["hit"] / took["look up"]


if __name__ == "__main__":
    main()
