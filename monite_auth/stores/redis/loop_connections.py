"""The connections to Redis of one event loop."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from monite_auth.processes.running_time import RunningTime
from monite_auth.stores.redis.address import Address
from monite_auth.stores.redis.connections import Argument, Connections
from monite_auth.stores.redis.errors import FAILURES
from monite_auth.stores.redis.lanes import CONNECTION_LIMITS, Lane, LaneName, LoopLane
from monite_auth.stores.redis.topologies import async_clients

__all__ = ["LoopConnections"]

RELEARNING_SHARE = 0.3
"""The share of the timeout in which a cluster has to say who serves the slots now: another node may have taken over."""


class LoopConnections(Connections):
    """The connections of one event loop."""

    def __init__(self, address: Address, timeout: float) -> None:
        super().__init__(address, timeout)
        self._opened: _Opened | None = None

    def _open(self) -> "_Opened":
        if self._opened is None:
            self._opened = _Opened(async_clients(self._address, self._timeout))
        return self._opened

    def _lane(self, name: LaneName) -> Lane:
        return self._open().lanes[name]

    async def _exchange(self, command: Sequence[Argument], patience: float) -> Any:
        client = self._open().clients[0]
        async with RunningTime(patience):
            return await client.execute_command(*command)

    async def _close_idle(self, command: Sequence[Argument]) -> None:
        client = self._open().clients[0]
        if self._address.kind != "cluster":
            await client.connection_pool.disconnect(inuse_connections=False)
        elif (node := _node(client, command)) is not None:
            # The client does this itself after a timeout of its own, but the timeout is ours; see `topologies`.
            await getattr(
                node, "disconnect_free_connections", node.disconnect
            )()  # redis-py 6 has only the latter
            async with RunningTime(RELEARNING_SHARE * self._timeout):
                await client.nodes_manager.initialize()

    async def aclose(self) -> None:
        """Close the connections; they are opened again when they are needed."""
        opened, self._opened = self._opened, None
        for client in opened.clients if opened is not None else ():
            await client.aclose()


class _Opened:
    """The clients that LoopConnections have open, the first to send with."""

    def __init__(self, clients: Sequence[Any]) -> None:
        self.clients = clients
        self.lanes = {name: LoopLane(name) for name in CONNECTION_LIMITS}


def _node(client: Any, command: Sequence[Argument]) -> Any:
    """Return the node of a cluster that a command goes to; None where it does not matter which, or nobody knows."""
    match command:
        case ("EVALSHA" | "EVAL", _, _, key, *_):
            with suppress(*FAILURES):
                return client.get_node_from_key(key)
    return None
