"""What the Redis store tells one that it is copied into: a page is a shard."""

import logging
from collections.abc import Iterator

from monite_auth.stores.redis.errors import strange_answer
from monite_auth.stores.redis.execution import Execution
from monite_auth.stores.redis.keyspace import SHARDS
from monite_auth.stores.redis.records import RedisVault
from monite_auth.stores.sealing import SealBroken
from monite_auth.stores.values import Name, Page, Pending, Remembered
from monite_auth.tokens import Secret

__all__ = ["RedisCopies"]

log = logging.getLogger("monite_auth")

AT_ONCE = 200
"""Users who are read in one step, which keeps Redis from others for a few milliseconds."""

MOST_USERS = 2**31
"""Users of a shard that are listed: all."""

UNKNOWN_AGO = 24 * 3600.0
"""How long ago a known session counts to have begun where that is forgotten: `common.lua` keeps it for a day."""


class RedisCopies(Execution):
    """See CopyOperations. What comes after a page is a shard's number."""

    async def names_key(self) -> Secret:
        """See CopyOperations."""
        return (await self._vault()).names_key

    async def remembered(self, after: str | None = None) -> Page[Remembered]:
        """See CopyOperations."""
        vault, shard = await self._vault(), int(after or 0)
        _, moment, _, clock = vault.keyspace.everything(shard)
        items = []
        for users in _some(await self._users(vault, shard)):
            keys = [key for user in users for key in vault.keyspace.user(shard, user)[1:4]]
            every = [clock, moment, *keys]
            everything, *found = await self._script("remembered", every, [self._wall_clock()])
            if len(found) != len(users):
                raise strange_answer(every)
            if everything:
                items.append(Remembered(None, None, True, float(everything)))
            for user, (ago, ended, known) in zip(map(Name, users), found, strict=True):
                if ago:
                    items.append(Remembered(user, None, True, float(ago)))
                items += [Remembered(user, Name(name.decode()), True, 0.0) for name in ended]
                items += [
                    Remembered(user, Name(name.decode()), False, float(began) if began else UNKNOWN_AGO)
                    for name, began in zip(*[iter(known)] * 2, strict=True)
                ]
        return Page(items, _next(shard))

    async def pending(self, after: str | None = None) -> Page[Pending]:
        """See CopyOperations."""
        vault, shard, at = await self._vault(), int(after or 0), self._clock()
        now, *found = await self._script("pending", vault.keyspace.pending(shard)[:2], [])
        items = []
        for name, record in zip(*[iter(found)] * 2, strict=True):
            try:
                pending = vault.unpack_pending(shard, name, record, float(now), at)
            except SealBroken:
                log.error("A pending revocation does not open, and is not copied.")  # noqa: TRY400 - a traceback says no more
                continue
            if pending.expires_at > at:
                items.append(pending)
        return Page(items, _next(shard))

    async def holders(self, after: str | None = None) -> Page[Name]:
        """See CopyOperations."""
        vault, shard = await self._vault(), int(after or 0)
        items = []
        for users in _some(await self._users(vault, shard)):
            if not users:
                continue
            keys = [vault.keyspace.user(shard, user)[1] for user in users]
            numbers = await self._script("holders", keys, [])
            if any(not 0 <= number < len(users) for number in numbers):
                raise strange_answer(keys)
            items += [Name(users[number]) for number in numbers]
        return Page(items, _next(shard))

    async def _users(self, vault: RedisVault, shard: int) -> list[str]:
        _, found = await self._script("users", [vault.keyspace.users(shard)], [MOST_USERS])
        return [name.decode() for name in found[1::2]]


def _some(users: list[str]) -> Iterator[list[str]]:
    """Yield the users in batches; one is empty where there are none, since a shard has something of its own to tell."""
    yield from (users[first : first + AT_ONCE] for first in range(0, len(users) or 1, AT_ONCE))


def _next(shard: int) -> str | None:
    return str(shard + 1) if shard + 1 < SHARDS else None
