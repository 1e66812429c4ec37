"""Beginnings and endings: they hold in memory at once, and in the shared store now or as soon as it is back."""

import logging

from monite_auth.identity import Partner, Principal
from monite_auth.processes.workers import threads_are_allowed
from monite_auth.stores.fallback.asking import Asking
from monite_auth.stores.fallback.owed_operation import OwedOperation
from monite_auth.stores.values import Everything, SessionState
from monite_auth.tokens import AccessToken

__all__ = ["FallbackSessions"]

log = logging.getLogger("monite_auth")


class FallbackSessions(Asking):
    """See SessionOperations."""

    async def begin_session(self, principal: Principal, *, ago: float = 0.0) -> None:
        """See SessionOperations."""
        await self._memory.begin_session(principal, ago=ago)
        self._trust.note(principal, self._trust.endings)
        await self._carry_out(self._owed.new("begin_session", principal, ago=ago), ago)

    async def session_state(self, principal: Principal) -> SessionState:
        """See SessionOperations."""
        return await self._ask(lambda: self._shared.session_state(principal), reads_of=principal.user_id)

    async def end_session(self, principal: Principal, *, ago: float = 0.0) -> int:
        """See SessionOperations."""
        return await self._end(self._owed.new("end_session", principal, ago=ago), ago)

    async def end_user(self, user: str, *, ago: float = 0.0) -> int:
        """See SessionOperations."""
        return await self._end(self._owed.new("end_user", user, ago=ago), ago)

    async def relink(self, user: str | Partner) -> int:
        """See SessionOperations."""
        return await self._end(self._owed.new("relink", user))

    async def _end(self, operation: OwedOperation, ago: float = 0.0) -> int:
        here: int = await self._hold_here(operation, ago)
        there: int | None = await self._carry_out(operation, ago)
        if there is not None:
            return here + there
        self._warn(operation)
        if self._blocking and not threads_are_allowed():
            return here  # a drain would run in the caller's thread, and wait for the store
        # Nobody knows how many tokens there are. A drain looks after them soon, and repeats what is owed.
        return here + 1

    def _warn(self, operation: OwedOperation) -> None:
        log.log(
            logging.WARNING if len(self._owed) == 1 else logging.INFO,  # once per outage
            "The token store could not record a logout (%s). It holds in this process, and is repeated as soon as the "
            "store is back%s.",
            operation.name,
            "" if self._owed.journal.is_durable else ", unless this process dies before that",
        )

    async def end_everything(self, *, ago: float = 0.0) -> Everything:
        """See SessionOperations."""
        operation = self._owed.new("end_everything", ago=ago)
        here: Everything = await self._hold_here(operation, ago)
        there: Everything | None = await self._carry_out(operation, ago)
        if there is None:
            self._warn(operation)
            return here._replace(is_owed=True)
        return Everything(here.sessions + there.sessions, here.tokens + there.tokens)

    async def revoke(self, token: AccessToken) -> int:
        """See SessionOperations."""
        slots: int | None = await self._carry_out(self._owed.new("revoke", token))
        return slots if slots is not None else await self._memory.revoke(token)
