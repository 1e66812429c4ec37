"""Connections to Redis, for threads and for event loops: they send a command or a script, and return the answer.

*Waiting.* A server that hangs costs a caller the timeout, once. Only one thing is tried again, once and only here: a command
whose connection broke at once, like an idle one that a restart or failover has cut. The command may have been carried out all
the same; every script can bear that, as `operations` says for each.

*Lanes.* The connections of one event loop, and those of all threads together, are limited. Peeks have a lane of their own, so
that many of them hold up neither the mint that they wait for nor a logout.
"""

import asyncio
import threading
import time
import weakref
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Literal, TypeVar

import redis
import redis.exceptions

from monite_auth.processes.lifetimes import close_with_loop
from monite_auth.stores.redis.address import Address
from monite_auth.stores.redis.errors import FAILURES, UnknownScript, is_connection_lost, translated
from monite_auth.stores.redis.scripts import SCRIPTS, Script
from monite_auth.stores.redis.topologies import async_clients, blocking_client, blocking_connection

__all__ = [
    "CONNECTION_LIMITS",
    "Argument",
    "Connections",
    "LoopConnections",
    "ProcessConnections",
    "ThreadConnections",
]

Argument = str | bytes | int | float
Lane = Literal["peek", "other"]
Limit = TypeVar("Limit")

CONNECTION_LIMITS: dict[Lane, int] = {"peek": 4, "other": 8}
"""Connections in each lane. To open one takes as long as ten commands, so waiting for a free one is quicker; and with more of
them, threads wait for each other inside the interpreter."""

LOOP_TIMEOUT = 1.1
"""Factor of the timeout after which an event loop gives up: slightly longer than the socket timeout, so that redis-py sees its
own timeout first and drops the connection."""

PEEK = SCRIPTS["peek"]


class Connections(ABC):
    """Sends commands and scripts to Redis. `timeout`: the seconds that a command may take."""

    def __init__(self, address: Address, timeout: float) -> None:
        self._address = address
        self._timeout = timeout
        self._has_worked = False

    @abstractmethod
    async def _send(self, command: Sequence[Argument], lane: Lane) -> Any:
        """Send one command and return the answer."""

    @abstractmethod
    async def _close_idle(self) -> None:
        """Close idle connections: they lead to a server that is not the one to ask any more."""

    async def run(self, script: Script, keys: Sequence[str], arguments: Sequence[Argument]) -> Any:
        """Run a script and return its answer. Send its source if the server does not know it (any more).

        Raises: StoreUnavailable, ConfigurationError.
        """
        lane: Lane = "peek" if script is PEEK else "other"
        try:
            return await self.send("EVALSHA", script.sha, len(keys), *keys, *arguments, lane=lane)
        except UnknownScript:
            pass
        return await self.send("EVAL", script.source, len(keys), *keys, *arguments)

    async def send(self, *command: Argument, lane: Lane = "other") -> Any:
        """Send a command and return its answer; try again, once, when a connection breaks at once.

        Raises: StoreUnavailable, ConfigurationError.
        """
        started = time.monotonic()
        error = None
        for is_last in (False, True):
            try:
                answer = await self._send(command, lane)
            except redis.exceptions.NoScriptError:
                raise UnknownScript from None
            except FAILURES as failure:
                error = failure
                if (
                    is_last
                    or not is_connection_lost(failure)
                    or time.monotonic() - started > self._timeout / 2
                ):
                    break
                with suppress(*FAILURES):
                    await self._close_idle()
            else:
                self._has_worked = True
                return answer
        raise translated(error, self._address, self._timeout, has_worked=self._has_worked)


class ThreadConnections(Connections):
    """The connections that all threads of a process share.

    A single server is reached by a connection stack of our own: to take a connection is a single atomic step, while redis-py's
    client and pool take longer than all the rest of a peek. Where there are several servers, redis-py's client finds the way.
    """

    def __init__(self, address: Address, timeout: float) -> None:
        super().__init__(address, timeout)
        self._stack: deque[Any] = deque()
        self._client: Any = None
        self._lock = threading.Lock()
        self._lanes = _lanes(threading.Semaphore)

    async def _send(self, command: Sequence[Argument], lane: Lane) -> Any:
        limit = self._lanes[lane]
        if not limit.acquire(timeout=self._timeout):
            raise redis.TimeoutError("No connection came free")
        try:
            if self._address.kind == "single":
                return self._exchange(command)
            return (self._client or self._connect()).execute_command(*command)
        finally:
            limit.release()

    def _exchange(self, command: Sequence[Argument]) -> Any:
        """Send a command to the single server; close the connection unless its answer was read to the end."""
        # The present one: a connection in use during a close does not come back to the next stack.
        stack = self._stack
        try:
            connection = stack.pop()
        except IndexError:
            connection = blocking_connection(self._address, self._timeout)
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

    def _connect(self) -> Any:
        # Without the lock: a cluster's client asks servers.
        made = blocking_client(self._address, self._timeout)
        with self._lock:
            client = self._client = self._client or made
        if client is not made:
            made.close()
        return client

    async def _close_idle(self) -> None:
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


class LoopConnections(Connections):
    """The connections of one event loop; they close with that loop, and then hold nothing of it."""

    def __init__(self, address: Address, timeout: float) -> None:
        super().__init__(address, timeout)
        self._opened: _OpenedOnLoop | None = None

    async def _send(self, command: Sequence[Argument], lane: Lane) -> Any:
        opened = self._opened
        if opened is None:
            clients = async_clients(self._address, self._timeout)
            opened = self._opened = _OpenedOnLoop(clients, self._forget)
        async with asyncio.timeout(self._timeout * LOOP_TIMEOUT), opened.lanes[lane]:
            return await opened.client.execute_command(*command)

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
        self.lanes = _lanes(asyncio.Semaphore)
        self._clients = clients
        self._forget = forget
        self._loop_end = close_with_loop(self.aclose)

    async def aclose(self) -> None:
        self._forget(self)
        for client in self._clients:
            await client.aclose()


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


def _lanes(limited_by: Callable[[int], Limit]) -> dict[Lane, Limit]:
    """Return a semaphore for each lane."""
    return {lane: limited_by(limit) for lane, limit in CONNECTION_LIMITS.items()}
