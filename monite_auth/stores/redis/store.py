"""RedisStore: parses its address, hands out operations for each account, and closes the connections that it has opened."""

from functools import partial

from monite_auth.configuration.discretion import discreet
from monite_auth.errors import ConfigurationError
from monite_auth.processes.lifetimes import PerProcess
from monite_auth.stores.redis.address import Address
from monite_auth.stores.redis.keys import AccountKeys
from monite_auth.stores.redis.keyspace import SHARDS
from monite_auth.stores.redis.operations import RedisOperations
from monite_auth.stores.redis.process_connections import ProcessConnections
from monite_auth.stores.sealing import Keys
from monite_auth.stores.server_clock import ServerClock
from monite_auth.stores.server_store import ServerStore
from monite_auth.tokens import Clock, Secret, steady_clock

__all__ = ["RedisStore"]


class RedisStore(ServerStore):
    """Keeps tokens in Redis 7 (or newer) or Valkey, for any number of hosts.

    `url`: `redis://user:password@host:6379/0`, or `rediss://` for TLS, with redis-py's options (`ssl_ca_certs` and
    so on) behind a `?`. `redis+sentinel://host:26379,host:26379/service/0` asks sentinels for the primary (their
    own login is `sentinel_username` and `sentinel_password`, as options); `redis+cluster://host:6379,host:6379` is
    a cluster, of which the hosts are some nodes; both also begin with `rediss`.
    `keys`: the first seals tokens, all open them (`Settings.sealing_keys`); or a source of keys that is asked whenever the
    envelope is opened (`Settings.credentials`).
    `session_memory`: for how many seconds an ended session is remembered.
    `requests_per_second`: Monite's limit.
    `prefix`: the beginning of all keys, behind a `{`; stores with different prefixes can share a server.
    `timeout`: how many seconds an operation waits for Redis.
    `clock`: this host's wall clock, which dates logins; the machine's if None.
    `token_clock`: the clock of the times in tokens. Everything else counts by the server's.

    Nothing is asked of Redis before the first operation, which also logs how the server could lose data.

    Raises: StoreUnavailable from operations, when Redis cannot be reached or does not answer in time; ConfigurationError
    when the server is too old, refuses the user, or none of the keys opens what the account has there.
    """

    _address: Address
    _keys: AccountKeys

    @discreet
    def __init__(
        self,
        url: Secret | str,
        *,
        keys: Keys,
        session_memory: float = 14 * 24 * 3600,
        requests_per_second: float = 30,
        prefix: str = "monite",
        timeout: float = 1.0,
        clock: Clock | None = None,
        token_clock: Clock = steady_clock,
    ) -> None:
        super().__init__(
            url,
            keys=keys,
            session_memory=session_memory,
            requests_per_second=requests_per_second,
            clock=clock,
            token_clock=token_clock,
        )
        if not prefix or set(prefix) & set("{}"):
            raise ConfigurationError("The prefix of RedisStore is a word without braces.")
        self._prefix = prefix
        self._connections = PerProcess(partial(ProcessConnections, self._address, timeout))

    _parse = staticmethod(Address.parse)

    def _serve(self, account: str) -> None:
        connections = self._connections
        self._keys = AccountKeys(self._envelope, self._prefix, account, self._address, self._clock)
        # A script of a cluster reaches one slot, and so one shard; elsewhere one reaches them all.
        alone = self._address.kind == "cluster"
        groups = [range(n, n + 1) for n in range(SHARDS)] if alone else [range(SHARDS)]
        server_clocks = {group: ServerClock(self._clock) for group in groups}
        self._blocking, self._async = (
            RedisOperations(
                which,
                self._keys,
                groups=groups,
                clock=self._clock,
                wall_clock=self._wall_clock,
                server_clocks=server_clocks,
                **self._options,
            )
            for which in (lambda: connections().of_threads, lambda: connections().of_loop())
        )

    def take_names(self, names_key: Secret) -> None:
        """Have the store name users and sessions with this key of another store's, from the next operation on."""
        self._envelope.take_names(names_key)
        if self._account is not None:
            self._keys.forget()

    def close(self) -> None:
        """Close the connections of threads; they are opened again when they are needed."""
        self._connections().of_threads.close()

    async def aclose(self) -> None:
        """Close the connections of the running event loop; they are opened again when they are needed."""
        await self._connections().aclose()
