"""The pending revocations, by when they are due, and the values that were revoked."""

import heapq
import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

from cachetools import TLRUCache

from monite_auth.stores.values import Due, Pending, Slot
from monite_auth.tokens import SAFETY, AccessToken, Clock

__all__ = ["PendingRevocations"]


@dataclass(slots=True, eq=False, repr=False)
class _Revocation:
    slot: Slot
    token: AccessToken
    due_at: float
    attempts: int = 0


class PendingRevocations:
    """The pending revocations of an account, one for each value, and `max_spent` values that were revoked."""

    def __init__(self, max_spent: int, *, clock: Clock, new_id: Callable[[], str]) -> None:
        self._clock = clock
        self._new_id = new_id
        self.pending: dict[str, _Revocation] = {}
        self.ids: dict[str, str] = {}
        """The ids of the pending revocations by the fingerprints of their tokens."""
        self.since: dict[str, float] = {}
        """When each became pending, by its id: for people, nothing is decided by it."""
        self.spent: TLRUCache[str, float] = TLRUCache(
            max_spent, lambda _value, until, _now: until, timer=clock
        )
        """The fingerprints of tokens that were revoked: until when they would have lived."""
        self.queue: list[tuple[float, int, str]] = []
        """When each is due, a tie-break, and its id. Entries may be outdated."""
        self._sequence = itertools.count()

    def __len__(self) -> int:
        return len(self.pending)

    @property
    def oldest(self) -> float | None:
        """For how many seconds the oldest revocation has been pending; None where nothing is."""
        since = min(self.since.values(), default=None)
        return None if since is None else max(0.0, self._clock() - since)

    def is_doomed(self, value: str) -> bool:
        """Say whether the token with this fingerprint was revoked, or is about to be."""
        return value in self.spent or value in self.ids

    def add(self, slot: Slot, token: AccessToken) -> bool:
        """Make `token` pending, due now. Return False if it has expired or was revoked."""
        now = self._clock()
        value = token.fingerprint
        if token.expires_at + SAFETY <= now or value in self.spent:
            return False
        if value not in self.ids:
            name = self.ids[value] = self._new_id()
            self.since[name] = now
            self._enqueue(name, _Revocation(slot, token, now))
        return True

    def due(self, limit: int, seconds: float) -> Due:
        """Give at most `limit` revocations away for `seconds`."""
        now = self._clock()
        batch: list[Pending] = []
        expired = 0
        while len(batch) < limit and (name := self._first()) is not None and self.queue[0][0] <= now:
            heapq.heappop(self.queue)
            revocation = self.pending[name]
            revocation.due_at = math.inf  # other entries for it hold no longer
            until = revocation.token.expires_at + SAFETY
            if until <= now:
                self._drop(name)
                expired += 1
            else:
                batch.append(Pending(name, revocation.token.value, until, revocation.attempts))
        for pending in batch:
            self._put_off(pending.id, seconds)
        return Due(batch, expired, None if self._first() is None else max(0.0, self.queue[0][0] - now))

    def condemn(self, pending: Pending, is_handed_out: Callable[[AccessToken], bool]) -> bool:
        """Decide whether the token is revoked now; see RevocationOperations."""
        revocation = self.pending.get(pending.id)
        if revocation is None:
            return False
        if is_handed_out(revocation.token):
            self._drop(pending.id)
            return False
        self.spent[revocation.token.fingerprint] = revocation.token.expires_at + SAFETY
        return True

    def settle(self, pending: Pending) -> None:
        """Take a revocation off the list."""
        self._drop(pending.id)

    def postpone(self, pending: Pending, seconds: float) -> None:
        """Make a revocation due again in `seconds`, and count the failed attempt."""
        if pending.id in self.pending:
            self.pending[pending.id].attempts += 1
            self._put_off(pending.id, seconds)

    def take(self) -> list[tuple[Slot, AccessToken]]:
        """Return all tokens that are pending, and keep none."""
        taken = [(each.slot, each.token) for each in self.pending.values()]
        self.pending.clear()
        self.ids.clear()
        self.since.clear()
        return taken

    def _drop(self, name: str) -> None:
        revocation = self.pending.pop(name, None)
        if revocation is not None:
            self.since.pop(name, None)
            self.ids.pop(revocation.token.fingerprint, None)

    def _put_off(self, name: str, seconds: float) -> None:
        revocation = self.pending[name]
        revocation.due_at = self._clock() + seconds
        self._enqueue(name, revocation)

    def _enqueue(self, name: str, revocation: _Revocation) -> None:
        self.pending[name] = revocation
        heapq.heappush(self.queue, (revocation.due_at, next(self._sequence), name))

    def _first(self) -> str | None:
        """Return the revocation at the head of the queue, past entries that no longer hold."""
        while self.queue:
            due_at, _, name = self.queue[0]
            revocation = self.pending.get(name)
            if revocation is not None and revocation.due_at == due_at:
                return name
            heapq.heappop(self.queue)
        return None
