"""How redis-py's clients are made for each topology: a single server, one behind sentinels, or a cluster.

redis-py's own retries are off everywhere: they would multiply the timeout. `connections` says what is tried again. Its timeouts
are off on event loops, since they count time in which the loop was blocked; but for sentinels, of which the next is to be asked.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import redis
import redis.asyncio
import redis.asyncio.cluster
import redis.asyncio.retry
import redis.asyncio.sentinel
import redis.backoff
import redis.cluster
import redis.retry
import redis.sentinel

from monite_auth.processes.names import lookup
from monite_auth.stores.redis.address import Address

__all__ = ["async_clients", "blocking_client", "blocking_connection"]

SENTINEL_SHARE = 0.3
"""The share of the timeout that each sentinel may take: if one hangs, there is time left to ask the next."""

# redis-py gives these no types, or types that do not fit how they are called.
_connections: Any = redis.Connection, redis.SSLConnection
_nodes: Any = redis.cluster.ClusterNode
_async_nodes: Any = redis.asyncio.cluster.ClusterNode
_sentinels: Any = redis.sentinel.Sentinel
_async_sentinels: Any = redis.asyncio.sentinel.Sentinel


class _Cluster(redis.RedisCluster):
    """A client that does not ask a node which commands there are: that one may hang, and scripts name their keys."""

    def command(self, *_: Any, **__: Any) -> Any:
        """Return no commands."""
        return {}


class _NoCommands(redis._parsers.AsyncCommandsParser):  # noqa: SLF001 - it has no other name
    """What _Cluster does, for a client of an event loop."""

    async def initialize(self, node: Any = None) -> None:
        """Learn no commands."""


class _SentinelConnection(redis.sentinel.SentinelManagedConnection):
    """A connection that is closed when its answer is given up: the next caller would read that answer."""

    def read_response(self, *args: Any, **options: Any) -> Any:
        return super().read_response(*args, **{**options, "disconnect_on_error": True})


class _SecureSentinelConnection(_SentinelConnection, redis.sentinel.SentinelManagedSSLConnection):
    pass


class _AsyncConnection(redis.asyncio.Connection):
    """A connection of an event loop that resolves its host's name in threads of ours.

    asyncio does it in the loop's own. The application may have taken all of them, and a loop that ends waits for each of them.
    """

    _resolved = ""

    async def _connect(self) -> None:
        *first, last = await asyncio.wrap_future(lookup(self.host))
        for self._resolved in first:
            with suppress(OSError):
                await super()._connect()  # type: ignore[no-untyped-call]  # redis-py gives it no types
                return
        self._resolved = last
        await super()._connect()  # type: ignore[no-untyped-call]

    def _connection_arguments(self) -> Mapping[str, Any]:
        arguments = {**super()._connection_arguments(), "host": self._resolved}
        return {**arguments, "server_hostname": self.host} if "ssl" in arguments else arguments


class _SecureAsyncConnection(_AsyncConnection, redis.asyncio.SSLConnection):
    pass


class _AsyncSentinelConnection(_AsyncConnection, redis.asyncio.sentinel.SentinelManagedConnection):
    pass


class _SecureAsyncSentinelConnection(_AsyncConnection, redis.asyncio.sentinel.SentinelManagedSSLConnection):
    pass


def blocking_connection(address: Address, timeout: float) -> Any:
    """Return a connection to a single server; it connects with its first command."""
    (host, port), *_ = address.hosts
    made_by = _connections[address.secure]
    return made_by(host=host, port=port, **_server_options(address, timeout, _no_retry()))


def blocking_client(address: Address, timeout: float) -> Any:
    """Return a client for threads, for more than one server. One of a cluster asks its hosts, one after the other, who the nodes are."""
    retry = _no_retry()
    if address.kind == "cluster":
        nodes = [_nodes(*host) for host in address.hosts]
        return _Cluster(startup_nodes=nodes, **_cluster_options(address, timeout, retry))
    asked = _sentinel_options(address, timeout, retry)
    sentinel = _sentinels(address.hosts, sentinel_kwargs=asked, **_server_options(address, timeout, retry))
    made_by: Any = _SecureSentinelConnection if address.secure else _SentinelConnection
    return sentinel.master_for(address.service, connection_class=made_by)


def async_clients(address: Address, timeout: float) -> tuple[Any, ...]:
    """Return a client for an event loop, and behind it the clients of its sentinels, which have to be closed too.

    `timeout`: the seconds for all that is asked of sentinels. For the servers, whoever sends a command keeps the time.
    """
    retry = redis.asyncio.retry.Retry(redis.backoff.NoBackoff(), 0)
    made_by: Any = _SecureAsyncConnection if address.secure else _AsyncConnection
    if address.kind == "cluster":
        nodes = [_async_nodes(*host) for host in address.hosts]
        client = redis.asyncio.RedisCluster(startup_nodes=nodes, **_cluster_options(address, None, retry))
        # It takes no class of connections, and hands these to every node that it finds.
        client.nodes_manager.connection_kwargs["connection_class"] = made_by
        for node in client.nodes_manager.startup_nodes.values():
            node.connection_class = made_by
        client.commands_parser = _NoCommands()
        return (client,)
    options = _server_options(address, None, retry)
    if address.kind == "sentinel":
        asked = _sentinel_options(address, timeout, retry)
        sentinel = _async_sentinels(address.hosts, sentinel_kwargs=asked, **options)
        for each in sentinel.sentinels:
            each.connection_pool.connection_class = made_by
        of_primary: Any = _SecureAsyncSentinelConnection if address.secure else _AsyncSentinelConnection
        return sentinel.master_for(address.service, connection_class=of_primary), *sentinel.sentinels
    (host, port), *_ = address.hosts
    pool = redis.asyncio.ConnectionPool(connection_class=made_by, host=host, port=port, **options)
    return (redis.asyncio.Redis.from_pool(pool),)


def _no_retry() -> Any:
    return redis.retry.Retry(redis.backoff.NoBackoff(), 0)


def _options(address: Address, timeout: float | None, retry: Any) -> dict[str, Any]:
    return {
        **address.options,
        "socket_timeout": timeout,
        "socket_connect_timeout": timeout,
        "socket_keepalive": True,
        "protocol": 2,
        "retry": retry,
    }


def _server_options(address: Address, timeout: float | None, retry: Any) -> dict[str, Any]:
    return {**_options(address, timeout, retry), "db": address.database}


def _sentinel_options(address: Address, timeout: float, retry: Any) -> dict[str, Any]:
    share = timeout * SENTINEL_SHARE
    return {
        **address.sentinel_options,
        "socket_timeout": share,
        "socket_connect_timeout": share,
        "protocol": 2,
        "retry": retry,
        "ssl": address.secure,
    }


def _cluster_options(address: Address, timeout: float | None, retry: Any) -> dict[str, Any]:
    return {
        **_options(address, timeout, retry),
        "ssl": address.secure,
        "require_full_coverage": False,  # users of the part that works go on
        "reinitialize_steps": 0,  # a moved slot is noted by itself; a whole new start would cut off commands of others
    }
