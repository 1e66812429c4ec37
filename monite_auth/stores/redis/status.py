"""The state of the store in Redis, for people who look after the application."""

from monite_auth.stores.redis.execution import Execution
from monite_auth.stores.values import Status

__all__ = ["RedisStatus"]


class RedisStatus(Execution):
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
