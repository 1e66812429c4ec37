"""The beginnings and endings of sessions in memory."""

import math

from monite_auth.identity import PARTNER, Partner, Principal
from monite_auth.stores.memory.account import MemoryAccount
from monite_auth.stores.memory.users import User
from monite_auth.stores.values import PARTNER_SLOT, Everything, SessionState
from monite_auth.tokens import AccessToken

__all__ = ["MemorySessions"]


class MemorySessions(MemoryAccount):
    """See SessionOperations."""

    async def begin_session(self, principal: Principal, *, ago: float = 0.0) -> None:
        """See SessionOperations."""
        if principal.session_id is None:
            return
        with self._lock:
            if self._endings.includes(principal.user_id, principal.session_id):
                return
            user = self._users.get_or_new(principal.user_id)
            now = self._clock()
            user.know(principal.session_id, began=now, until=now + self._session_memory)
            if ago > 0:
                user.date_back(principal.session_id, now - ago)
                if now - ago < self._endings.of_all(principal.user_id):
                    self._end_session(principal)
                    return
            self._users.write(principal.user_id, user)

    async def session_state(self, principal: Principal) -> SessionState:
        """See SessionOperations."""
        with self._lock:
            user = self._users.by_name.get(principal.user_id)
            is_known = user is not None and user.knows(principal.session_id, self._clock())
            return SessionState.of(
                principal, self._ending_of(principal, is_known=is_known), is_known=is_known
            )

    async def end_session(self, principal: Principal, *, ago: float = 0.0) -> int:
        """See SessionOperations."""
        with self._lock:
            return self._end_session(principal, ago)

    def _end_session(self, principal: Principal, ago: float = 0.0) -> int:
        name, session = principal.user_id, principal.session_id
        if session is not None:
            self._endings.add(name, session)
        elif principal.began_at is not None:
            self._endings.add(name, principal.began_at, None, ago=ago)
        user = self._users.by_name.get(name)
        if user is None:
            return 0
        if session is not None:
            user.forget(session)
        return self._end(name, user, lambda slot: slot.session in (None, session))

    async def end_user(self, user: str, *, ago: float = 0.0) -> int:
        """See SessionOperations."""
        with self._lock:
            self._endings.add(user, None, ago=ago)
            record = self._users.by_name.get(user)
            if record is None:
                self._endings.add_undated(user, known=0)
                return 0
            self._end_sessions(user, record, ago)
            return self._end(user, record, lambda _slot: True)

    def _end_sessions(self, name: str, user: User, ago: float) -> int:
        """End the known sessions that did not begin since `ago` seconds ago; return how many."""
        since = self._clock() - ago if ago > 0 else math.inf
        ended = [each.key for each in user.sessions.values() if each.began <= since]
        self._endings.add_undated(name, known=len(user.sessions))
        self._endings.add(name, *ended)
        for each in ended:
            user.forget(each)
        return len(ended)

    async def end_everything(self, *, ago: float = 0.0) -> Everything:
        """See SessionOperations."""
        with self._lock:
            self._endings.add_everything(ago)
            sessions = tokens = 0
            for name, user in list(self._users.by_name.items()):
                if name is not PARTNER:
                    sessions += self._end_sessions(name, user, ago)
                tokens += self._end(name, user, lambda _slot: True)
            return Everything(sessions, tokens)

    async def relink(self, user: str | Partner) -> int:
        """See SessionOperations."""
        with self._lock:
            record = self._users.by_name.get(user)
            if record is None:
                return 0
            for place in record.places.values():
                place.cooling = None  # Monite refused the entity user that was
            return self._end(user, record, lambda _slot: True)

    async def revoke(self, token: AccessToken) -> int:
        """See SessionOperations."""
        with self._lock:
            holders = self._holders.of(token)
            for place in holders:
                if place.token is not None:
                    token = place.token  # whose life is known
                self._supersede(place, by=token)
            self._revocations.add(holders[0].slot if holders else PARTNER_SLOT, token)
            return len(holders)
