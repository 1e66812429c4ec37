"""The pending revocations; see RevocationOperations."""

from monite_auth.stores import Due, Pending
from monite_auth.tokens import SAFETY
from tests.toys.store_dictionary.state import Part

__all__ = ["Revocations"]


class Revocations(Part):
    async def due(self, limit: int, *, seconds: float) -> Due:
        with self.state.lock:
            now = self.clock()
            batch: list[Pending] = []
            expired = 0
            for name, each in list(self.state.pending.items()):
                until = each.token.expires_at + SAFETY
                if until <= now:
                    del self.state.pending[name]
                    expired += 1
                elif each.due_at <= now and len(batch) < limit:
                    each.due_at = now + seconds
                    batch.append(Pending(name, each.token.value, until, each.attempts))
            moments = [max(0.0, each.due_at - now) for each in self.state.pending.values()]
            return Due(batch, expired, min(moments, default=None))

    async def condemn(self, pending: Pending) -> bool:
        with self.state.lock:
            revocation = self.state.pending.get(pending.id)
            if revocation is None:
                return False
            token = revocation.token
            for place in self.state.places.values():
                held = place.token
                if (
                    held is not None
                    and held.fingerprint == token.fingerprint
                    and held.expires_at > self.clock()
                ):
                    del self.state.pending[pending.id]
                    return False
            self.state.spent[token.fingerprint] = token.expires_at + SAFETY
            return True

    async def settle(self, pending: Pending) -> None:
        with self.state.lock:
            self.state.pending.pop(pending.id, None)

    async def postpone(self, pending: Pending, seconds: float) -> None:
        with self.state.lock:
            revocation = self.state.pending.get(pending.id)
            if revocation is not None:
                revocation.due_at = self.clock() + seconds
                revocation.attempts += 1

    async def backlog(self) -> int:
        return len(self.state.pending)
