"""The connections to Redis that the threads of a process share."""

import threading
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import redis

from monite_auth.stores.redis.address import Address
from monite_auth.stores.redis.connections import FIRST_SHARE, Argument, Connections
from monite_auth.stores.redis.errors import FAILURES
from monite_auth.stores.redis.lanes import Lane, LaneName, ThreadLane
from monite_auth.stores.redis.servers import Health
from monite_auth.stores.redis.topologies import blocking_client, blocking_connection

__all__ = ["ThreadConnections"]


class ThreadConnections(Connections):
    """The connections that all threads of a process share.

    A single server is reached by a connection stack of our own: to take a connection is a single atomic step, while redis-py's
    client and pool take longer than all the rest of a peek. Where there are several servers, redis-py's client finds the way.
    """

    def __init__(self, address: Address, timeout: float, healths: dict[str, Health]) -> None:
        super().__init__(address, timeout, healths)
        self._stack: deque[Any] = deque()
        self._client: Any = None
        self._lock = threading.Lock()
        self._turn = threading.Lock()
        self._patience = timeout * FIRST_SHARE
        """Seconds that each step may take. A socket has one timeout, for all commands, so both attempts get the same."""

    @asynccontextmanager
    async def one_at_a_time(self) -> AsyncGenerator[None]:
        """See Connections."""
        with self._turn:
            yield

    def _new_lane(self, name: LaneName) -> Lane:
        return ThreadLane(name, self._timeout)

    @property
    def _cluster(self) -> Any:
        return self._client if self._address.kind == "cluster" else None

    async def _exchange(self, command: Sequence[Argument], patience: float) -> Any:  # noqa: ARG002 - see _patience
        if self._address.kind == "single":
            return self._send_over_stack(command)
        client = self._client or self._connect()
        try:
            return client.execute_command(*command)
        except redis.exceptions.SlotNotCoveredError:
            # The client does not ask by itself which node serves the slot now, and it would stay lost to it.
            with suppress(*FAILURES):
                client.nodes_manager.initialize()
            raise

    def _send_over_stack(self, command: Sequence[Argument]) -> Any:
        """Send a command to the single server; close the connection unless its answer was read to the end."""
        # The present one: a connection in use during a close does not come back to the next stack.
        stack = self._stack
        try:
            connection = stack.pop()
        except IndexError:
            connection = blocking_connection(self._address, self._patience)
        try:
            connection.send_command(*command)
            answer = connection.read_response()
        except redis.ResponseError:
            stack.append(connection)
            raise
        except BaseException:
            connection.disconnect()
            raise
        stack.append(connection)
        return answer

    async def _find_nodes(self) -> None:
        self._connect()  # which gives each host a socket's timeout

    def _connect(self) -> Any:
        # Without the lock: a cluster's client asks servers.
        made = blocking_client(self._address, self._patience)
        with self._lock:
            client = self._client = self._client or made
        if client is not made:
            made.close()
        return client

    async def _close_idle(self, command: Sequence[Argument]) -> None:  # noqa: ARG002 - see below
        self._close_stack()
        pool = getattr(self._client, "connection_pool", None)  # a cluster's client sees to it itself
        if pool is not None:
            pool.disconnect(inuse_connections=False)

    def close(self) -> None:
        """Close the connections; they are opened again when they are needed."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()
        self._close_stack()

    def _close_stack(self) -> None:
        stack, self._stack = self._stack, deque()
        with suppress(IndexError):  # not a loop over it: threads that hold it may still take and put back
            while True:
                stack.pop().disconnect()
