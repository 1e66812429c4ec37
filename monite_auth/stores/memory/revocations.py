"""The pending revocations in memory."""

from monite_auth.stores.memory.account import MemoryAccount
from monite_auth.stores.values import Due, Pending, Slot
from monite_auth.tokens import AccessToken

__all__ = ["MemoryRevocations"]


class MemoryRevocations(MemoryAccount):
    """See RevocationOperations."""

    async def due(self, limit: int, *, seconds: float) -> Due:
        """See RevocationOperations."""
        with self._lock:
            return self._revocations.due(limit, seconds)

    async def condemn(self, pending: Pending) -> bool:
        """See RevocationOperations."""
        with self._lock:
            return self._revocations.condemn(pending, self._is_handed_out)

    def _is_handed_out(self, value: str) -> bool:
        places = [self._users.place(slot) for slot in self._holders.get(value, ())]
        tokens = [place.token for place in places if place is not None]
        return any(token is not None and token.expires_at > self._clock() for token in tokens)

    async def settle(self, pending: Pending) -> None:
        """See RevocationOperations."""
        with self._lock:
            self._revocations.settle(pending)

    async def postpone(self, pending: Pending, seconds: float) -> None:
        """See RevocationOperations."""
        with self._lock:
            self._revocations.postpone(pending, seconds)

    def take(self) -> list[tuple[Slot, AccessToken]]:
        """Give away every token, live, superseded or pending: another store sees to them from now on."""
        with self._lock:
            taken = self._revocations.take()
            self._holders.clear()
            for user in self._users.by_name.values():
                taken += user.tokens()
                for place in user.places.values():
                    place.token, place.superseded = None, []
            return taken
