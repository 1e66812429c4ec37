"""Fault injection: which faults exist, and which request each one hits. The gate carries them out."""

import random
import threading
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from monite_auth.emulator.clock import Clock
from monite_auth.emulator.journal import Journal

FaultKind = Literal[
    "jitter",
    "latency",
    "hang",
    "cut_before",
    "cut_after",
    "status",
    "throttle",
    "invalid_json",
    "truncated",
    "wrong_fields",
    "dead_token",
]

# What becomes of a held request: "resume" when its fault is deleted, "stop" when the server stops.
Release = Literal["resume", "stop"]


def _uuid(text: str) -> str:
    """Return a UUID in the form that the ledger uses.

    Raises:
        ValueError: `text` is no UUID.

    """
    return str(uuid.UUID(text))


def _path(text: str) -> str:
    """Return the beginning of a path below /v1.

    Raises:
        ValueError: no path below /v1 begins so, and the fault would never hit anything.

    """
    if text and (not text.startswith("/") or text == "/v1" or text.startswith("/v1/")):
        raise ValueError("write the path as it is below /v1, with its first slash: /payables")
    return text


class Fault(BaseModel):
    """A fault to inject, and the requests that it hits.

    | kind | what the client sees | the work (a mint, a revocation) |
    |---|---|---|
    | `jitter` | the right answer, up to `seconds` late: the request takes that much longer to Monite, and counts towards the limit when it arrives | is done when it arrives |
    | `latency` | the right answer, `seconds` late | is done at once |
    | `hang` | nothing, until it gives up or the fault is deleted | is done only once the fault is deleted |
    | `cut_before` | the connection closes without an answer | is not done |
    | `cut_after` | the same | is done |
    | `status` | `status` with `body`, or with `message` in Monite's error shape | is not done |
    | `throttle` | 429 with `Retry-After: retry_after`, as seconds or as a date | is not done |
    | `invalid_json` | the right status and a body that is not JSON | is done |
    | `truncated` | half of the right answer, then the connection closes | is done |
    | `wrong_fields` | the right status and `body`, or the right answer without its first field | is done |
    | `dead_token` | `status` (400, 401 or 403) as for a token that has expired | is not done |

    Raises:
        ValidationError: a field is unknown or has a value that it cannot have (pydantic's).

    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: FaultKind
    #: Hit only calls whose path below /v1 begins with this. "" stands for every call.
    path: Annotated[str, AfterValidator(_path)] = ""
    #: Hit only mints for this entity user, and calls with this user's tokens. None stands for everybody.
    entity_user_id: Annotated[str, AfterValidator(_uuid)] | None = None
    #: Hit this many requests. None stands for all, until the fault is deleted.
    times: int | None = Field(default=None, ge=1)
    probability: float = Field(default=1.0, gt=0, le=1)
    seconds: float = Field(default=1.0, ge=0)
    status: int | None = Field(default=None, ge=400, le=599)
    message: str | None = None
    body: Any = None
    retry_after: int = Field(default=1, ge=0)
    retry_after_as: Literal["seconds", "date"] = "seconds"


@dataclass(slots=True, eq=False)
class Order:
    """A fault in force. It stays listed after its last hit: a request that it holds is released by deleting it."""

    id: str
    fault: Fault
    remaining: int | None
    hits: int = 0
    removed: bool = False
    held: list[Callable[[Release], object]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Hit:
    """A request that a fault has hit."""

    at: float
    kind: FaultKind
    path: str
    entity_user_id: str | None
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
            order = Order(uuid.uuid4().hex, fault, remaining=fault.times)
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

    def wait_for_hits(self, count: int, seconds: float = 5.0) -> bool:
        """Wait until `count` requests in total have been hit. Return False if that takes longer than `seconds`."""
        with self._struck:
            return self._struck.wait_for(lambda: len(self.hits) >= count, seconds)

    def stop(self) -> None:
        """End the held requests because the server is stopping. The faults stay in force."""
        for order in self.orders:
            self._release(order, "stop")

    def jitters(self, path: str, entity_user_id: str | None) -> list[tuple[Order, float]]:
        """Return the jitters that hit this request, each with the seconds by which the request arrives later."""
        if not self._orders:
            return []
        with self._lock:
            found = [
                order
                for order in self._orders.values()
                if order.fault.kind == "jitter" and self._fits(order, path, entity_user_id)
            ]
            for order in found:
                self._hit(order, path, entity_user_id)
            return [(order, self._chance.uniform(0, order.fault.seconds)) for order in found]

    def strike(self, path: str, entity_user_id: str | None) -> tuple[list[Order], Order | None]:
        """Return the faults that hit a request after its arrival: all latencies, and the first of any other kind."""
        if not self._orders:
            return [], None
        delays: list[Order] = []
        trouble: Order | None = None
        with self._lock:
            for order in self._orders.values():
                if order.fault.kind == "jitter":
                    continue
                is_delay = order.fault.kind == "latency"
                if (not is_delay and trouble) or not self._fits(order, path, entity_user_id):
                    continue
                if is_delay:
                    delays.append(order)
                else:
                    trouble = order
                self._hit(order, path, entity_user_id)
        return delays, trouble

    @contextmanager
    def holding(self, order: Order, release: Callable[[Release], object]) -> Iterator[None]:
        """Call `release`, from any thread, if the order is deleted or the server stops during the block."""
        with self._lock:
            order.held.append(release)
            if order.removed:
                release("resume")
        try:
            yield
        finally:
            with self._lock:
                order.held.remove(release)

    def _release(self, order: Order, how: Release) -> None:
        with self._lock:
            for release in order.held:
                release(how)

    def _fits(self, order: Order, path: str, entity_user_id: str | None) -> bool:
        fault = order.fault
        return (
            order.remaining != 0
            and path.startswith(fault.path)
            and (fault.entity_user_id in {None, entity_user_id})
            and (fault.probability == 1 or self._chance.random() < fault.probability)
        )

    def _hit(self, order: Order, path: str, entity_user_id: str | None) -> None:
        order.hits += 1
        if order.remaining is not None:
            order.remaining -= 1
        kind = order.fault.kind
        self.hits.append(Hit(self._clock.now(), kind, path, entity_user_id, order.id))
        self._struck.notify_all()
        self._journal.record("fault", fault=kind, path=path)
