"""What memory has, for people who look after the application."""

from monite_auth.stores.memory.account import MemoryAccount
from monite_auth.stores.values import Status

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

    @property
    def pending(self) -> int:
        """How many revocations are pending."""
        return len(self._revocations)
