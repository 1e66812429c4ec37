"""What memory has, for people who look after the application."""

from monite_auth.stores.memory.account import MemoryAccount
from monite_auth.stores.values import Overview, Status

__all__ = ["MemoryStatus"]


class MemoryStatus(MemoryAccount):
    """See StatusOperations."""

    async def status(self, user: str) -> Status:
        """See StatusOperations."""
        with self._lock:
            record = self._users.by_name.get(user)
            tokens = [place.token for place in record.places.values()] if record is not None else []
            ends = [
                token.expires_at for token in tokens if token is not None and token.expires_at > self._clock()
            ]
            return Status(len(ends), max(ends, default=None))

    async def backlog(self) -> int:
        """See StatusOperations."""
        return self.pending

    async def overview(self, *, count_live: bool = True) -> Overview:
        """See StatusOperations."""
        with self._lock:
            now = self._clock()
            live = self._live(now) if count_live else None
            held_for, rate = self._budget.pace(now, self._rate)
            return Overview(live, len(self._revocations), self._revocations.oldest, held_for, rate)

    def _live(self, now: float) -> int:
        places = [place for user in self._users.by_name.values() for place in user.places.values()]
        return sum(place.token is not None and place.token.expires_at > now for place in places)

    @property
    def pending(self) -> int:
        """How many revocations are pending."""
        return len(self._revocations)
