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

    def _is_handed_out(self, token: AccessToken) -> bool:
        tokens = [place.token for place in self._holders.of(token)]
        return any(each is not None and each.expires_at > self._clock() for each in tokens)

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
                    place.token, place.superseded = None, ()
            return taken
