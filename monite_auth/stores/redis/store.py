"""The store itself: opens the envelope, hands out operations, and closes what it has opened."""

import asyncio
import base64
import hashlib
import logging
import threading
import weakref
from collections.abc import Sequence
from copy import copy
from functools import partial

from monite_auth.configuration.discretion import discreet
from monite_auth.errors import ConfigurationError, MoniteAuthError
from monite_auth.processes.lifetimes import PerProcess, ProcessLock
from monite_auth.stores.protocol import Operations
from monite_auth.stores.redis.address import Address
from monite_auth.stores.redis.health import check_version, say_what_could_be_lost
from monite_auth.stores.redis.links import AsyncLink, BlockingLink, Link
from monite_auth.stores.redis.operations import RedisOperations
from monite_auth.stores.redis.scripts import SCRIPTS
from monite_auth.stores.redis.vault import NAME, SHARDS, STORE, Keys, Vault
from monite_auth.stores.sealing import NEW_PAIR, Envelope
from monite_auth.stores.sealing import Keys as SealingKeys
from monite_auth.tokens import Clock, Secret, steady_clock

__all__ = ["RedisStore"]

log = logging.getLogger("monite_auth")


class RedisStore:
    """Keeps tokens in Redis 7 (or newer) or Valkey, for any number of hosts.

    `url`: `redis://user:password@host:6379/0`, or `rediss://` for TLS, with redis-py's options (`ssl_ca_certs` and
    so on) behind a `?`. `redis+sentinel://host:26379,host:26379/service/0` asks sentinels for the primary (their
    own login is `sentinel_username` and `sentinel_password`, as options); `redis+cluster://host:6379,host:6379` is
    a cluster, of which the hosts are some nodes; both also begin with `rediss`.
    `keys`: what seals tokens, the first one; the others open them as well (`Settings.sealing_keys`). Or what returns them
    whenever the envelope is opened (`Settings.credentials` does).
    `session_memory`: for how many seconds an ended session is remembered.
    `requests_per_second`: Monite's limit.
    `prefix`: what all keys begin with, behind a `{`; stores with different prefixes can share a server.
    `timeout`: how many seconds an operation waits for Redis.
    `token_clock`: the clock of the times in tokens. Everything else counts by the server's.

    Nothing is asked of Redis before the first operation. That one raises ConfigurationError where the server is too
    old, refuses the user, or was sealed with none of the keys, and logs what the server could lose.
    """

    @discreet
    def __init__(
        self,
        url: Secret | str,
        *,
        keys: SealingKeys,
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
        self._envelope = Envelope(keys)
        self._prefix = prefix
        self._options = {"session_memory": session_memory, "requests_per_second": requests_per_second}
        self._clock = token_clock
        self._links: PerProcess[_Links] = PerProcess(partial(_Links, self._address, timeout))
        self._binding = ProcessLock()
        self._account: str | None = None
        self._others: dict[str, RedisStore] = {}

    def __repr__(self) -> str:
        return f"<RedisStore at {self._address.shown}>"

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
            self._account, links = account, self._links
            self._opening = _Opening(self._envelope, self._prefix, account, self._address, self._clock)
            # A script of a cluster reaches one slot, and so one shard; elsewhere one reaches them all.
            alone = self._address.kind == "cluster"
            groups = [range(n, n + 1) for n in range(SHARDS)] if alone else [range(SHARDS)]
            self._blocking, self._async = (
                RedisOperations(link, self._opening, groups=groups, clock=self._clock, **self._options)
                for link in (lambda: links().of_threads, lambda: links().of_loop())
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
            self._opening.reopen()

    def close(self) -> None:
        """Close the connections of threads; they are opened again when they are needed."""
        self._links().of_threads.close()

    async def aclose(self) -> None:
        """Close the connections of the running event loop; they are opened again when they are needed."""
        await self._links().aclose()


class _Links:
    """The connections of one process, which all accounts share: one link for threads, one for each event loop."""

    def __init__(self, address: Address, timeout: float) -> None:
        self.of_threads = BlockingLink(address, timeout)
        self._address = address
        self._timeout = timeout
        self._lock = threading.Lock()
        self._by_loop: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, AsyncLink] = (
            weakref.WeakKeyDictionary()
        )

    def of_loop(self) -> AsyncLink:
        loop = asyncio.get_running_loop()
        link = self._by_loop.get(loop)
        if link is None:
            with self._lock:
                link = self._by_loop.setdefault(loop, AsyncLink(self._address, self._timeout))
        return link

    async def aclose(self) -> None:
        with self._lock:
            link = self._by_loop.get(asyncio.get_running_loop())
        if link is not None:
            await link.aclose()


ASK_AGAIN = 60.0
"""Seconds after which the envelope is opened again: keys in files change while the process runs."""


class _Opening:
    """Opens the envelope of an account, and notices when another data key is in force, or Redis has lost it.

    Each shard bears a stamp, which says what it is sealed with, and every script checks that first. Where it is another one,
    the caller looks into the envelope again and notes in the shard what it found, so all agree in the end. That happens when a
    data key was renewed, and when a store was emptied (FLUSHALL, or a primary that comes back without its data): then the
    next process to look makes another envelope.
    """

    def __init__(self, envelope: Envelope, prefix: str, account: str, address: Address, clock: Clock) -> None:
        self._envelope = envelope
        self._account = base64.urlsafe_b64encode(hashlib.sha256(account.encode()).digest()).decode()[:NAME]
        self._prefix = prefix
        self._first = Keys(prefix)  # of what is there from before there were accounts
        self._own = Keys(f"{prefix}:{self._account}")
        self._where = address.shown
        self._clock = clock
        self._vault: Vault | None = None
        self._opened_at = 0.0
        self._has_checked = False
        self._has_warned = False

    async def vault(self, link: Link) -> Vault:
        """See Opening."""
        vault = self._vault
        if vault is not None and abs(self._clock() - self._opened_at) < ASK_AGAIN:
            return vault
        self._opened_at = self._clock()  # at once: one asks for all
        await self._check(link)
        found = await self._open(link)
        if vault is not None and found.id == vault.id:
            return vault  # which remembers what it has opened
        self._use(found, vault)
        return found

    def reopen(self) -> None:
        """Have the envelope opened again by the next operation."""
        self._vault = None

    async def adopt(self, link: Link, vault: Vault, shard: int) -> None:
        """See Opening."""
        found = await self._open(link)
        self._use(found, vault)
        await link.send("SET", found.keys.data_key(shard), found.id)

    def _use(self, found: Vault, before: Vault | None) -> None:
        if before is not None and found.id[:STORE] != before.id[:STORE] and self._vault is before:
            log.warning(
                "Redis at %s has lost the data of the token store, and it begins anew: tokens in it before will not be "
                "revoked, and sessions that had ended are unknown.",
                self._where,
            )
        self._vault = found

    async def _open(self, link: Link) -> Vault:
        keys = self._first if await self._has_the_first(link) else self._own
        seen: dict[str, bytes] = {}
        offer = self._envelope.new().content
        while True:
            pairs = [each for content in (seen, offer) for pair in content.items() for each in pair]
            was_empty = not seen
            seen = _content(await link.run(SCRIPTS["envelope"], [keys.envelope], [len(seen), *pairs]))
            if was_empty and seen == offer:
                await self._warn_of_another_pair(link)
            opened = self._envelope.open(seen)
            if opened is None:
                raise ConfigurationError(
                    f"What this account has in the token store in Redis at {self._where} was sealed with a key that is not "
                    "here. Add the former client secret or key to MONITE_STORE_KEYS; or choose another store_url to start "
                    "anew: what was still to be revoked in this one is then left to expire."
                )
            if opened.content == seen:
                return Vault(opened.seal, self._clock, keys)
            offer = opened.content

    async def _has_the_first(self, link: Link) -> bool:
        """Say whether this account has what is there from before there were accounts; who opens it first, has it."""
        keys = [self._first.envelope, self._first.owner, self._first.accounts]
        owner, pairs, _ = await link.run(SCRIPTS["account"], keys, ["", ""])
        content = _content(pairs)
        if owner is None and content:
            if self._envelope.open(content) is not None:
                owner, *_ = await link.run(SCRIPTS["account"], keys, [self._account, ""])
            elif not self._has_warned:
                self._has_warned = True
                log.warning(
                    "The token store in Redis at %s has tokens from before it knew accounts, sealed with a key that is not "
                    "here. They are left to the account that they belong to. If it is this one, add the former client secret "
                    "or key to MONITE_STORE_KEYS.",
                    self._where,
                )
        return bool(owner == self._account.encode())

    async def _warn_of_another_pair(self, link: Link) -> None:
        """Say so where this account is new, and its keys open another one's: it may be the same, under a new pair."""
        keys = [self._first.envelope, self._first.owner, self._first.accounts]
        _, first, accounts = await link.run(SCRIPTS["account"], keys, ["", self._account])
        contents = [_content(first)]
        for account in accounts:
            if account.decode() != self._account:
                envelope = Keys(f"{self._prefix}:{account.decode()}").envelope
                # Seen are -1, which no envelope has: it is only read.
                contents.append(_content(await link.run(SCRIPTS["envelope"], [envelope], [-1])))
        if any(self._envelope.open(content) is not None for content in contents):
            log.warning(NEW_PAIR)

    async def _check(self, link: Link) -> None:
        """Look at the server once per process."""
        if self._has_checked:
            return
        answer: bytes = await link.run(SCRIPTS["info"], [self._own.envelope], [])
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


def _content(pairs: Sequence[bytes]) -> dict[str, bytes]:
    """Return an envelope as Redis gives it."""
    return {name.decode(): value for name, value in zip(*[iter(pairs)] * 2, strict=True)}
