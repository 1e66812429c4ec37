"""Connections to Redis, for threads and for event loops: clients, their patience, and what their failures mean.

A link sends a command and returns the answer. What goes wrong comes out as an error of ours, in words, without the
client's exception behind it and without a password in it.

*Patience.* A server that hangs costs a caller the timeout, once. redis-py's own retries are off: they would multiply
it. What is tried again, once and only here, is a command whose connection broke at once, as an idle one does that
a restart or failover has cut. The command may have been carried out all the same; every script can bear that, as
`operations` says for each.
"""

import asyncio
import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import redis
import redis.asyncio
import redis.asyncio.cluster
import redis.asyncio.retry
import redis.asyncio.sentinel
import redis.backoff
import redis.cluster
import redis.exceptions
import redis.retry
import redis.sentinel

from monite_auth.engine.semaphore import Semaphore
from monite_auth.errors import ConfigurationError, MoniteAuthError, StoreUnavailable
from monite_auth.processes.lifetimes import close_with_loop
from monite_auth.stores.redis.address import Address
from monite_auth.stores.redis.scripts import SCRIPTS, Script

__all__ = ["Argument", "AsyncLink", "BlockingLink", "Link"]

Argument = str | bytes | int | float
Room = TypeVar("Room")

FAILURES = (redis.RedisError, redis.exceptions.RedisClusterException, OSError, TimeoutError)
"""What redis-py raises; errors of clusters are a family of their own."""

REFUSED = (redis.AuthenticationError, redis.exceptions.AuthorizationError, redis.exceptions.NoPermissionError)

NOT_LOST = (*REFUSED, redis.exceptions.MaxConnectionsError, redis.BusyLoadingError)
"""Connection errors, as redis-py sorts them, that another connection would not mend."""

LOOKS, OTHERS = 4, 8
"""Connections of one event loop, and of all threads together, for looks at tokens, and for all else: a crowd that looks
must not hold up the mint that it waits for, nor a logout. To open one takes as long as ten commands, so a crowd had better
wait; and with more of them, threads wait for each other inside the interpreter."""

PEEK = SCRIPTS["peek"]

SHARE_OF_SENTINEL = 0.3
"""Of the timeout, for each sentinel: one that hangs leaves time to ask the next."""


class Link(ABC):
    """How scripts reach Redis; also what the two forms share."""

    def __init__(self, address: Address, timeout: float) -> None:
        self._address = address
        self._timeout = timeout
        self._has_worked = False

    @abstractmethod
    async def _send(self, command: Sequence[Argument], *, looks: bool) -> Any:
        """Send one command and return the answer; `looks`: on the connections for looks at tokens."""

    @abstractmethod
    async def _drop(self) -> None:
        """Close idle connections: they lead to a server that is not the one to ask any more."""

    async def run(self, script: Script, keys: Sequence[str], arguments: Sequence[Argument]) -> Any:
        """Run a script; where the server does not know it (any more), show it to the server."""
        try:
            return await self.send("EVALSHA", script.sha, len(keys), *keys, *arguments, looks=script is PEEK)
        except _Unknown:
            pass
        return await self.send("EVAL", script.source, len(keys), *keys, *arguments)

    async def send(self, *command: Argument, looks: bool = False) -> Any:
        """Send a command; try again, once, when a connection breaks at once."""
        started = time.monotonic()
        error = None
        for last in (False, True):
            try:
                answer = await self._send(command, looks=looks)
            except redis.exceptions.NoScriptError:
                raise _Unknown from None
            except FAILURES as failure:
                error = failure
                if last or not _lost(failure) or time.monotonic() - started > self._timeout / 2:
                    break
                with suppress(*FAILURES):
                    await self._drop()
            else:
                self._has_worked = True
                return answer
        raise self._explain(error)

    def _explain(self, error: BaseException | None) -> MoniteAuthError:
        """Return our error for one of redis-py's."""
        where = f"Redis at {self._address.shown}"
        said = str(error)
        for secret in self._address.secrets:
            said = said.replace(secret, "***")
        if isinstance(error, REFUSED):
            message = (
                f"{where} refuses this user ({said}). Check user name and password in MONITE_STORE_URL, and the "
                "user's rights; those that are needed stand in monite_auth/stores/redis/__init__.py."
            )
            return StoreUnavailable(message) if self._has_worked else ConfigurationError(message)
        if "rror compiling script" in said:
            return ConfigurationError(f"{where} is too old: the store needs Redis 7.0, or Valkey.")
        if isinstance(error, redis.TimeoutError | TimeoutError):
            return StoreUnavailable(f"{where} did not answer within {self._timeout:g} s.")
        if isinstance(error, redis.ResponseError):
            return StoreUnavailable(f"{where} refuses to work: {said}")
        return StoreUnavailable(f"{where} cannot be reached: {said or type(error).__name__}.")


class _Unknown(Exception):
    """The server does not know the script by its name."""


def _lost(error: BaseException) -> bool:
    """Say whether another connection may do better: this one broke, or led to what is a replica by now."""
    if isinstance(error, redis.exceptions.ReadOnlyError):
        return True
    return isinstance(error, redis.ConnectionError | OSError) and not isinstance(
        error, (*NOT_LOST, TimeoutError)
    )


class BlockingLink(Link):
    """A link for threads; they share its connections.

    To a single server it has connections of its own, on a stack: to take one is a single atomic step. redis-py's
    client and its pool take longer than all the rest of a look, but know the way where there is more than one server.
    """

    def __init__(self, address: Address, timeout: float) -> None:
        super().__init__(address, timeout)
        self._idle: deque[Any] = deque()
        self._client: Any = None
        self._lock = threading.Lock()
        self._rooms = _rooms(Semaphore)

    async def _send(self, command: Sequence[Argument], *, looks: bool) -> Any:
        room = self._rooms[looks]
        if not room.acquire(timeout=self._timeout):
            raise redis.TimeoutError("No connection came free")
        try:
            if self._address.kind == "single":
                return self._exchange(command)
            return (self._client or self._connect()).execute_command(*command)
        finally:
            room.release()

    def _exchange(self, command: Sequence[Argument]) -> Any:
        """Send a command to the single server; a connection that has not come to the end of its answer is closed."""
        idle = self._idle  # of now: what is in use when it is closed does not come back to the next
        try:
            connection = idle.pop()
        except IndexError:
            connection = _blocking_connection(self._address, self._timeout)
        try:
            connection.send_command(*command)
            answer = connection.read_response()
        except redis.ResponseError:
            idle.append(connection)
            raise
        except BaseException:
            connection.disconnect()
            raise
        idle.append(connection)
        return answer

    def _connect(self) -> Any:
        made = _blocking_client(self._address, self._timeout)  # a cluster's asks servers: no lock meanwhile
        with self._lock:
            client = self._client = self._client or made
        if client is not made:
            made.close()
        return client

    async def _drop(self) -> None:
        self._close_idle()
        pool = getattr(self._client, "connection_pool", None)  # a cluster's client sees to it itself
        if pool is not None:
            pool.disconnect(inuse_connections=False)

    def close(self) -> None:
        """Close the connections; they are opened again when they are needed."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()
        self._close_idle()

    def _close_idle(self) -> None:
        idle, self._idle = self._idle, deque()
        with suppress(IndexError):  # no loop over it: threads that hold it may still take and put back
            while True:
                idle.pop().disconnect()


class AsyncLink(Link):
    """A link for the event loop that is running; it closes with that loop, and then holds nothing of it."""

    def __init__(self, address: Address, timeout: float) -> None:
        super().__init__(address, timeout)
        self._open: _Open | None = None

    async def _send(self, command: Sequence[Argument], *, looks: bool) -> Any:
        opened = self._open
        if opened is None:
            client, *others = _async_client(self._address, self._timeout)
            opened = self._open = _Open(client, others, self._forget)
        # A little more than the timeout of a connection, which is to strike first: redis-py learns from it.
        async with asyncio.timeout(self._timeout * 1.1), opened.rooms[looks]:
            return await opened.client.execute_command(*command)

    async def _drop(self) -> None:
        pool = getattr(self._open.client, "connection_pool", None) if self._open is not None else None
        if pool is not None:
            await pool.disconnect(inuse_connections=False)

    def _forget(self, opened: "_Open") -> None:
        if self._open is opened:
            self._open = None

    async def aclose(self) -> None:
        """Close the connections; they are opened again when they are needed."""
        if self._open is not None:
            await self._open.aclose()


class _Open:
    """What an AsyncLink has open on its loop; `forget` is called when it closes."""

    def __init__(self, client: Any, others: Sequence[Any], forget: Callable[["_Open"], None]) -> None:
        self.client = client
        self.rooms = _rooms(asyncio.Semaphore)
        self._others = others
        self._forget = forget
        self._loop_end = close_with_loop(self.aclose)

    async def aclose(self) -> None:
        self._forget(self)
        for each in (self.client, *self._others):
            await each.aclose()


def _rooms(semaphore: Callable[[int], Room]) -> dict[bool, Room]:
    """Return what counts the connections in use: those for looks, and the others."""
    return {True: semaphore(LOOKS), False: semaphore(OTHERS)}


# -- clients; redis-py gives these no types, or none that help

_nodes: Any = redis.cluster.ClusterNode
_async_nodes: Any = redis.asyncio.cluster.ClusterNode
_sentinels: Any = redis.sentinel.Sentinel
_async_sentinels: Any = redis.asyncio.sentinel.Sentinel
_connections: Any = redis.Connection, redis.SSLConnection
_async_connections: Any = redis.asyncio.Connection, redis.asyncio.SSLConnection


class _SentinelConnection(redis.sentinel.SentinelManagedConnection):
    """A connection that is never reused after an answer was given up: the next caller would get that answer."""

    def read_response(self, *args: Any, **options: Any) -> Any:
        return super().read_response(*args, **{**options, "disconnect_on_error": True})


class _SecureSentinelConnection(_SentinelConnection, redis.sentinel.SentinelManagedSSLConnection):
    pass


def _options(address: Address, timeout: float, retry: Any) -> dict[str, Any]:
    return {
        **address.options,
        "socket_timeout": timeout,
        "socket_connect_timeout": timeout,
        "socket_keepalive": True,
        "protocol": 2,
        "retry": retry,
    }


def _single_options(address: Address, timeout: float, retry: Any) -> dict[str, Any]:
    return {
        **_options(address, timeout, retry),
        "db": address.database,
    }


def _sentinel_options(address: Address, timeout: float, retry: Any) -> dict[str, Any]:
    share = timeout * SHARE_OF_SENTINEL
    return {
        **address.sentinel_options,
        "socket_timeout": share,
        "socket_connect_timeout": share,
        "protocol": 2,
        "retry": retry,
        "ssl": address.secure,
    }


def _cluster_options(address: Address, timeout: float, retry: Any) -> dict[str, Any]:
    return {
        **_options(address, timeout, retry),
        "ssl": address.secure,
        "require_full_coverage": False,  # users of the part that works go on
        "reinitialize_steps": 0,  # a moved slot is noted by itself; to begin anew would cut off others' commands
    }


def _blocking_connection(address: Address, timeout: float) -> Any:
    """Return a connection to a single server; it connects with its first command."""
    retry = redis.retry.Retry(redis.backoff.NoBackoff(), 0)
    (host, port), *_ = address.hosts
    made_by = _connections[address.secure]
    return made_by(host=host, port=port, **_single_options(address, timeout, retry))


def _blocking_client(address: Address, timeout: float) -> Any:
    """Return a client for more than one server."""
    retry = redis.retry.Retry(redis.backoff.NoBackoff(), 0)
    if address.kind == "cluster":
        nodes = [_nodes(*host) for host in address.hosts]
        return redis.RedisCluster(startup_nodes=nodes, **_cluster_options(address, timeout, retry))
    asked = _sentinel_options(address, timeout, retry)
    sentinel = _sentinels(address.hosts, sentinel_kwargs=asked, **_single_options(address, timeout, retry))
    made_by: Any = _SecureSentinelConnection if address.secure else _SentinelConnection
    return sentinel.master_for(address.service, connection_class=made_by)


def _async_client(address: Address, timeout: float) -> tuple[Any, ...]:
    """Return a client, and behind it those of sentinels, which want to be closed too."""
    retry = redis.asyncio.retry.Retry(redis.backoff.NoBackoff(), 0)
    if address.kind == "cluster":
        nodes = [_async_nodes(*host) for host in address.hosts]
        client = redis.asyncio.RedisCluster(startup_nodes=nodes, **_cluster_options(address, timeout, retry))
        return (client,)
    options = _single_options(address, timeout, retry)
    if address.kind == "sentinel":
        asked = _sentinel_options(address, timeout, retry)
        sentinel = _async_sentinels(address.hosts, sentinel_kwargs=asked, **options)
        return sentinel.master_for(address.service, ssl=address.secure), *sentinel.sentinels
    (host, port), *_ = address.hosts
    made_by = _async_connections[address.secure]
    pool = redis.asyncio.ConnectionPool(connection_class=made_by, host=host, port=port, **options)
    return (redis.asyncio.Redis.from_pool(pool),)
