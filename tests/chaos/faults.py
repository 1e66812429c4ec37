"""Injects faults into the workers, their store and Monite, all at the same time.

Three threads inject them, each in an order of its own that follows from the seed. They do not wait for each other, so
a worker may die while its store is down and Monite hangs.
"""

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, get_args

from monite_auth.emulator import Fault, Monite
from monite_auth.emulator.faults.kinds import CHOOSING, USED, FaultKind
from tests.chaos.processes import Processes
from tests.chaos.stores import StoreUnderTest
from tests.chaos.troubles import Troubles

MINT, REVOKE, API = "/auth/token", "/auth/revoke", "/entity_users"

OF_CALLS = {"dead_token"}
"""Faults of calls to the API alone."""

KINDS = {
    MINT: tuple(kind for kind in get_args(FaultKind) if kind not in OF_CALLS),
    REVOKE: ("latency", "hang", "cut_before", "cut_after", "status", "throttle", "invalid_json", "truncated"),
    API: ("latency", "cut_before", "status", "dead_token"),
}

OUTAGES = ("hang", "cut_before", "status")
"""Faults that all of Monite has now and then."""

WORKER_FAULT_EVERY = (0.5, 2.0)
CLOCK_SET_EVERY = (0.5, 4.0)
STORE_OUTAGE_EVERY = (2.0, 6.0)
MONITE_FAULT_EVERY = (0.1, 0.6)
"""Seconds between two faults of one thread, from and to."""

FROZEN = (0.5, 2.5)
"""Seconds for which a worker is frozen: less and more than its lease."""

CLOCK_SET_FOR = (0.5, 4.0)
"""Seconds for which a worker's wall clock is set to another time."""

KILLED_TOGETHER = 4
"""Workers that are killed together now and then: half of them."""


class FaultInjector:
    """Injects faults until `stop`. `troubles`: those of workers and Monite; the store notes its own. `hits`: of Monite's, by kind."""

    def __init__(
        self,
        seed: int,
        processes: Processes,
        store: StoreUnderTest,
        monite: Monite,
        killed: Callable[[str], Any],
    ) -> None:
        self._processes = processes
        self._store = store
        self._monite = monite
        self._killed = killed
        self._over = threading.Event()
        self._errors: list[Exception] = []
        self.hits: Counter[str] = Counter()
        self.troubles = Troubles()
        self._threads = [
            threading.Thread(
                target=self._repeat, args=(disturb, every, random.Random(f"{seed}/{disturb.__name__}"))
            )
            for disturb, every in (
                (self._disturb_worker, WORKER_FAULT_EVERY),
                (self._disturb_clock, CLOCK_SET_EVERY),
                (self._disturb_store, STORE_OUTAGE_EVERY),
                (self._disturb_monite, MONITE_FAULT_EVERY),
            )
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let everything work again; raise the first error of a thread that injects faults."""
        self._over.set()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()
        if self._errors:
            raise self._errors[0]

    def _repeat(
        self, disturb: Callable[[random.Random], None], every: tuple[float, float], chance: random.Random
    ) -> None:
        try:
            while not self._over.wait(chance.uniform(*every)):
                disturb(chance)
        except Exception as error:  # noqa: BLE001 - stop raises it
            self._errors.append(error)

    def _disturb_worker(self, chance: random.Random) -> None:
        numbers = self._processes.numbers
        chance.shuffle(numbers)
        how = chance.choices(("kill", "freeze", "kill many"), (6, 3, 1))[0]
        if how == "freeze":
            with self._frozen(numbers[0]):
                self._over.wait(chance.uniform(*FROZEN))
            return
        for number in numbers[: KILLED_TOGETHER if how == "kill many" else 1]:
            for name in self._processes.kill(number, chance):
                self._killed(name)

    @contextmanager
    def _frozen(self, number: int) -> Iterator[None]:
        with self.troubles.during("worker frozen"):
            worker = self._processes.freeze(number)
            try:
                yield
            finally:
                self._processes.thaw(worker)

    def _disturb_clock(self, chance: random.Random) -> None:
        with self.troubles.during("worker's clock set"), self._processes.clock_set(chance):
            self._over.wait(chance.uniform(*CLOCK_SET_FOR))

    def _disturb_store(self, chance: random.Random) -> None:
        self._store.interrupt(chance, self._over.wait)

    def _disturb_monite(self, chance: random.Random) -> None:
        kind, path, times = self._choose_fault(chance)
        fault: Any = {
            "kind": kind,
            "path": path,
            "times": times,
            "probability": chance.choice((0.3, 1.0)),
            "seconds": chance.uniform(0.1, 2.0),
            "status": chance.choice((500, 502, 503, 504)) if kind == "status" else None,
            "retry_after_as": chance.choice(("seconds", "date")),
        }
        with self.troubles.during(f"Monite: {kind}"):
            used = CHOOSING | USED[fault["kind"]]
            order = self._monite.faults.add(Fault(**{name: fault[name] for name in fault if name in used}))
            self._over.wait(chance.uniform(0.3, 1.5))
            self._monite.faults.remove(order.id)
        self.hits[kind] += order.hits

    def _choose_fault(self, chance: random.Random) -> tuple[str, str, int | None]:
        """Return the kind of a fault, the path that it concerns, and how often it happens (None: always)."""
        if chance.random() < 0.05:
            return chance.choice(OUTAGES), "", None
        path = chance.choices((MINT, REVOKE, API), (5, 4, 1))[0]
        kind = chance.choice(KINDS[path])
        # One is enough: all workers hold for a second after it.
        times = 1 if kind == "throttle" else chance.randint(2, 10)
        return kind, path, times
