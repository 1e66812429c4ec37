"""Whatever can go wrong, going wrong at once: to the workers, to their store, and to Monite.

Three threads, each with a plan of its own that follows from the seed. They do not wait for each other, so that a
worker dies while its store is down and Monite hangs.
"""

import random
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from monite_auth.emulator import Fault, Monite
from tests.chaos.crew import Crew
from tests.chaos.grounds import Ground

MINT, REVOKE, API = "/auth/token", "/auth/revoke", "/entity_users"

KINDS = {
    MINT: (
        "latency",
        "hang",
        "cut_before",
        "cut_after",
        "status",
        "throttle",
        "invalid_json",
        "truncated",
        "wrong_fields",
    ),
    REVOKE: ("latency", "hang", "cut_before", "cut_after", "status", "throttle", "invalid_json", "truncated"),
    API: ("latency", "cut_before", "status", "dead_token"),
}

OUTAGES = ("hang", "cut_before", "status")
"""What hits all of Monite now and then."""

KILL_EVERY = (0.5, 2.0)
STRIKE_EVERY = (1.5, 4.5)
FAULT_EVERY = (0.1, 0.6)
"""Seconds between two acts, from and to."""

FROZEN = (0.5, 2.5)
"""Seconds that a worker stands still: less and more than its lease."""

MANY = 4
"""Workers that are killed together now and then: half of them."""


class Violence:
    """All three, until `stop`. `hits` counts the faults by kind; what the others count is theirs."""

    def __init__(
        self, seed: int, crew: Crew, ground: Ground, monite: Monite, killed: Callable[[str], Any]
    ) -> None:
        self._crew = crew
        self._ground = ground
        self._monite = monite
        self._killed = killed
        self._over = threading.Event()
        self._errors: list[Exception] = []
        self.hits: Counter[str] = Counter()
        self._threads = [
            threading.Thread(target=self._go_on, args=(act, every, random.Random(f"{seed}/{act.__name__}")))
            for act, every in (
                (self._hit_a_worker, KILL_EVERY),
                (self._hit_the_store, STRIKE_EVERY),
                (self._hit_monite, FAULT_EVERY),
            )
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let everything work again; raise what the violence itself ran into."""
        self._over.set()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()
        if self._errors:
            raise self._errors[0]

    def _go_on(
        self, act: Callable[[random.Random], None], every: tuple[float, float], chance: random.Random
    ) -> None:
        try:
            while not self._over.wait(chance.uniform(*every)):
                act(chance)
        except Exception as error:  # noqa: BLE001 - stop raises it
            self._errors.append(error)

    def _hit_a_worker(self, chance: random.Random) -> None:
        seats = self._crew.seats
        chance.shuffle(seats)
        how = chance.choices(("kill", "freeze", "kill many"), (6, 3, 1))[0]
        if how == "freeze":
            with self._frozen(seats[0]):
                self._over.wait(chance.uniform(*FROZEN))
            return
        for seat in seats[: MANY if how == "kill many" else 1]:
            self._killed(self._crew.kill(seat))

    @contextmanager
    def _frozen(self, seat: int) -> Iterator[None]:
        self._crew.signal(seat, signal.SIGSTOP)
        try:
            yield
        finally:
            self._crew.signal(seat, signal.SIGCONT)
        self._crew.blows["worker frozen"] += 1

    def _hit_the_store(self, chance: random.Random) -> None:
        self._ground.strike(chance, self._over.wait)

    def _hit_monite(self, chance: random.Random) -> None:
        kind, path, times = self._trouble(chance)
        fault: Any = {
            "kind": kind,
            "path": path,
            "times": times,
            "probability": chance.choice((0.3, 1.0)),
            "seconds": chance.uniform(0.1, 2.0),
            "status": chance.choice((500, 502, 503, 504)) if kind == "status" else None,
            "retry_after_as": chance.choice(("seconds", "date")),
        }
        order = self._monite.faults.add(Fault(**fault))
        self._over.wait(chance.uniform(0.3, 1.5))
        self._monite.faults.remove(order.id)
        self.hits[kind] += order.hits

    def _trouble(self, chance: random.Random) -> tuple[str, str, int | None]:
        """Return a kind, whom it hits, and how often."""
        if chance.random() < 0.05:
            return chance.choice(OUTAGES), "", None
        path = chance.choices((MINT, REVOKE, API), (5, 4, 1))[0]
        kind = chance.choice(KINDS[path])
        # After each that throttles, all hold for a second.
        times = 1 if kind == "throttle" else chance.randint(2, 10)
        return kind, path, times
