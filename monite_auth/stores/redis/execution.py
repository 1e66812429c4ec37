"""How an operation is executed in Redis: as one script, over the keys of a user or of some shards.

The operations are written once. Over ThreadConnections their awaits never suspend; over LoopConnections they are those of the
running event loop.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from monite_auth.identity import Partner
from monite_auth.stores.dates import WallClock
from monite_auth.stores.redis.connections import Argument, Connections
from monite_auth.stores.redis.errors import store_is_unsettled
from monite_auth.stores.redis.keys import AccountKeys
from monite_auth.stores.redis.keyspace import Keyspace
from monite_auth.stores.redis.records import RedisVault
from monite_auth.stores.redis.scripts import SCRIPTS
from monite_auth.tokens import Clock

__all__ = ["Execution", "always"]

Value = TypeVar("Value")

FOREIGN = b"foreign"
"""A script's answer when its shard is not sealed with the data key that the caller has."""

TRIES = 5
"""How often the data key may be found changed within one operation. Once is what happens when Redis was emptied."""


class Execution:
    """Runs the scripts of one account, in one of the two forms of its operations.

    `connections`: those of the calling thread or event loop.
    `groups`: the shards that one script may reach; in a cluster, one each.
    `session_memory`: for how many seconds an ended session is remembered.
    `clock`: that of the tokens that come and go. `wall_clock`: what dates logins on this host, and tells when Redis' clock is ahead.
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
    ) -> None:
        self._connections = connections
        self._keys = keys
        self._groups = list(groups)
        self._session_memory = session_memory
        self._requests_per_second = requests_per_second
        self._clock = clock
        self._wall_clock = wall_clock

    async def _vault(self) -> RedisVault:
        return await self._keys.vault(self._connections())

    async def _script(self, script: str, keys: Sequence[str], arguments: Sequence[Argument]) -> Any:
        """Run a script that checks no stamp; return its answer."""
        return await self._connections().run(SCRIPTS[script], keys, arguments)

    async def _ask(
        self,
        script: str,
        user: str | Partner,
        keys: int,
        arguments: Callable[[RedisVault], Sequence[Argument]],
    ) -> tuple[RedisVault, Any]:
        """Run a script over the first `keys` keys of a user; return its answer, and the vault that it is from."""
        return await self._run(script, lambda vault: vault.home(user), keys, arguments)

    async def _run(
        self,
        script: str,
        home: Callable[[RedisVault], tuple[int, str]],
        keys: int,
        arguments: Callable[[RedisVault], Sequence[Argument]],
    ) -> tuple[RedisVault, Any]:
        """Run a script as `_ask` does; `home` gives the user's shard and name."""
        connections = self._connections()
        for _ in range(TRIES):
            vault = await self._keys.vault(connections)
            shard, name = home(vault)
            answer = await connections.run(
                SCRIPTS[script],
                vault.keyspace.user(shard, name)[:keys],
                [vault.stamp, *arguments(vault), self._wall_clock()],
            )
            if answer != FOREIGN:
                return vault, answer
            await self._keys.adopt(connections, vault, shard)
        raise store_is_unsettled()

    async def _ask_shards(
        self,
        script: str,
        group: range,
        keys: Callable[[Keyspace, int], Sequence[str]],
        arguments: Sequence[Argument],
    ) -> tuple[RedisVault, Any]:
        """Run a script over some `keys` of each shard of a group; return its answer, and the vault that it is from."""
        connections = self._connections()
        for _ in range(TRIES * len(group)):
            vault = await self._keys.vault(connections)
            every = [key for shard in group for key in keys(vault.keyspace, shard)]
            answer = await connections.run(
                SCRIPTS[script], every, [vault.stamp, *arguments, self._wall_clock()]
            )
            if answer[0] != FOREIGN:
                return vault, answer
            await self._keys.adopt(connections, vault, group[answer[1]])
        raise store_is_unsettled()


def always(value: Value) -> Callable[[RedisVault], Value]:
    """Return a function for what does not depend on the vault."""
    return lambda _vault: value
