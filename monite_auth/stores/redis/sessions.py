"""Sessions in Redis: how they begin, and all ways to end them and to take tokens away."""

from collections.abc import Callable

from monite_auth.identity import LEEWAY, PARTNER, Partner, Principal
from monite_auth.stores.redis.execution import Execution, always
from monite_auth.stores.redis.keyspace import ALL, Keyspace
from monite_auth.stores.redis.records import RedisVault, owner_in
from monite_auth.stores.values import Everything, SessionState
from monite_auth.tokens import SAFETY, AccessToken

__all__ = ["RedisSessions"]

STATES = {
    b"alive": SessionState.ALIVE,
    b"unknown": SessionState.UNKNOWN,
    b"ended": SessionState.ENDED,
    b"old": SessionState.TOO_OLD,
}


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

    async def end_everything(self, *, ago: float = 0.0) -> Everything:
        """See Operations. First, sessions from before now get in nowhere any more; then all users end, one by one."""
        sessions = tokens = 0
        for group in self._groups:
            for home in await self._end_shards(group, ago):
                pending, known = await self._end("user", always(home), ago=ago)
                tokens, sessions = tokens + pending, sessions + known
        return Everything(sessions, tokens)

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
        for place, held in zip(*[iter(holders)] * 2, strict=True):
            _, answer = await self._run("take", always(owner_in(held)), 6, always([place, name]))
            taken += answer
        if not taken:
            await self._ask("enqueue", PARTNER, 6, lambda vault: [*vault.pack_unowned(token), left - SAFETY])
        return taken
