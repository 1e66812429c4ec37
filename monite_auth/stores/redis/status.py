"""The state of the store in Redis, for people who look after the application."""

from monite_auth.stores.redis.budget import RedisBudget
from monite_auth.stores.values import Overview, Status

__all__ = ["RedisStatus"]

MOST_USERS = 20_000
"""Users whose tokens are counted. To read them takes Redis some 0.2 s, in short steps."""

AT_ONCE = 200
"""Users whose tokens are counted in one step, which keeps Redis from others for a few milliseconds."""


class RedisStatus(RedisBudget):
    """See StatusOperations."""

    async def status(self, user: str) -> Status:
        """See Operations."""
        at = self._clock()
        _, (live, left) = await self._ask("status", user, 2, lambda _: [])
        return Status(live, at + float(left) if live else None)

    async def backlog(self) -> int:
        """See Operations."""
        pending = 0
        vault = await self._vault()
        for group in self._groups:
            queues = [vault.keyspace.pending(shard)[0] for shard in group]
            pending += await self._script("backlog", queues, [])
        return pending

    async def overview(self, *, count_live: bool = True) -> Overview:
        """See Operations."""
        pending, oldest = 0, list[float]()
        vault = await self._vault()
        for group in self._groups:
            keys = [key for shard in group for key in vault.keyspace.pending(shard)[:2]]
            more, age = await self._script("overview", keys, [])
            pending += more
            oldest += [max(0.0, float(age))] if age else []
        live = await self._live() if count_live else None
        return Overview(live, pending, max(oldest, default=None), *await self._pace())

    async def _live(self) -> int | None:
        """Count the tokens that are handed out, user by user; None where that would take too long."""
        live, users = 0, 0
        keyspace = (await self._vault()).keyspace
        for group in self._groups:
            total, found = await self._script(
                "users", [keyspace.users(shard) for shard in group], [MOST_USERS]
            )
            users += total
            if users > MOST_USERS:
                return None
            homes = [
                keyspace.user(self._nth(group, number), name.decode())[1]
                for number, name in zip(*[iter(found)] * 2, strict=True)
            ]
            for first in range(0, len(homes), AT_ONCE):
                live += await self._script("live", homes[first : first + AT_ONCE], [])
        return live
