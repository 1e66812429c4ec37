"""All connections of a process to Redis: those of its threads, and those of each event loop."""

import asyncio
import threading
import weakref

from monite_auth.stores.redis.address import Address
from monite_auth.stores.redis.loop_connections import LoopConnections
from monite_auth.stores.redis.thread_connections import ThreadConnections

__all__ = ["ProcessConnections"]


class ProcessConnections:
    """All connections of one process, which all accounts share: those of its threads, and those of each event loop."""

    def __init__(self, address: Address, timeout: float) -> None:
        self.of_threads = ThreadConnections(address, timeout)
        self._address = address
        self._timeout = timeout
        self._lock = threading.Lock()
        self._by_loop: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, LoopConnections] = (
            weakref.WeakKeyDictionary()
        )

    def of_loop(self) -> LoopConnections:
        """Return the connections of the running event loop."""
        loop = asyncio.get_running_loop()
        connections = self._by_loop.get(loop)
        if connections is None:
            with self._lock:
                connections = self._by_loop.setdefault(loop, LoopConnections(self._address, self._timeout))
        return connections

    async def aclose(self) -> None:
        """Close the connections of the running event loop."""
        with self._lock:
            connections = self._by_loop.get(asyncio.get_running_loop())
        if connections is not None:
            await connections.aclose()
