"""What the engine takes from around it: ids, the event loop that it runs on, intervals, the epoch, and who observes it.

Everything here has a default that is right in an application. The simulation of the tests hands in its own, so that it
replaces nothing inside the engine: `tests/simulation` decides who runs when, and must be able to repeat it.
"""

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar
from uuid import uuid4

from monite_auth.engine.revocation_epoch import PROCESS_EPOCH, RevocationEpoch
from monite_auth.telemetry import PROCESS_COUNTS, Counts

__all__ = ["SWEEP_INTERVAL", "EventLoop", "Observer", "Surroundings", "running_loop"]

Value = TypeVar("Value")

SWEEP_INTERVAL = 10.0
"""Seconds between two sweeps for what other processes left undone. With the lease of a revocation before, and its request after it,
that is done within a quarter of a minute; and a sweep costs the store next to nothing."""


class EventLoop(Protocol):
    """What a flight asks about the event loop of its leader."""

    def is_running(self) -> bool:
        """Say whether the loop runs."""

    def is_closed(self) -> bool:
        """Say whether the loop is closed, so that it never runs again."""


Observer = Callable[[Any, str, Any], None]
"""Is told of each fact that somebody learns from a flight or its shared peek: of which, what it is called, its value."""


def running_loop() -> EventLoop | None:
    """Return the event loop that runs in this thread, or None."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _new_id() -> str:
    return uuid4().hex


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Surroundings:
    """What one process's engine finds around it.

    `new_id`: returns an id that nobody else has.
    `running_loop`: returns the event loop that the caller runs on, or None in a thread without one.
    `claim_poll`: seconds between two claims of a slot that another process mints for, at least (see `claim_polls`). One
    waiter per process and slot polls.
    `sweep_interval`: seconds after which a process that is in use looks for pending revocations, since others may have
    died and left some; `math.inf` for one that looks only when there is a reason.
    `peek_shared_for`: seconds for which the result of a shared peek counts. An answer of a busy store may be on its way for
    as long, so nobody can tell the difference; a stampede of 200 reads a few times.
    `epoch`: tells whether tokens were taken away in this process.
    `counts`: counts hits.
    `observer`: is told what anybody learns from a flight; None in an application.
    """

    new_id: Callable[[], str] = _new_id
    running_loop: Callable[[], EventLoop | None] = running_loop
    claim_poll: float = 0.01
    sweep_interval: float = SWEEP_INTERVAL
    peek_shared_for: float = 0.005
    epoch: RevocationEpoch = field(default=PROCESS_EPOCH)
    counts: Counts = field(default_factory=PROCESS_COUNTS)
    observer: Observer | None = None

    @property
    def first_sweep(self) -> float:
        """When the first sweep is due, epoch seconds: at the first use, unless there are to be none."""
        return math.inf if math.isinf(self.sweep_interval) else 0.0

    def told(self, source: object, fact: str, value: Value) -> Value:
        """Return `value`, and tell the observer that somebody learns it."""
        if self.observer is not None:
            self.observer(source, fact, value)
        return value
