"""The connections to Redis of one event loop."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

import redis

from monite_auth.processes.flows import ends_when_left
from monite_auth.processes.running_time import RunningTime
from monite_auth.stores.redis.address import Address
from monite_auth.stores.redis.connections import Argument, Connections
from monite_auth.stores.redis.errors import FAILURES
from monite_auth.stores.redis.lanes import Lane, LaneName, LoopLane
from monite_auth.stores.redis.servers import Health
from monite_auth.stores.redis.topologies import async_clients

__all__ = ["LoopConnections"]

RELEARNING_SHARE = 0.3
"""The share of the timeout in which a cluster has to say who serves the slots now: another node may have taken over."""


class LoopConnections(Connections):
    """The connections of one event loop."""

    def __init__(self, address: Address, timeout: float, healths: dict[str, Health]) -> None:
        super().__init__(address, timeout, healths)
        self._clients: Sequence[Any] = ()
        """The clients that are open, the first to send with."""
        self._turn = asyncio.Lock()
        self._finding = asyncio.Lock()
        self._not_found: Exception | None = None
        """Why no host of the cluster could say who the nodes are, the last time that they were asked."""

    @asynccontextmanager
    async def one_at_a_time(self) -> AsyncGenerator[None]:
        """See Connections."""
        async with self._turn:
            yield

    def _open(self) -> Sequence[Any]:
        if not self._clients:
            self._clients = async_clients(self._address, self._timeout)
        return self._clients

    def _new_lane(self, name: LaneName) -> Lane:
        return LoopLane(name, self._timeout)

    @property
    def _cluster(self) -> Any:
        return self._clients[0] if self._address.kind == "cluster" and self._clients else None

    async def _find_nodes(self) -> None:
        not_found = self._not_found
        async with self._finding:
            last = self._not_found
            if last is not None and last is not not_found:
                # To all who have waited meanwhile, since each host may take its time.
                raise last.with_traceback(None)
            if not self._clients:
                self._clients = await self._clients_by_some_host()

    async def _clients_by_some_host(self) -> Sequence[Any]:
        hosts = self._address.hosts
        # All together take less than two timeouts.
        shares = [1 / len(hosts)] * (len(hosts) - 1) + [1]
        failure: Exception = TimeoutError()
        for host, share in zip(hosts, shares, strict=True):
            clients = async_clients(replace(self._address, hosts=(host,)), self._timeout)
            try:
                async with RunningTime(share * self._timeout):
                    with ends_when_left():
                        await clients[0].initialize()
            except FAILURES as error:
                failure = error
            else:
                return clients
        self._not_found = failure
        raise failure

    async def _exchange(self, command: Sequence[Argument], patience: float) -> Any:
        client = self._open()[0]
        try:
            async with RunningTime(patience):
                with ends_when_left():
                    return await client.execute_command(*command)
        except (redis.exceptions.SlotNotCoveredError, KeyError):
            with suppress(*FAILURES):
                await self._relearn(client)
            raise

    async def _close_idle(self, command: Sequence[Argument]) -> None:
        client = self._open()[0]
        if self._address.kind != "cluster":
            with ends_when_left():
                await client.connection_pool.disconnect(inuse_connections=False)
        elif (node := self._node(command)) is not None:
            # The client does this itself after a timeout of its own, but the timeout is ours; see `topologies`.
            # redis-py 6 has only `disconnect`.
            disconnect = getattr(node, "disconnect_free_connections", node.disconnect)
            with ends_when_left():
                await disconnect()
            await self._relearn(client)

    async def _relearn(self, client: Any) -> None:
        """Ask again which node serves which slot."""
        async with RunningTime(RELEARNING_SHARE * self._timeout):
            with ends_when_left():
                await client.nodes_manager.initialize()

    async def aclose(self) -> None:
        """Close the connections; they are opened again when they are needed."""
        clients, self._clients = self._clients, ()
        for client in clients:
            await client.aclose()
            if self._address.kind == "cluster":
                # After a failed command the client counts itself as closed, and `_relearn` has connected its nodes again.
                await client.nodes_manager.aclose()
                await client.nodes_manager.aclose("startup_nodes")
