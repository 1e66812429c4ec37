"""The faults in force, and which request each of them hits. The gate carries them out."""

import random
import re
import threading
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

from monite_auth.emulator.faults.kinds import Call, Fault, FaultKind
from monite_auth.emulator.faults.paths import STEP
from monite_auth.emulator.traffic.journal import Journal
from monite_auth.emulator.world.clock import Clock

# What becomes of a held request: "resume" when its fault is deleted, "stop" when the server stops.
Release = Literal["resume", "stop"]


@dataclass(slots=True, eq=False)
class Order:
    """A fault in force. It stays listed after its last hit: a request that it holds is released by deleting it."""

    id: str
    fault: Fault
    remaining: int | None
    pattern: re.Pattern[str]
    chance: random.Random
    hits: int = 0
    removed: bool = False
    held: list["Hold"] = field(default_factory=list)
    #: The request whose answer waits until another one has overtaken it (`wrong_order`).
    first: "Hold | None" = None

    def chooses(self, call: Call) -> bool:
        """Return whether the fault is meant for such calls, however often and probable."""
        fault = self.fault
        return (
            self.pattern.match(call.path) is not None
            and fault.method in {None, call.method}
            and fault.entity_user_id in {None, call.entity_user_id}
            and fault.client_id in {None, call.client_id}
        )


@dataclass(slots=True, eq=False)
class Hold:
    """A request that a fault holds back for some seconds, or without a limit if that is None."""

    order: Order
    seconds: float | None
    release: Callable[[Release], object] | None = None
    is_over: bool = False


@dataclass(slots=True)
class Effects:
    """All that the faults do to one request after its arrival: delays, and at most one other trouble."""

    holds: list[Hold] = field(default_factory=list)
    trouble: Order | None = None
    #: Seconds by which the clock of the answer is wrong.
    skew: float = 0.0
    #: Other requests, which are held until this one has its answer.
    overtaken: list[Hold] = field(default_factory=list)

    @property
    def fault(self) -> Fault | None:
        return self.trouble.fault if self.trouble else None

    @property
    def kind(self) -> FaultKind | None:
        return self.trouble.fault.kind if self.trouble else None


@dataclass(frozen=True, slots=True)
class Hit:
    """A request that a fault has hit."""

    at: float
    kind: FaultKind
    method: str
    path: str
    entity_user_id: str | None
    client_id: str | None
    order_id: str


class Faults:
    """Holds the faults in force, in the order in which they were added."""

    def __init__(self, clock: Clock, journal: Journal, lock: threading.RLock, chance: random.Random) -> None:
        self._clock = clock
        self._journal = journal
        self._lock = lock
        self._chance = chance
        self._struck = threading.Condition(lock)
        self._orders: dict[str, Order] = {}
        #: The requests that were hit, oldest first.
        self.hits: deque[Hit] = deque(maxlen=10_000)

    @property
    def orders(self) -> list[Order]:
        with self._lock:
            return list(self._orders.values())

    def add(self, fault: Fault) -> Order:
        with self._lock:
            order = Order(
                id=uuid.uuid4().hex,
                fault=fault,
                remaining=fault.times,
                pattern=re.compile("[^/]+".join(map(re.escape, STEP.split(fault.path)))),
                chance=self._chance if fault.seed is None else random.Random(fault.seed),  # noqa: S311 - no secret
            )
            self._orders[order.id] = order
            return order

    def remove(self, order_id: str) -> bool:
        """Delete one fault and let the requests that it holds continue. Return False if no fault has that id."""
        with self._lock:
            order = self._orders.pop(order_id, None)
            if order is None:
                return False
            order.removed = True
            self._release(order, "resume")
            return True

    def clear(self) -> None:
        """Delete all faults and let the requests that they hold continue."""
        for order in self.orders:
            self.remove(order.id)

    def reset(self, chance: random.Random) -> None:
        """Begin again, with this chance: no faults and no hits."""
        self.clear()
        with self._lock:
            self.hits.clear()
            self._chance = chance

    def wait_for_hits(self, count: int, seconds: float = 5.0) -> bool:
        """Wait until `count` requests in total have been hit. Return False if that takes longer than `seconds`."""
        with self._struck:
            return self._struck.wait_for(lambda: len(self.hits) >= count, seconds)

    def stop(self) -> None:
        """End the held requests because the server is stopping. The faults stay in force."""
        for order in self.orders:
            self._release(order, "stop")

    def jitters(self, call: Call) -> list[Hold]:
        """Return the jitters that hit this request, each with the seconds by which the request arrives later."""
        if not self._orders:
            return []
        with self._lock:
            found = [
                order
                for order in self._orders.values()
                if order.fault.kind == "jitter" and self._fits(order, call)
            ]
            for order in found:
                self._hit(order, call)
            return [Hold(order, order.chance.uniform(0, order.fault.seconds)) for order in found]

    def strike(self, call: Call) -> Effects:
        """Return what the faults do to a request after its arrival."""
        effects = Effects()
        if not self._orders:
            return effects
        with self._lock:
            for order in self._orders.values():
                kind = order.fault.kind
                if kind == "jitter":
                    continue
                if order.first and order.chooses(call):
                    effects.overtaken.append(order.first)
                    order.first = None
                    continue
                goes_with_others = kind in {"latency", "wrong_order", "clock_skew"}
                if (not goes_with_others and effects.trouble) or not self._fits(order, call):
                    continue
                if kind == "clock_skew":
                    effects.skew += order.fault.seconds
                elif goes_with_others:
                    effects.holds.append(Hold(order, order.fault.seconds))
                    if kind == "wrong_order":
                        order.first = effects.holds[-1]
                else:
                    effects.trouble = order
                self._hit(order, call)
        return effects

    @contextmanager
    def holding(self, hold: Hold, release: Callable[[Release], object]) -> Iterator[None]:
        """Call `release`, from any thread, if the hold is to end earlier: see `Release`, and `overtake`."""
        order = hold.order
        with self._lock:
            hold.release = release
            order.held.append(hold)
            if order.removed or hold.is_over:
                release("resume")
        try:
            yield
        finally:
            with self._lock:
                order.held.remove(hold)
                if order.first is hold:
                    order.first = None

    def overtake(self, holds: list[Hold]) -> None:
        """Let the requests continue that a request has overtaken, which has its answer now."""
        with self._lock:
            for hold in holds:
                hold.is_over = True
                if hold.release:
                    hold.release("resume")

    def _release(self, order: Order, how: Release) -> None:
        with self._lock:
            for hold in order.held:
                if hold.release:
                    hold.release(how)

    def _fits(self, order: Order, call: Call) -> bool:
        probability = order.fault.probability
        return (
            order.remaining != 0
            and order.chooses(call)
            and (probability == 1 or order.chance.random() < probability)
        )

    def _hit(self, order: Order, call: Call) -> None:
        order.hits += 1
        if order.remaining is not None:
            order.remaining -= 1
        kind = order.fault.kind
        self.hits.append(
            Hit(
                at=self._clock.now(),
                kind=kind,
                method=call.method,
                path=call.path,
                entity_user_id=call.entity_user_id,
                client_id=call.client_id,
                order_id=order.id,
            )
        )
        self._struck.notify_all()
        self._journal.record("fault", fault=kind, path=call.path)
