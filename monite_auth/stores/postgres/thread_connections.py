"""The connections to PostgreSQL that the threads of a process share."""

import queue
import select
import threading
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from monite_auth.stores.postgres.address import Address
from monite_auth.stores.postgres.connections import LANE_LIMITS, Connections
from monite_auth.stores.postgres.link import READ, Link, Steps
from monite_auth.stores.postgres.opening import open_link
from monite_auth.stores.postgres.statements import Row

__all__ = ["ThreadConnections", "take"]


class ThreadConnections(Connections):
    """The connections that all threads of a process share. To take one is a single atomic step."""

    def __init__(self, address: Address, timeout: float) -> None:
        super().__init__(address, timeout)
        self._lanes = {name: _permits(limit) for name, limit in LANE_LIMITS.items()}
        self._turn = threading.Lock()

    @asynccontextmanager
    async def one_at_a_time(self) -> AsyncGenerator[None]:
        """See Connections."""
        with self._turn:
            yield

    async def _enter(self, lane: str) -> None:
        self._lanes[lane].get()

    def _leave(self, lane: str) -> None:
        self._lanes[lane].put(None)

    async def _acquire(self) -> Link:
        return open_link(self.address.conninfos, self._timeout)

    async def _take(self, link: Link, steps: Steps, patience: float) -> list[Row]:
        return take(link, steps, patience)


def _permits(limit: int) -> "queue.SimpleQueue[None]":
    """Return a queue with so many permits to take a connection: it does what a semaphore does, in C."""
    permits: queue.SimpleQueue[None] = queue.SimpleQueue()
    for _ in range(limit):
        permits.put(None)
    return permits


def take(link: Link, steps: Steps, patience: float) -> list[Row]:
    """Take the steps to their end in this thread. Raises TimeoutError after `patience` seconds."""
    end = time.monotonic() + patience
    try:
        while True:
            poll = link.readable
            if next(steps) != READ:
                poll = select.poll()
                poll.register(link.socket, select.POLLIN | select.POLLOUT)
            # The kernel looks for an answer before it gives up, also after this process was stopped.
            if not poll.poll(max(0.0, end - time.monotonic()) * 1000):
                raise TimeoutError
    except StopIteration as over:
        rows: list[Row] = over.value
        return rows
