"""Pending revocations in Redis: due, condemn, settle, postpone."""

import logging
from collections import deque
from collections.abc import Sequence

from monite_auth.errors import StoreUnavailable
from monite_auth.stores.redis.connections import Argument
from monite_auth.stores.redis.execution import Execution, always
from monite_auth.stores.redis.keyspace import NAME, Keyspace
from monite_auth.stores.redis.records import owner_in
from monite_auth.stores.sealing import SealBroken
from monite_auth.stores.values import Due, Pending

__all__ = ["RedisRevocations"]

log = logging.getLogger("monite_auth")


class RedisRevocations(Execution):
    """See RevocationOperations. The ID of a pending revocation is its shard, and its name there: fingerprint and place."""

    async def due(self, limit: int, *, seconds: float) -> Due:
        """See Operations."""
        # In a cluster shards are asked one by one, and not those behind the last that was needed: there may be more at once.
        batch: list[Pending] = []
        expired = 0
        next_in: float | None = None
        failure: StoreUnavailable | None = None
        has_answered = False
        waiting = deque(self._groups)
        while waiting:
            group = waiting.popleft()
            try:
                more = await self._due(group, limit - len(batch), seconds)
            except StoreUnavailable as error:
                self._move_to_the_end(group)  # those behind it must not wait for it too
                if error.part is None:
                    raise
                failure = error
                if len(group) > 1:  # a record of some shard is broken, and the others have theirs
                    waiting.extend(range(shard, shard + 1) for shard in group)
                continue
            has_answered = True
            batch += more.batch
            expired += more.expired
            if more.next_in is not None:
                next_in = more.next_in if next_in is None else min(next_in, more.next_in)
            if len(batch) >= limit:
                if waiting or len(self._groups) > 1:
                    next_in = 0.0
                break
            self._move_to_the_end(group)
        # A node is down, or a shard broken: the revocations of the others are worked on.
        if failure is not None:
            if not has_answered:
                raise failure
            next_in = 1.0 if next_in is None else min(next_in, 1.0)
        return Due(batch, expired, next_in)

    def _move_to_the_end(self, group: range) -> None:
        if group in self._groups:
            self._groups = [*(each for each in self._groups if each != group), group]

    async def _due(self, group: range, limit: int, seconds: float) -> Due:
        at = self._clock()
        vault, (now, expired, next_in, found) = await self._ask_shards("due", group, _keys, [limit, seconds])
        server = self._group_of[group[0]]
        if self._server_clocks[server].steady(float(now), at) is None:
            await self._look_at_clock(server, at)
        batch = []
        for number, name, record in zip(*[iter(found)] * 3, strict=True):
            shard = self._nth(group, number)
            try:
                batch.append(vault.unpack_pending(shard, name, record, float(now), at))
            except SealBroken:
                log.error(  # noqa: TRY400 - a traceback says no more
                    "A pending revocation was changed or moved: its seal is broken. It is thrown away."
                )
                await self._script("settle", vault.keyspace.pending(shard), [name, ""])
        return Due(batch, expired, float(next_in) if next_in else None)

    async def condemn(self, pending: Pending) -> bool:
        """See Operations."""
        vault = await self._vault()
        _, _, name = pending.id.partition(".")
        value, place = vault.keyspace.value(name[:NAME]), name[NAME:]
        left = pending.expires_at - self._clock()
        condemned, holders = await self._script("condemn", [value], [place, left])
        if not condemned and await self._let_go(value, name[:NAME], holders):
            condemned, _ = await self._script("condemn", [value], [place, left])
        if not condemned:
            await self._on_the_list(pending, "settle", "")
        return bool(condemned)

    async def _let_go(self, value: str, name: str, holders: Sequence[bytes]) -> bool:
        """Take out the places that do not hand a value out any more; say whether none is left.

        A renewal or a rejection leaves them: a superseded token is not held, and the value's key is out of its reach.
        """
        for place, held in zip(*[iter(holders)] * 2, strict=True):
            _, holds = await self._run("holds_value", always(owner_in(held)), 2, always([place, name]))
            if holds:
                return False
            await self._script("release_value", [value], [place, held])
        return True

    async def settle(self, pending: Pending) -> None:
        """See Operations."""
        await self._on_the_list(pending, "settle", "revoked")

    async def postpone(self, pending: Pending, seconds: float) -> None:
        """See Operations."""
        await self._on_the_list(pending, "postpone", seconds)

    async def _on_the_list(self, pending: Pending, script: str, *arguments: Argument) -> None:
        vault = await self._vault()
        shard, _, name = pending.id.partition(".")
        await self._script(script, vault.keyspace.pending(int(shard)), [name, *arguments])


def _keys(keyspace: Keyspace, shard: int) -> list[str]:
    """Return what `lua/due.lua` takes of each shard."""
    return [*keyspace.stamped(shard), *keyspace.pending(shard)[:2]]
