"""The connections to PostgreSQL of one event loop.

A caller who finds none free has one opened, and takes whichever comes first: that one, or one that another caller gives back. To open a
connection takes longer than most statements, which are also prepared on the one that comes back.
"""

import asyncio
import threading
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Sequence
from concurrent.futures import Future
from contextlib import asynccontextmanager
from functools import partial

from monite_auth.processes.running_time import RunningTime
from monite_auth.stores.postgres.address import Address
from monite_auth.stores.postgres.coalesced_reads import CoalescedReads
from monite_auth.stores.postgres.connections import LANE_LIMITS, Connections
from monite_auth.stores.postgres.link import READ, Link, Steps
from monite_auth.stores.postgres.opening import open_link
from monite_auth.stores.postgres.statements import Argument, Row, Statement

__all__ = ["LoopConnections"]


class LoopConnections(Connections):
    """The connections of one event loop."""

    def __init__(self, address: Address, timeout: float) -> None:
        super().__init__(address, timeout)
        self._lanes = {name: asyncio.Semaphore(limit) for name, limit in LANE_LIMITS.items()}
        self._turn = asyncio.Lock()
        self._reads = CoalescedReads()
        self._waiting: list[asyncio.Future[Link]] = []
        """Who waits for a connection. There is at least one opening for each of them."""
        self._openings: set[asyncio.Future[Link]] = set()

    def peek(self, statement: Statement, arguments: Sequence[Argument]) -> Awaitable[list[Row]]:
        """See Connections. Callers who ask the same and find no connection free share a read."""
        if self._idle:
            return self.run(statement, arguments)
        return self._reads.rows((statement.name, *arguments), partial(self.run, statement, arguments))

    @asynccontextmanager
    async def one_at_a_time(self) -> AsyncGenerator[None]:
        """See Connections."""
        async with self._turn:
            yield

    async def _enter(self, lane: str) -> None:
        await self._lanes[lane].acquire()

    def _leave(self, lane: str) -> None:
        self._lanes[lane].release()

    async def _open(self) -> Link:
        """Open a connection; return it, or one that another caller gives back sooner."""
        # One that is opened for somebody who got another meanwhile will do for the next.
        if len(self._openings) <= len(self._unserved()):
            self._begin_to_open()
        waiting: asyncio.Future[Link] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        try:
            return await waiting
        except asyncio.CancelledError:
            if not waiting.cancelled() and waiting.exception() is None:  # one came in the same moment
                self._give_back(waiting.result(), self._idle)
            raise
        finally:
            self._waiting.remove(waiting)

    def _unserved(self) -> "list[asyncio.Future[Link]]":
        return [each for each in self._waiting if not each.done()]

    def _begin_to_open(self) -> None:
        # In a thread of its own: libpq waits for the DNS, and the loop's own threads may all be waiting for a token.
        opened: Future[Link] = Future()
        threading.Thread(
            target=_open_for,
            args=(opened, self.address, self._timeout),
            name="monite_auth_postgres",
            daemon=True,
        ).start()
        opening = asyncio.wrap_future(opened)
        self._openings.add(opening)
        opening.add_done_callback(partial(self._opened, self._idle))

    def _opened(self, idle: deque[Link], opening: "asyncio.Future[Link]") -> None:
        self._openings.discard(opening)
        unserved, failure = self._unserved(), opening.exception()
        if failure is not None:
            if unserved:
                unserved[0].set_exception(failure)
        elif unserved:
            unserved[0].set_result(opening.result())
        elif idle is self._idle:
            idle.append(opening.result())
        else:  # all were closed since
            opening.result().close()

    def _give_back(self, link: Link, idle: deque[Link]) -> None:
        unserved = self._unserved() if self._waiting and idle is self._idle else None
        if unserved:
            unserved[0].set_result(link)
        else:
            idle.append(link)

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
        opened.set_result(open_link(address.conninfos, timeout))
    except BaseException as error:  # noqa: BLE001 - it is raised where the connection is awaited
        opened.set_exception(error)
