"""The keys of one account in Redis: opens its envelope, and notices when another data key is in force.

Each shard bears a stamp, which names the store and the data key that the shard is sealed with. Every script checks it first.
Where it is another one, the caller opens the envelope again and notes in the shard what it found, so that all agree in the end.
That happens when a data key was renewed, and when a store was emptied (FLUSHALL, or a primary that comes back without its
data): then the next process to ask makes another envelope.

Beside its stamp each shard has a copy of the envelope. Where the envelope cannot be read, as when its node of a cluster is down, a
process that starts opens the first copy that is in force in its shard. It then has what others have that opened the envelope before,
and no more: a copy from before a renewal is of no use in a shard that has heard of it. The younger envelope has the older data key in it.
"""

import base64
import hashlib
import logging
from collections.abc import Sequence
from typing import Any

from monite_auth.errors import MoniteAuthError, StoreUnavailable
from monite_auth.stores.redis.address import Address
from monite_auth.stores.redis.connections import Argument, Connections
from monite_auth.stores.redis.errors import record_of
from monite_auth.stores.redis.health import check_version, warn_about_durability
from monite_auth.stores.redis.keyspace import NAME, SHARDS, Keyspace
from monite_auth.stores.redis.records import STORE, RedisVault, content_of
from monite_auth.stores.redis.scripts import SCRIPTS
from monite_auth.stores.sealing import NEW_PAIR, REOPEN_INTERVAL, Envelope, no_key_opens
from monite_auth.tokens import Clock

__all__ = ["AccountKeys"]

log = logging.getLogger("monite_auth")


class AccountKeys:
    """Opens the envelope of one account. `envelope`: our keys. `clock` counts the seconds until it is opened again."""

    def __init__(self, envelope: Envelope, prefix: str, account: str, address: Address, clock: Clock) -> None:
        self._envelope = envelope
        self._account = base64.urlsafe_b64encode(hashlib.sha256(account.encode()).digest()).decode()[:NAME]
        self._prefix = prefix
        self._first = Keyspace(prefix)  # of what is there from before there were accounts
        self._own = Keyspace(f"{prefix}:{self._account}")
        self._where = address.shown
        self._clock = clock
        self._vault: RedisVault | None = None
        self._key_changes = 0
        self._opened_after = 0
        """How often the keys had changed before the envelope was opened last."""
        self._opened_at = 0.0
        self._failure: StoreUnavailable | None = None
        """Why the envelope could not be opened the last time that nobody had opened it yet."""
        self._has_checked = False
        self._has_warned = False

    async def vault(self, connections: Connections) -> RedisVault:
        """Return the vault; open the envelope where that has not been done yet, or not for a while."""
        if self._is_open:
            return await self._present(connections)
        failure = self._failure
        async with connections.one_at_a_time():  # many may come at first, and it takes several round trips
            last = self._failure
            if last is not None and last is not failure and not self._is_open:
                raise _again(last)
            try:
                return await self._present(connections)
            except StoreUnavailable as error:
                self._failure = error
                raise

    async def _present(self, connections: Connections) -> RedisVault:
        vault = self._vault
        key_changes = self._key_changes  # before the keys are asked for: they may change meanwhile
        if (
            vault is not None
            and key_changes == self._opened_after
            and abs(self._clock() - self._opened_at) < REOPEN_INTERVAL
        ):
            return vault
        self._opened_at = self._clock()  # at once, so that one caller opens it for all
        try:
            await self._check(connections)
            found = await self._open(connections)
        except StoreUnavailable as error:  # the node of the envelope may be down, and this user's not
            if error.part is None:
                raise
            copy = vault or await self._open_copy(connections)
            if copy is None:
                raise
            return self._use(copy, vault)
        self._opened_after = key_changes
        return self._use(found, vault)

    @property
    def _is_open(self) -> bool:
        return self._vault is not None

    def reopen(self) -> None:
        """Have the envelope opened again by the next operation."""
        self._key_changes += 1

    def forget(self) -> None:
        """Open the envelope as if for the first time: it is to have other names, and nothing was lost by that."""
        self._vault = None
        self._key_changes += 1

    async def adopt(self, connections: Connections, vault: RedisVault, shard: int) -> None:
        """Have this process, with `vault`, and a shard agree which data key is in force.

        The envelope says so. If it cannot be read, the younger of theirs counts.
        """
        failure: StoreUnavailable | None = None
        try:
            found = await self._open(connections)
        except StoreUnavailable as error:
            if error.part is None:
                raise
            found, failure = vault, error
        keys = found.keyspace.stamped(shard)
        stamp, copy = await connections.run(SCRIPTS["adopt"], keys, [])
        copied = self._opened_copy(found.keyspace, stamp, copy)
        if copied is not None and found.stamp.encode() in copied.known:
            found = copied
        elif failure is not None and stamp is not None and stamp not in found.known:
            raise failure
        self._use(found, vault)
        await connections.run(SCRIPTS["adopt"], keys, [stamp or "", found.stamp, found.copy])

    async def _open_copy(self, connections: Connections) -> RedisVault | None:
        """Open the copy of the envelope in the first shard that answers and has one in force. A server that refuses one is left alone."""
        refusing: set[str] = set()
        for shard in range(SHARDS):
            keys = self._own.stamped(shard)
            if connections.server_of(keys) in refusing:
                continue
            try:
                stamp, copy = await connections.run(SCRIPTS["adopt"], keys, [])
            except StoreUnavailable as error:
                if error.part is None:
                    raise
                if error.part != record_of(keys):
                    refusing.add(connections.server_of(keys))
                continue
            found = self._opened_copy(self._own, stamp, copy)
            if found is not None:
                return found
        return None

    def _opened_copy(self, keyspace: Keyspace, stamp: bytes | None, copy: bytes) -> RedisVault | None:
        """Open the copy of the envelope in a shard with this stamp; return None if it is not in force there.

        Without a key that was taken out, `open` makes another data key. That has to lie in the envelope before it seals anything.
        """
        content = content_of(copy)
        opened = self._envelope.open(content) if content else None
        if opened is None:
            return None
        found = RedisVault(opened.seal, keyspace, self._clock, content)
        return found if found.stamp.encode() == stamp else None

    def _use(self, found: RedisVault, before: RedisVault | None) -> RedisVault:
        """Return the vault to use from now on: that from `before` if it has the same data key, since it keeps what it has opened."""
        if before is not None and found.stamp == before.stamp:
            return before
        if before is not None and found.stamp[:STORE] != before.stamp[:STORE] and self._vault is before:
            log.warning(
                "Redis at %s has lost the data of the token store, and it begins anew: tokens in it before will not be "
                "revoked, and sessions that had ended are unknown.",
                self._where,
            )
        self._vault = found
        return found

    async def _open(self, connections: Connections) -> RedisVault:
        is_first, has_older = await self._has_the_first(connections)
        keyspace = self._first if is_first else self._own
        seen: dict[str, bytes] = {}
        offer = self._envelope.new().content
        while True:
            pairs = [each for content in (seen, offer) for pair in content.items() for each in pair]
            was_empty = not seen
            answer = await self._ask(connections, "envelope", [keyspace.envelope], [len(seen), *pairs])
            seen = _content(answer)
            if was_empty and seen == offer:
                await self._warn_of_another_pair(connections)
            opened = self._envelope.open(seen)
            if opened is None:
                raise no_key_opens(f"the token store in Redis at {self._where}")
            if opened.content == seen:
                # Another account, or another keyspace of this one, may take what is older: a copy could not tell.
                return RedisVault(opened.seal, keyspace, self._clock, {} if has_older else seen)
            offer = opened.content

    async def _has_the_first(self, connections: Connections) -> tuple[bool, bool]:
        """Say whether this account has what is there from before accounts, the first to open it; and if there is anything."""
        keys = [self._first.envelope, self._first.owner, self._first.accounts]
        owner, pairs, _ = await self._ask(connections, "account", keys, ["", ""])
        content = _content(pairs)
        if owner is None and content:
            if self._envelope.open(content) is not None:
                owner, *_ = await self._ask(connections, "account", keys, [self._account, ""])
            elif not self._has_warned:
                self._has_warned = True
                log.warning(
                    "The token store in Redis at %s has tokens from before it knew accounts, sealed with a key that is not "
                    "here. They are left to the account that they belong to. If it is this one, add the former client secret "
                    "or key to MONITE_STORE_KEYS.",
                    self._where,
                )
        return owner == self._account.encode(), bool(content)

    async def _warn_of_another_pair(self, connections: Connections) -> None:
        """Warn where this account is new and its keys open another one's: it may be the same, under a new pair."""
        keys = [self._first.envelope, self._first.owner, self._first.accounts]
        _, first, accounts = await self._ask(connections, "account", keys, ["", self._account])
        contents = [_content(first)]
        for account in accounts:
            if account.decode() != self._account:
                envelope = Keyspace(f"{self._prefix}:{account.decode()}").envelope
                # -1 pairs were seen, which fits no envelope: it is only read.
                contents.append(_content(await self._ask(connections, "envelope", [envelope], [-1])))
        if any(self._envelope.open(content) is not None for content in contents):
            log.warning(NEW_PAIR)

    async def _ask(
        self, connections: Connections, script: str, keys: Sequence[str], arguments: Sequence[Argument]
    ) -> Any:
        """Run a script about the envelope. Whoever has a vault can do without, and does not find out whether a node is back."""
        return await connections.run(SCRIPTS[script], keys, arguments, probes=self._vault is None)

    async def _check(self, connections: Connections) -> None:
        """Check the server's version and durability, once per process."""
        if self._has_checked:
            return
        answer: bytes = await self._ask(connections, "info", [self._own.envelope], [])
        lines = (line.partition(":") for line in answer.decode(errors="replace").splitlines())
        info = {name: value for name, _, value in lines}
        check_version(info, self._where)
        appendfsync = await _appendfsync(connections) if info.get("aof_enabled") == "1" else ""
        if not self._has_checked:
            self._has_checked = True
            warn_about_durability(info, appendfsync, self._where)


def _again(error: StoreUnavailable) -> StoreUnavailable:
    """Return the same error for somebody else, with a traceback of its own."""
    return type(error)(str(error), retry_after=error.retry_after, part=error.part)


async def _appendfsync(connections: Connections) -> str:
    """Return the setting, or "" where the user may not ask, or there are many servers to ask."""
    try:
        settings = await connections.send("CONFIG GET", "appendfsync")
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
