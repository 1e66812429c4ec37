"""The connections to PostgreSQL of one event loop."""

import asyncio
import threading
from collections.abc import AsyncGenerator
from concurrent.futures import Future, InvalidStateError
from contextlib import asynccontextmanager

from monite_auth.processes.running_time import RunningTime
from monite_auth.stores.postgres.address import Address
from monite_auth.stores.postgres.connections import LANE_LIMITS, Connections
from monite_auth.stores.postgres.link import READ, Link, Steps
from monite_auth.stores.postgres.opening import open_link
from monite_auth.stores.postgres.statements import Row

__all__ = ["LoopConnections"]


class LoopConnections(Connections):
    """The connections of one event loop."""

    def __init__(self, address: Address, timeout: float) -> None:
        super().__init__(address, timeout)
        self._lanes = {name: asyncio.Semaphore(limit) for name, limit in LANE_LIMITS.items()}
        self._turn = asyncio.Lock()

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
