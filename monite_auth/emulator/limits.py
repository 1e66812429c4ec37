"""Monite's request limit, and statistics of the requests. The gate answers the requests that exceed the limit."""

import threading
from collections import Counter, deque
from dataclasses import dataclass

from monite_auth.emulator.clock import Clock

# The status in the statistics of a request without an answer: its connection was cut, or its client left.
NO_ANSWER = 0


@dataclass(frozen=True, slots=True)
class Admission:
    """The limiter's decision about one request. Its numbers go into the headers of the answer."""

    admitted: bool
    first_refusal: bool
    limit: int
    remaining: int
    resets_at: int


class Limiter:
    """Counts requests in fixed windows of one second, as Monite's gateway does. It is not a sliding window."""

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
        """The counts by `(path, status)`. Paths are those below /v1, with `{id}` for ids. Status 0 means no answer."""
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
    """Replace ids in a path: `/payables/3f…` becomes `/payables/{id}`. A part as long as a UUID counts as an id."""
    return "/".join("{id}" if len(part) == 36 else part for part in path.split("/"))
