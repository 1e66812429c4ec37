"""The store itself: opens the envelope, hands out operations, and closes what it has opened."""

import asyncio
import logging
import threading
import weakref
from collections.abc import Sequence

from monite_auth.errors import ConfigurationError, MoniteAuthError
from monite_auth.lifetimes import call_in_child
from monite_auth.stores.base import Operations
from monite_auth.stores.redis.address import Address
from monite_auth.stores.redis.health import check_version, say_what_could_be_lost
from monite_auth.stores.redis.links import AsyncLink, BlockingLink, Link
from monite_auth.stores.redis.operations import RedisOperations
from monite_auth.stores.redis.scripts import SCRIPTS
from monite_auth.stores.redis.vault import SHARDS, Keys, Vault
from monite_auth.stores.sealing import Envelope
from monite_auth.tokens import Clock, Secret, steady_clock

__all__ = ["RedisStore"]

log = logging.getLogger("monite_auth")


class RedisStore:
    """Keeps tokens in Redis 7 (or newer) or Valkey, for any number of hosts.

    `url`: `redis://user:password@host:6379/0`, or `rediss://` for TLS, with redis-py's options (`ssl_ca_certs` and
    so on) behind a `?`. `redis+sentinel://host:26379,host:26379/service/0` asks sentinels for the primary (their
    own login is `sentinel_username` and `sentinel_password`, as options); `redis+cluster://host:6379,host:6379` is
    a cluster, of which the hosts are some nodes; both also begin with `rediss`.
    `keys`: what seals tokens, the first one; the others open them as well.
    `session_memory`: for how many seconds an ended session is remembered.
    `requests_per_second`: Monite's limit.
    `prefix`: what all keys begin with, behind a `{`; stores with different prefixes can share a server.
    `timeout`: how many seconds an operation waits for Redis.
    `token_clock`: the clock of the times in tokens. Everything else counts by the server's.

    Nothing is asked of Redis before the first operation. That one raises ConfigurationError where the server is too
    old, refuses the user, or was sealed with none of the keys, and logs what the server could lose.
    """

    def __init__(
        self,
        url: Secret | str,
        *,
        keys: Sequence[Secret],
        session_memory: float = 14 * 24 * 3600,
        requests_per_second: float = 30,
        prefix: str = "monite",
        timeout: float = 1.0,
        token_clock: Clock = steady_clock,
    ) -> None:
        if not keys:
            raise ConfigurationError("The Redis store needs at least one key to seal tokens with.")
        if not prefix or set(prefix) & set("{}"):
            raise ConfigurationError("The prefix of the Redis store is a word without braces.")
        self._address = Address.parse(url.reveal() if isinstance(url, Secret) else url)
        self._timeout = timeout
        self._keys = Keys(prefix)
        self._opening = _Opening(Envelope(keys), self._keys, self._address, token_clock)
        # A script of a cluster reaches one slot, and so one shard; elsewhere one reaches them all.
        alone = self._address.kind == "cluster"
        groups = [range(n, n + 1) for n in range(SHARDS)] if alone else [range(SHARDS)]
        self._blocking, self._async = (
            RedisOperations(
                link,
                self._opening,
                self._keys,
                groups=groups,
                session_memory=session_memory,
                requests_per_second=requests_per_second,
                clock=token_clock,
            )
            for link in (self._thread_link, self._loop_link)
        )
        self._of_parents: list[object] = []
        self._start()
        call_in_child(self._start_in_child)

    def __repr__(self) -> str:
        return f"<RedisStore at {self._address.shown}>"

    def _start(self) -> None:
        self._lock = threading.Lock()
        self._link = BlockingLink(self._address, self._timeout)
        self._links: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, AsyncLink] = (
            weakref.WeakKeyDictionary()
        )

    def _start_in_child(self) -> None:
        # To let go of a parent's connections would close them there too, so they are kept, and never used.
        self._of_parents += [self._link, *self._links.items()]
        self._start()

    def of(self, account: str) -> "RedisStore":  # noqa: ARG002
        """See Store."""
        return self

    def operations(self, *, blocking: bool) -> Operations:
        """Return the operations for threads, or for whichever event loop is running."""
        return self._blocking if blocking else self._async

    def close(self) -> None:
        """Close the connections of threads; they are opened again when they are needed."""
        self._link.close()

    async def aclose(self) -> None:
        """Close the connections of the running event loop; they are opened again when they are needed."""
        with self._lock:
            link = self._links.get(asyncio.get_running_loop())
        if link is not None:
            await link.aclose()

    def _thread_link(self) -> Link:
        return self._link

    def _loop_link(self) -> Link:
        loop = asyncio.get_running_loop()
        link = self._links.get(loop)
        if link is None:
            with self._lock:
                link = self._links.setdefault(loop, AsyncLink(self._address, self._timeout))
        return link


class _Opening:
    """Opens the envelope of a store, and notices when Redis has lost it.

    A store that was emptied (FLUSHALL, or a primary that comes back without its data) has lost its data key, and
    the next process to look makes another. So that no two processes work with different ones, each shard says which
    is in force there, and every script checks that first. A mismatch sends its caller back to the envelope. Whoever
    has just looked into it notes in the shard what it found, so all agree in the end.
    """

    def __init__(self, envelope: Envelope, keys: Keys, address: Address, clock: Clock) -> None:
        self._envelope = envelope
        self._keys = keys
        self._where = address.shown
        self._clock = clock
        self._vault: Vault | None = None
        self._has_checked = False

    async def vault(self, link: Link) -> Vault:
        """See Opening."""
        if self._vault is None:
            await self._check(link)
            self._vault = await self._open(link)
        return self._vault

    async def adopt(self, link: Link, vault: Vault, shard: int) -> None:
        """See Opening."""
        found = await self._open(link)
        if found.id != vault.id and self._vault is vault:
            log.warning(
                "Redis at %s has lost the data of the token store, and it begins anew: tokens in it before will not be "
                "revoked, and sessions that had ended are unknown.",
                self._where,
            )
        self._vault = found
        await link.send("SET", self._keys.data_key(shard), found.id)

    async def _open(self, link: Link) -> Vault:
        seen: dict[str, bytes] = {}
        (offer,) = self._envelope.new().content.items()
        while True:
            pairs = [each for pair in seen.items() for each in pair]
            answer = await link.run(SCRIPTS["envelope"], [self._keys.envelope], [*offer, *pairs])
            seen = {name.decode(): wrapped for name, wrapped in zip(*[iter(answer)] * 2, strict=True)}
            opened = self._envelope.open(seen)
            if opened is None:
                raise ConfigurationError(
                    f"The token store in Redis at {self._where} was sealed with a key that is not here. Add the former "
                    "client secret or key to MONITE_STORE_KEYS; or choose another store_url to start anew: what was "
                    "still to be revoked in this one is then left to expire."
                )
            missing = {name: value for name, value in opened.content.items() if name not in seen}
            if len(missing) != 1:
                return Vault(opened.seal, self._clock)
            (offer,) = missing.items()

    async def _check(self, link: Link) -> None:
        """Look at the server once per process."""
        if self._has_checked:
            return
        answer: bytes = await link.run(SCRIPTS["info"], [self._keys.envelope], [])
        lines = (line.partition(":") for line in answer.decode(errors="replace").splitlines())
        info = {name: value for name, _, value in lines}
        check_version(info, self._where)
        appendfsync = await self._appendfsync(link) if info.get("aof_enabled") == "1" else ""
        if not self._has_checked:
            self._has_checked = True
            say_what_could_be_lost(info, appendfsync, self._where)

    async def _appendfsync(self, link: Link) -> str:
        """Return the setting, or nothing where the user may not ask, or there are many servers to ask."""
        try:
            settings = await link.send("CONFIG GET", "appendfsync")
        except MoniteAuthError:
            return ""
        match settings:
            case {"appendfsync": str(found)}:  # as redis-py's client has it
                return found
            case [_, bytes(found)]:  # as the server says it
                return found.decode()
        return ""
