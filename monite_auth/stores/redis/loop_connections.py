"""The connections to Redis of one event loop."""

from collections.abc import Callable, Sequence
from typing import Any

from monite_auth.processes.lifetimes import close_with_loop
from monite_auth.processes.running_time import RunningTime
from monite_auth.stores.redis.address import Address
from monite_auth.stores.redis.connections import Argument, Connections
from monite_auth.stores.redis.lanes import CONNECTION_LIMITS, Lane, LaneName, LoopLane
from monite_auth.stores.redis.topologies import async_clients

__all__ = ["LoopConnections"]


class LoopConnections(Connections):
    """The connections of one event loop; they close with that loop, and then hold nothing of it."""

    def __init__(self, address: Address, timeout: float) -> None:
        super().__init__(address, timeout)
        self._opened: _OpenedOnLoop | None = None

    def _open(self) -> "_OpenedOnLoop":
        if self._opened is None:
            clients = async_clients(self._address, self._timeout)
            self._opened = _OpenedOnLoop(clients, self._forget)
        return self._opened

    def _lane(self, name: LaneName) -> Lane:
        return self._open().lanes[name]

    async def _exchange(self, command: Sequence[Argument], patience: float) -> Any:
        client = self._open().client
        async with RunningTime(patience):
            return await client.execute_command(*command)

    async def _close_idle(self) -> None:
        client = self._opened.client if self._opened is not None else None
        pool = getattr(client, "connection_pool", None)  # a cluster's client sees to it itself
        if pool is not None:
            await pool.disconnect(inuse_connections=False)

    def _forget(self, opened: "_OpenedOnLoop") -> None:
        if self._opened is opened:
            self._opened = None

    async def aclose(self) -> None:
        """Close the connections; they are opened again when they are needed."""
        if self._opened is not None:
            await self._opened.aclose()


class _OpenedOnLoop:
    """The clients that LoopConnections have open, the first to send with; `forget` is called when they close."""

    def __init__(self, clients: Sequence[Any], forget: Callable[["_OpenedOnLoop"], None]) -> None:
        self.client = clients[0]
        self.lanes = {name: LoopLane(limit) for name, limit in CONNECTION_LIMITS.items()}
        self._clients = clients
        self._forget = forget
        self._loop_end = close_with_loop(self.aclose)

    async def aclose(self) -> None:
        self._forget(self)
        for client in self._clients:
            await client.aclose()
