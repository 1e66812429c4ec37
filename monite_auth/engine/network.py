"""Connections that keep a deadline, whatever trickles in and however long a name takes to resolve.

The timeouts of an HTTP library are for one read each, so a server that sends a byte a second is always in time. In a thread,
a request to Monite has one `Deadline`; each step of connecting, each read and each write gets the time that is left of it. On an
event loop the request is a task that ends at its deadline (see `loop_sockets`). Names are resolved in threads of ours, for both.
"""

import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from monite_auth.processes.names import lookup

__all__ = ["BlockingNetwork", "Deadline", "attempts", "unresolved"]

GRACE = 0.5
"""Seconds for the rest of an answer that began to arrive in time, where the time is over: a process that was stopped for a
while finds it waiting, and it may hold a token."""

AT_ONCE = 0.001
"""Seconds that suffice to read what has arrived already."""

PATIENCE = 0.5
"""Seconds for one address of several: if the network drops IPv6, say, the next one answers."""

PIECE = 4096
"""Bytes that are written at once. A socket that takes any takes so many, so that no write is a series of short waits."""


class Deadline:
    """The end of one request, which every step of it keeps.

    The steps together take no longer than the request may. With timeouts for each step alone, an attempt to mint could outlast
    its lease: 3 s to connect, and 5 s to read. `within`: seconds for all steps. `now`: seconds of a clock that is never set back.
    """

    _current: ContextVar["Deadline | None"] = ContextVar("deadline", default=None)

    def __init__(self, within: float, *, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._ends = now() + within
        self._late_since: float | None = None  # which a process that was stopped notices much later

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Limit the steps that this thread does meanwhile."""
        token = self._current.set(self)
        try:
            yield
        finally:
            self._current.reset(token)

    @classmethod
    def limited(cls, timeout: float | None) -> float | None:
        """Return the seconds for the next step: `timeout`, or less if less is left. Raises TimeoutError at the end."""
        deadline = cls._current.get()
        if deadline is None:
            return timeout
        left = deadline.left()
        return left if timeout is None else min(timeout, left)

    def left(self) -> float:
        """Return the seconds that are left; after the end, for a moment, those to read what has arrived. Raises TimeoutError."""
        now = self._now()
        if now < self._ends:
            return self._ends - now
        if self._late_since is None:
            self._late_since = now
        if now > self._late_since + GRACE:
            raise TimeoutError("the answer came too slowly")
        return AT_ONCE


class _LimitedStream:
    """A connection of the HTTP library whose reads and writes keep the current `Deadline`."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        received: bytes = self._stream.read(max_bytes, Deadline.limited(timeout))
        return received

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), PIECE):
            self._stream.write(buffer[start : start + PIECE], Deadline.limited(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> "_LimitedStream":
        return _LimitedStream(self._stream.start_tls(ssl_context, server_hostname, Deadline.limited(timeout)))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class BlockingNetwork:
    """The network of the HTTP library for threads, a `network_backend` of its pools. It keeps the current `Deadline`."""

    def __init__(self, network: Any) -> None:
        self._network = network

    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, **options: Any
    ) -> _LimitedStream:
        """Connect to the first address of the host that answers."""
        timeout = Deadline.limited(timeout)
        assert timeout is not None, "every request of ours has a timeout for connecting"
        ends = time.monotonic() + timeout
        found = lookup(host)
        try:
            addresses = found.result(timeout)
        except TimeoutError:
            raise unresolved() from None
        finally:
            found.cancel()
        for address, seconds, is_last in attempts(addresses, ends):
            try:
                return _LimitedStream(self._network.connect_tcp(address, port, timeout=seconds, **options))
            except Exception:  # the HTTP library's own, and there are two libraries
                if is_last:
                    raise
        raise AssertionError("every host has an address, or cannot be resolved")


def attempts(addresses: list[str], ends: float) -> Iterator[tuple[str, float, bool]]:
    """Return each address with the seconds for it, and whether it is the last one: that has all the time that is left.

    `ends`: seconds of `time.monotonic`, or `math.inf`.
    """
    for index, address in enumerate(addresses, start=1):
        is_last = index == len(addresses)
        left = max(AT_ONCE, ends - time.monotonic())
        yield address, left if is_last else min(PATIENCE, left / (len(addresses) - index + 1)), is_last


def unresolved() -> TimeoutError:
    """Return the error for a name that takes too long."""
    return TimeoutError("the name of the host could not be resolved in time")
