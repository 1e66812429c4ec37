"""Monite's request limit, and the statistics of what came in. Neither answers a request."""

import threading
from collections import Counter, deque
from dataclasses import dataclass

from monite_auth.emulator.clock import Clock

# What the statistics note as the status of a request that got no answer: its connection was cut, or its client left.
NO_ANSWER = 0


@dataclass(frozen=True, slots=True)
class Admission:
    """What the limiter says about one request; the numbers go into the answer's headers."""

    admitted: bool
    first_refusal: bool
    limit: int
    remaining: int
    resets_at: int


class Limiter:
    """Counts requests in fixed windows of one second of the clock, as Monite's gateway does, not in a sliding one."""

    def __init__(self, clock: Clock, requests_per_second: int) -> None:
        self.requests_per_second = requests_per_second
        self._clock = clock
        self._lock = threading.Lock()
        self._window = 0
        self._count = 0

    def admit(self) -> Admission:
        with self._lock:
            window = int(self._clock.now())
            if window != self._window:
                self._window, self._count = window, 0
            self._count += 1
            limit = self.requests_per_second
            return Admission(
                admitted=self._count <= limit,
                first_refusal=self._count == limit + 1,
                limit=limit,
                remaining=max(0, limit - self._count),
                resets_at=window + 1,
            )

    def clear(self) -> None:
        with self._lock:
            self._window = self._count = 0


class Statistics:
    """Requests by path and status, and how fast they came. Every call below /v1 counts, a throttled one too."""

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
        """Counts by `(path below /v1 with ids as {id}, status)`, status 0 where there was no answer."""
        with self._lock:
            return self._requests.copy()

    @property
    def throttled(self) -> int:
        """How many requests were answered with 429."""
        return sum(count for (_, status), count in self.requests.items() if status == 429)

    @property
    def busiest_second(self) -> int:
        """The most requests that arrived within any one second."""
        return self._busiest_second

    @property
    def busiest_window(self) -> int:
        """The most requests that arrived within one of the limiter's windows."""
        return self._busiest_window

    @property
    def last_second(self) -> int:
        """How many requests arrived during the last second."""
        with self._lock:
            return self._drop_old(self._clock.now())

    def arrived(self) -> None:
        with self._lock:
            now = self._clock.now()
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


def _template(path: str) -> str:
    """`/payables/3f…` as `/payables/{id}`: whatever is as long as a uuid is taken for one."""
    return "/".join("{id}" if len(part) == 36 else part for part in path.split("/"))
