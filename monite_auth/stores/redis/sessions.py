"""Sessions in Redis: how they begin, and all ways to end them and to take tokens away."""

from collections import deque
from collections.abc import Callable, Sequence

from monite_auth.errors import StoreUnavailable
from monite_auth.identity import LEEWAY, PARTNER, Partner, Principal
from monite_auth.stores.redis.execution import Execution, always
from monite_auth.stores.redis.keyspace import ALL, Keyspace
from monite_auth.stores.redis.records import RedisVault, owner_in, parse_owner
from monite_auth.stores.values import Everything, SessionState
from monite_auth.tokens import SAFETY, AccessToken

__all__ = ["RedisSessions"]

STATES = {
    b"alive": SessionState.ALIVE,
    b"unknown": SessionState.UNKNOWN,
    b"ended": SessionState.ENDED,
    b"old": SessionState.TOO_OLD,
}

LEFT_USERS = 10
"""Users of a shard that an ending of everything leaves one by one, since their records are broken. Where there are more, a node has
gone down in the middle: all of the shard is left, and its users end once more."""


class RedisSessions(Execution):
    """See SessionOperations."""

    async def begin_session(self, principal: Principal, *, ago: float = 0.0) -> None:
        """See Operations."""
        if principal.session_id is None:
            return
        _, has_ended = await self._ask(
            "begin",
            principal.user_id,
            ALL,
            lambda vault: [vault.names(principal)[0], self._session_memory, ago],
        )
        if has_ended:
            await self.end_session(principal)

    async def session_state(self, principal: Principal) -> SessionState:
        """See Operations."""
        await self._know_clock(principal)
        _, answer = await self._ask(
            "session_state",
            principal.user_id,
            ALL,
            lambda vault: [*vault.identity(principal, self._wall_clock), self._session_memory],
        )
        return STATES[answer]

    async def end_session(self, principal: Principal, *, ago: float = 0.0) -> int:
        """See Operations."""
        pending, _ = await self._end(
            "session",
            lambda vault: vault.home(principal.user_id),
            lambda vault: vault.names(principal),
            ago=ago,
        )
        return pending

    async def end_user(self, user: str, *, ago: float = 0.0) -> int:
        """See Operations."""
        pending, _ = await self._end("user", lambda vault: vault.home(user), ago=ago)
        return pending

    async def relink(self, user: str | Partner) -> int:
        """See Operations."""
        pending, _ = await self._end("relink", lambda vault: vault.home(user))
        return pending

    async def _end(
        self,
        reach: str,
        home: Callable[[RedisVault], tuple[int, str]],
        session: Callable[[RedisVault], tuple[str, str]] = lambda _: ("", ""),
        *,
        ago: float = 0.0,
    ) -> tuple[int, int]:
        """Return how many tokens are pending by it, and how many sessions that were known have ended."""
        _, (pending, sessions) = await self._run(
            "end", home, ALL, lambda vault: [reach, *session(vault), self._session_memory, LEEWAY, ago]
        )
        return pending, sessions

    async def end_everything(self, left: Sequence[str] = (), *, ago: float = 0.0) -> Everything:
        """See Operations. First, sessions from before now get in nowhere any more; then all users end, one by one."""
        homes = [parse_owner(each) for each in left if "." in each]
        shards = [range(int(each), int(each) + 1) for each in left if "." not in each]
        groups = deque(shards if left else self._groups)
        failure: StoreUnavailable | None = None
        not_reached: list[str] = []
        while groups:
            group = groups.popleft()
            try:
                homes += await self._end_shards(group, ago)
            except StoreUnavailable as error:
                failure = _of_a_part(error)
                if len(group) > 1:  # a record of some shard is broken, and the others have theirs
                    groups.extend(range(shard, shard + 1) for shard in group)
                else:
                    not_reached.append(str(group[0]))
        sessions = tokens = 0
        lost: dict[int, list[str]] = {}
        for shard, name in homes:
            if len(lost.get(shard, ())) > LEFT_USERS:
                continue
            try:
                pending, known = await self._end("user", always((shard, name)), ago=ago)
            except StoreUnavailable as error:
                failure = _of_a_part(error)
                lost.setdefault(shard, []).append(f"{shard}.{name}")
            else:
                tokens, sessions = tokens + pending, sessions + known
        if failure is None:
            return Everything(sessions, tokens)
        for shard, users in lost.items():
            not_reached += users if len(users) <= LEFT_USERS else [str(shard)]
        raise StoreUnavailable(str(failure), part=failure.part, left=not_reached)

    async def _end_shards(self, group: range, ago: float) -> list[tuple[int, str]]:
        """End all sessions that some shards do not know; return the homes of the users that they know."""
        memory = self._session_memory + LEEWAY
        _, (_, found) = await self._ask_shards("everything", group, Keyspace.everything, [memory, ago])
        return [
            (self._nth(group, number), name.decode()) for number, name in zip(*[iter(found)] * 2, strict=True)
        ]

    async def revoke(self, token: AccessToken) -> int:
        """See Operations."""
        left = token.expires_at + SAFETY - self._clock()
        vault = await self._vault()
        name = vault.fingerprint_name(token.fingerprint)
        _, holders = await self._script("condemn", [vault.keyspace.value(name)], ["", left])
        taken = 0
        failure: StoreUnavailable | None = None
        for place, held in zip(*[iter(holders)] * 2, strict=True):
            try:
                _, answer = await self._run("take", always(owner_in(held)), 6, always([place, name]))
            except StoreUnavailable as error:
                failure = _of_a_part(error)
            else:
                taken += answer
        if failure is not None:
            raise failure
        if not taken:
            await self._ask("enqueue", PARTNER, 6, lambda vault: [*vault.pack_unowned(token), left - SAFETY])
        return taken


def _of_a_part(error: StoreUnavailable) -> StoreUnavailable:
    """Return an error of a part of the store; raise any other."""
    if error.part is None:
        raise error
    return error
