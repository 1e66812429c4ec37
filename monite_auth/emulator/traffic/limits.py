"""Monite's request limit, and statistics of the requests. The gate answers the requests that exceed the limit."""

import math
import re
import threading
from collections import Counter, deque
from dataclasses import dataclass
from functools import cache
from typing import Literal

from monite_auth.emulator.specification.facts import operations
from monite_auth.emulator.world.clock import Clock

# The windows in which a limiter counts: whole seconds of the clock, or the second before each request.
LimitWindow = Literal["fixed", "sliding"]

# The status in the statistics of a request without an answer: its connection was cut, or its client left.
NO_ANSWER = 0
# The path in the statistics of a request that no operation of Monite's takes. So there are never more than a few hundred.
OTHER = "other"


@dataclass(frozen=True, slots=True)
class Admission:
    """The limiter's decision about one request. Its numbers go into the headers of the answer."""

    admitted: bool
    first_refusal: bool
    limit: int
    remaining: int
    resets_at: int


class Limiter:
    """Counts the requests that it admits within a window of one second.

    Monite's gateway counts in fixed windows. A sliding window is stricter: no second at all has more requests than the limit.
    """

    def __init__(self, clock: Clock, requests_per_second: int, window: LimitWindow = "fixed") -> None:
        self._clock = clock
        self.requests_per_second = requests_per_second
        self.window = window
        self._lock = threading.Lock()
        self._admitted: deque[float] = deque()
        self._refuses = False

    def admit(self) -> Admission:
        with self._lock:
            now, limit = self._clock.pace(), self.requests_per_second
            while self._admitted and self._ends(self._admitted[0]) <= now:
                self._admitted.popleft()
            admitted = len(self._admitted) < limit
            if admitted:
                self._admitted.append(now)
            first_refusal = not admitted and not self._refuses
            self._refuses = not admitted
            return Admission(
                admitted=admitted,
                first_refusal=first_refusal,
                limit=limit,
                remaining=max(0, limit - len(self._admitted)),
                # The clock may have been set to another time than the one that the limiter counts in.
                resets_at=math.ceil(self._ends(self._admitted[0] if self._admitted else now))
                + round(self._clock.now() - now),
            )

    def clear(self) -> None:
        with self._lock:
            self._admitted.clear()

    def _ends(self, moment: float) -> float:
        """Return when a request of this moment counts no more."""
        return (math.floor(moment) if self.window == "fixed" else moment) + 1


class Statistics:
    """Counts requests by path and status, and measures their rate. Throttled calls count, too."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._arrivals: deque[float] = deque()
        self._busiest_second = 0
        self._window = 0
        self._in_window = 0
        self._busiest_window = 0
        self._requests: Counter[tuple[str, int]] = Counter()

    @property
    def requests(self) -> Counter[tuple[str, int]]:
        """The counts by `(path, status)`. Status 0 means no answer.

        Paths are those of Monite's operations, below /v1 and with `{id}` for ids. All others are `OTHER`.
        """
        with self._lock:
            return self._requests.copy()

    @property
    def throttled(self) -> int:
        """The number of requests answered with 429."""
        return sum(count for (_, status), count in self.requests.items() if status == 429)

    @property
    def busiest_second(self) -> int:
        """The highest number of requests that arrived within any second."""
        return self._busiest_second

    @property
    def busiest_window(self) -> int:
        """The highest number of requests that arrived within one of the limiter's windows."""
        return self._busiest_window

    @property
    def last_second(self) -> int:
        """The number of requests that arrived during the last second."""
        with self._lock:
            return self._drop_old(self._clock.pace())

    def arrived(self) -> None:
        with self._lock:
            now = self._clock.pace()
            self._arrivals.append(now)
            self._busiest_second = max(self._busiest_second, self._drop_old(now))
            if int(now) != self._window:
                self._window, self._in_window = int(now), 0
            self._in_window += 1
            self._busiest_window = max(self._busiest_window, self._in_window)

    def answered(self, path: str, status: int) -> None:
        with self._lock:
            self._requests[_template(path), status] += 1

    def reset(self) -> None:
        with self._lock:
            self._arrivals.clear()
            self._requests.clear()
            self._busiest_second = self._busiest_window = self._in_window = 0

    def _drop_old(self, now: float) -> int:
        while self._arrivals and self._arrivals[0] <= now - 1:
            self._arrivals.popleft()
        return len(self._arrivals)


@cache
def _templates() -> frozenset[str]:
    return frozenset(re.sub(r"\{\w+\}", "{id}", operation.path) for operation in operations())


def _template(path: str) -> str:
    """Return the operation's path: `/payables/3f…` becomes `/payables/{id}`. A part as long as a UUID counts as an id."""
    template = "/".join("{id}" if len(part) == 36 else part for part in path.split("/"))
    return template if template in _templates() else OTHER
