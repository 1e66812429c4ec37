"""The connections to PostgreSQL of one event loop.

A caller who finds none free waits for one that another caller gives back, for a moment: a statement takes a fraction of the time in which
a connection is opened. So where fifty tasks ask for the same slot at once, their reads and the mint's first statements go over the
connections that are there. Callers share nothing else: each reads for itself, opens for itself, and gets its own failure.
"""

import asyncio
import threading
import time
from collections.abc import AsyncGenerator
from concurrent.futures import Future, InvalidStateError
from contextlib import asynccontextmanager, suppress

from monite_auth.processes.running_time import RunningTime
from monite_auth.stores.postgres.address import Address
from monite_auth.stores.postgres.connections import LANE_LIMITS, Connections
from monite_auth.stores.postgres.link import READ, Link, Steps
from monite_auth.stores.postgres.opening import open_link
from monite_auth.stores.postgres.statements import Row

__all__ = ["LoopConnections"]

LONGEST_WAIT = 0.05
"""Seconds that callers wait for connections to come back, all callers together, before one of them opens another: on a busy machine, where all
processes begin at once, an opening takes as long. They are added up, so that a loop that needs more connections gets them."""


class LoopConnections(Connections):
    """The connections of one event loop. `longest_wait`: see LONGEST_WAIT."""

    def __init__(self, address: Address, timeout: float, *, longest_wait: float = LONGEST_WAIT) -> None:
        super().__init__(address, timeout)
        self._lanes = {name: asyncio.Semaphore(limit) for name, limit in LANE_LIMITS.items()}
        self._turn = asyncio.Lock()
        self._longest_wait = self._wait_left = longest_wait
        self._inside = 0
        """Callers within a lane: each has a connection, opens one, or is among those who wait."""
        self._waiting = 0
        self._somebody_left = asyncio.Event()

    @asynccontextmanager
    async def one_at_a_time(self) -> AsyncGenerator[None]:
        """See Connections."""
        async with self._turn:
            yield

    async def _enter(self, lane: str) -> None:
        await self._lanes[lane].acquire()
        self._inside += 1

    def _leave(self, lane: str) -> None:
        self._inside -= 1
        try:
            if self._waiting:
                self._somebody_left.set()  # before the next one comes in, who would take the connection first
            self._lanes[lane].release()
        except RuntimeError:  # the loop has been closed: nobody waits here any more
            pass

    async def _acquire(self) -> Link:
        return await self._given_back() or await self._open()

    async def _given_back(self) -> Link | None:
        """Return a connection that another caller gives back in time; None where there is none."""
        began = time.monotonic()
        self._waiting += 1
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._wait_left):
                    while self._inside > self._waiting:
                        self._somebody_left.clear()
                        await self._somebody_left.wait()
                        if self._idle:
                            return self._idle.pop()
        finally:
            self._waiting -= 1
            self._wait_left = max(0.0, self._wait_left - (time.monotonic() - began))
        return None

    async def _open(self) -> Link:
        self._wait_left = self._longest_wait
        # In a thread of its own: libpq waits for the DNS, and the loop's own threads may all be waiting for a token.
        opened: Future[Link] = Future()
        threading.Thread(
            target=_open_for,
            args=(opened, self.address, self._timeout),
            name="monite_auth_postgres",
            daemon=True,
        ).start()
        return await asyncio.wrap_future(opened)

    async def _take(self, link: Link, steps: Steps, patience: float) -> list[Row]:
        loop = asyncio.get_running_loop()
        async with RunningTime(patience):
            try:
                while True:
                    waits_for = next(steps)
                    ready: asyncio.Future[None] = loop.create_future()
                    add, remove = (
                        (loop.add_reader, loop.remove_reader)
                        if waits_for == READ
                        else (loop.add_writer, loop.remove_writer)
                    )
                    add(link.socket, _set, ready)
                    try:
                        await ready
                    finally:
                        remove(link.socket)
            except StopIteration as over:
                rows: list[Row] = over.value
                return rows

    async def aclose(self) -> None:
        """Close the connections; they are opened again when they are needed."""
        self.close_idle()


def _set(ready: "asyncio.Future[None]") -> None:
    if not ready.done():
        ready.set_result(None)


def _open_for(opened: "Future[Link]", address: Address, timeout: float) -> None:
    try:
        link = open_link(address.conninfos, timeout)
    except BaseException as error:  # noqa: BLE001 - it is raised where the connection is awaited
        if opened.set_running_or_notify_cancel():
            opened.set_exception(error)
        return
    try:
        opened.set_result(link)
    except InvalidStateError:  # whoever wanted it was cancelled
        link.close()
