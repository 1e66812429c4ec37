"""RedisStore: parses its address, hands out operations for each account, and closes the connections that it has opened."""

import time
from copy import copy
from functools import partial

from monite_auth.configuration.discretion import discreet
from monite_auth.errors import ConfigurationError
from monite_auth.processes.lifetimes import PerProcess, ProcessLock
from monite_auth.settings import Settings
from monite_auth.stores.dates import WallClock
from monite_auth.stores.protocol import Operations
from monite_auth.stores.redis.address import Address
from monite_auth.stores.redis.keys import AccountKeys
from monite_auth.stores.redis.keyspace import SHARDS
from monite_auth.stores.redis.operations import RedisOperations
from monite_auth.stores.redis.process_connections import ProcessConnections
from monite_auth.stores.sealing import Envelope, Keys
from monite_auth.stores.server_clock import ServerClock
from monite_auth.tokens import Clock, Secret, steady_clock

__all__ = ["RedisStore"]


class RedisStore:
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

    is_shared = True

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
        if not keys:
            raise ConfigurationError("RedisStore needs a key to seal with: pass keys=settings.sealing_keys.")
        if not prefix or set(prefix) & set("{}"):
            raise ConfigurationError("The prefix of RedisStore is a word without braces.")
        self._address = Address.parse(url.reveal() if isinstance(url, Secret) else url)
        self._envelope = Envelope(keys)
        self._prefix = prefix
        self._options = {"session_memory": session_memory, "requests_per_second": requests_per_second}
        self._clock = token_clock
        self._wall_clock = WallClock(clock or time.time, token_clock)
        self._connections = PerProcess(partial(ProcessConnections, self._address, timeout))
        self._binding = ProcessLock()
        self._account: str | None = None
        self._others: dict[str, RedisStore] = {}

    def __repr__(self) -> str:
        return f"<RedisStore at {self._address.shown}>"

    @classmethod
    @discreet
    def from_settings(cls, settings: Settings, clock: Clock) -> "RedisStore":
        """Return the store of a `redis://` URL, or of one of its kin."""
        return cls(
            settings.store_url,
            keys=settings.credentials,
            session_memory=settings.session_memory,
            requests_per_second=settings.requests_per_second,
            token_clock=clock,
        )

    def of(self, account: str) -> "RedisStore":
        """See Store."""
        with self._binding:
            if self._account in (None, account):
                return self._bind(account)
            if account not in self._others:
                self._others[account] = copy(self)._bind(account)  # noqa: SLF001 - ours
            return self._others[account]

    def _bind(self, account: str) -> "RedisStore":
        if self._account != account:
            self._account, connections = account, self._connections
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
        return self

    def operations(self, *, blocking: bool) -> Operations:
        """Return the operations for threads, or for whichever event loop is running."""
        if self._account is None:
            with self._binding:
                self._bind("")
        return self._blocking if blocking else self._async

    def reopen(self) -> None:
        """See Store."""
        if self._account is not None:
            self._keys.reopen()

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
