"""Sessions in PostgreSQL: how they begin, and all ways to end them and to take tokens away."""

from collections.abc import Sequence

from monite_auth.identity import Partner, Principal
from monite_auth.stores.postgres.execution import Execution, times_of
from monite_auth.stores.postgres.statements import Argument, function
from monite_auth.stores.sealing import Vault
from monite_auth.stores.values import PARTNER_SLOT, Ended, Everything, SessionState
from monite_auth.tokens import AccessToken

__all__ = ["PostgresSessions"]

BEGIN_SESSION = function("begin_session", 7, "nothing")
SESSION_STATE = function("session_state", 10, "text", "truth")
END_SESSION = function("end_session", 8, "number")
END_USER = function("end_user", 6, "number")
RELINK = function("relink", 4, "number")
REVOKE = function("revoke", 10, "number")

END_EVERYTHING = function("end_everything", 5, "nothing")
END_MORE = function("end_more", 3, "number", "number", "truth")


class PostgresSessions(Execution):
    """See SessionOperations."""

    async def begin_session(self, principal: Principal, *, ago: float = 0.0) -> None:
        """See Operations."""
        if principal.session_id is not None:
            await self._ask(
                BEGIN_SESSION, lambda vault: [*_names(vault, principal)[:2], self._session_memory, ago]
            )

    async def session_state(self, principal: Principal) -> SessionState:
        """See Operations."""
        _, ((ending, is_known),) = await self._ask(
            SESSION_STATE,
            lambda vault: [
                *_names(vault, principal)[:2],
                principal.session_id is not None,
                *self._dates(principal),
                self._session_memory,
            ],
        )
        ended = Ended(too_old=ending == "old") if ending is not None else None
        return SessionState.of(principal, ended, is_known=is_known)

    async def end_session(self, principal: Principal, *, ago: float = 0.0) -> int:
        """See Operations."""
        count: int = await self._value(
            END_SESSION, lambda vault: [*_names(vault, principal), self._session_memory, ago]
        )
        return count

    async def end_user(self, user: str, *, ago: float = 0.0) -> int:
        """See Operations."""
        count: int = await self._value(END_USER, lambda vault: [vault.user(user), self._session_memory, ago])
        return count

    async def relink(self, user: str | Partner) -> int:
        """See Operations."""
        count: int = await self._value(RELINK, lambda vault: [vault.user(user)])
        return count

    async def end_everything(self, *, ago: float = 0.0) -> Everything:
        """See Operations. It begins in one short transaction, and goes on in others, so that nobody waits for it."""
        await self._ask(END_EVERYTHING, lambda _: [self._session_memory, ago])
        sessions = tokens = 0
        is_over = False
        while not is_over:
            _, ((more_sessions, more_tokens, is_over),) = await self._ask(END_MORE, lambda _: [])
            sessions, tokens = sessions + more_sessions, tokens + more_tokens
        return Everything(sessions, tokens)

    async def revoke(self, token: AccessToken) -> int:
        """See Operations."""
        times = times_of(token)

        def arguments(vault: Vault) -> Sequence[Argument]:
            slot = vault.slot(PARTNER_SLOT)
            fingerprint = vault.fingerprint_name(token.fingerprint)
            return [vault.user(PARTNER_SLOT.user), slot, fingerprint, vault.seal_token(slot, token), *times]

        count: int = await self._value(REVOKE, arguments)
        return count


def _names(vault: Vault, principal: Principal) -> list[Argument]:
    """Return the names of the user and of the session: by its ID or date, and by its ID only."""
    user, session = principal.user_id, principal.session_id
    return [vault.user(user), vault.principal(principal), vault.session(user, session)]
