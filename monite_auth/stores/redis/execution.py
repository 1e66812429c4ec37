"""How an operation is executed in Redis: as one script, over the keys of a user or of some shards.

The operations are written once. Over ThreadConnections their awaits never suspend; over LoopConnections they are those of the
running event loop.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from monite_auth.identity import PARTNER, Partner, Subject
from monite_auth.stores.dates import WallClock
from monite_auth.stores.redis.answers import FOREIGN, SET
from monite_auth.stores.redis.connections import Argument, Connections
from monite_auth.stores.redis.errors import store_is_unsettled, strange_answer
from monite_auth.stores.redis.keys import AccountKeys
from monite_auth.stores.redis.keyspace import Keyspace
from monite_auth.stores.redis.records import RedisVault
from monite_auth.stores.redis.scripts import SCRIPTS
from monite_auth.stores.server_clock import ServerClock
from monite_auth.tokens import Clock

__all__ = ["Execution", "always"]

Value = TypeVar("Value")

TRIES = 5
"""How often the data key may be found changed within one operation. Once is what happens when Redis was emptied."""


UNKNOWN = ("", "")
"""The window of a clock that this process has not seen."""


class Execution:
    """Runs the scripts of one account, in one of the two forms of its operations.

    `connections`: those of the calling thread or event loop.
    `groups`: the shards that one script may reach; in a cluster, one each.
    `session_memory`: for how many seconds an ended session is remembered.
    `clock`: that of the tokens that come and go. `wall_clock`: what dates logins on this host, and tells when Redis' clock is ahead.
    `server_clocks`: that of each group's server, as this process has seen it.
    """

    def __init__(
        self,
        connections: Callable[[], Connections],
        keys: AccountKeys,
        *,
        groups: Sequence[range],
        session_memory: float,
        requests_per_second: float,
        clock: Clock,
        wall_clock: WallClock,
        server_clocks: Mapping[range, ServerClock],
    ) -> None:
        self._connections = connections
        self._keys = keys
        self._group_of = {shard: group for group in groups for shard in group}
        self._groups = list(groups)
        self._session_memory = session_memory
        self._requests_per_second = requests_per_second
        self._clock = clock
        self._wall_clock = wall_clock
        self._server_clocks = server_clocks

    @property
    def _is_cluster(self) -> bool:
        return len(self._groups) > 1

    async def _vault(self) -> RedisVault:
        return await self._keys.vault(self._connections())

    async def _script(
        self, script: str, keys: Sequence[str], arguments: Sequence[Argument], *, probes: bool = True
    ) -> Any:
        """Run a script that checks no stamp; return its answer. `probes`: see `Connections.run`."""
        return await self._connections().run(SCRIPTS[script], keys, arguments, probes=probes)

    async def _ask(
        self,
        script: str,
        user: str | Partner,
        keys: int,
        arguments: Callable[[RedisVault], Sequence[Argument]],
        *,
        in_budget: bool = False,
    ) -> tuple[RedisVault, Any]:
        """Run a script over the first `keys` keys of a user; return its answer, and the vault that it is from.

        `in_budget`: the key of the request budget comes after them, which is possible outside a cluster only.
        """
        return await self._run(script, lambda vault: vault.home(user), keys, arguments, in_budget=in_budget)

    async def _run(
        self,
        script: str,
        home: Callable[[RedisVault], tuple[int, str]],
        keys: int,
        arguments: Callable[[RedisVault], Sequence[Argument]],
        *,
        in_budget: bool = False,
    ) -> tuple[RedisVault, Any]:
        """Run a script as `_ask` does; `home` gives the user's shard and name."""
        connections = self._connections()
        has_looked, every = False, list[str]()
        for _ in range(TRIES):
            vault = await self._keys.vault(connections)
            shard, name = home(vault)
            group, asked_at = self._group_of[shard], self._clock()
            window = UNKNOWN if has_looked else self._window(group)
            every = vault.keyspace.user(shard, name)[:keys]
            if in_budget:
                every.append(vault.keyspace.budget)
            answer = await connections.run(
                SCRIPTS[script],
                every,
                [vault.stamp, *arguments(vault), *window, self._wall_clock()],
            )
            if answer == FOREIGN:
                await self._keys.adopt(connections, vault, shard)
            elif answer == SET:
                await self._look_at_clock(group, asked_at)
                has_looked = True  # the next answer counts: this caller may be too late for every window
            else:
                return vault, answer
        raise store_is_unsettled(every)

    async def _ask_shards(
        self,
        script: str,
        group: range,
        keys: Callable[[Keyspace, int], Sequence[str]],
        arguments: Sequence[Argument],
    ) -> tuple[RedisVault, Any]:
        """Run a script over some `keys` of each shard of a group; return its answer, and the vault that it is from."""
        connections = self._connections()
        has_looked, every, server = False, list[str](), self._group_of[group[0]]
        for _ in range(TRIES * len(group)):
            vault = await self._keys.vault(connections)
            every = [key for shard in group for key in keys(vault.keyspace, shard)]
            asked_at = self._clock()
            window = UNKNOWN if has_looked else self._window(server)
            answer = await connections.run(
                SCRIPTS[script], every, [vault.stamp, *arguments, *window, self._wall_clock()]
            )
            if answer[0] == FOREIGN:
                await self._keys.adopt(connections, vault, self._nth(group, answer[1]))
            elif answer[0] == SET:
                await self._look_at_clock(server, asked_at)
                has_looked = True
            else:
                return vault, answer
        raise store_is_unsettled(every)

    def _nth(self, group: range, number: int) -> int:
        """Return the shard of a group that a script has named by its number there."""
        if number >= len(group):
            raise strange_answer([f"of shard {number} in {group}"])
        return group[number]

    async def _know_clock(self, principal: Subject) -> None:
        """See the clock that a principal's date will be compared with, if this process has not seen it yet."""
        if principal is PARTNER or principal.began_at is None:
            return
        vault = await self._vault()
        await self._look_at_clock(self._group_of[vault.home(principal.user_id)[0]])

    async def _look_at_clock(self, group: range, since: float = -math.inf) -> None:
        """See the clock of the server of some shards, unless it was seen `since` then; note in Redis if it was set."""
        clock = self._server_clocks[group]
        if clock.was_seen(since):
            return
        vault = await self._vault()
        keys = [vault.keyspace.clock(shard) for shard in group]
        asked_at = self._clock()
        time, noted = await self._script("clock", keys, [""])
        sighting = clock.sighting(float(time), asked_at)
        total = clock.total(sighting, float(noted))
        if total != float(noted):
            await self._script("clock", keys, [total])
        clock.know(sighting, total)

    def _window(self, group: range) -> tuple[float, float] | tuple[str, str]:
        """Return the earliest and the latest time that the clock of some shards shows now, if nobody has set it."""
        window = self._server_clocks[group].window()
        return UNKNOWN if window is None else window[:2]


def always(value: Value) -> Callable[[RedisVault], Value]:
    """Return a function for what does not depend on the vault."""
    return lambda _vault: value
