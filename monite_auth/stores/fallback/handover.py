"""Tokens of an outage on their way into the shared store, which has them revoked: no other process knows of them.

There may be thousands. So whoever asks the store hands over a few of them, one caller at a time, and the drain goes on with the
rest: no caller waits for more than a moment.
"""

from collections import deque

from monite_auth.errors import StoreUnavailable
from monite_auth.processes.lifetimes import ProcessLock
from monite_auth.stores.fallback.owed import Owed
from monite_auth.stores.fallback.owed_operation import OwedOperation
from monite_auth.stores.fallback.turn import Turn
from monite_auth.stores.memory import MemoryStore
from monite_auth.stores.protocol import Operations
from monite_auth.stores.values import Lease, Slot
from monite_auth.tokens import AccessToken, Clock

__all__ = ["NEXT_BITE", "Handover"]

BITE = 20
"""Tokens that one caller hands over at the most: a store nearby takes them in a few milliseconds."""

BITE_SECONDS = 0.05
"""Seconds after which a caller hands over no more. A store that is far away takes one or two in that time."""

NEXT_BITE = 0.05
"""Seconds until the drain hands over more."""

TURN = 10.0
"""Seconds after which a turn is free again, whatever became of its holder."""


class Handover:
    """What one store still has to get from `memory`, and what `owed` keeps for other processes meanwhile."""

    def __init__(self, memory: MemoryStore, owed: Owed, clock: Clock) -> None:
        self._memory = memory
        self._owed = owed
        self._clock = clock
        self._lock = ProcessLock()
        self._tokens: deque[tuple[Slot, AccessToken]] = deque()
        self._kept: list[OwedOperation] = []
        self._turn: Turn | None = None

    def __len__(self) -> int:
        return len(self._tokens)

    def begin(self) -> None:
        """Have everything handed over that memory has now: the outage is over, and nobody reads memory any more."""
        with self._lock:
            self._kept += self._owed.kept()
            self._tokens += self._memory.take()

    async def go_on(self, store: Operations) -> None:
        """Hand a few tokens over, unless another caller does. What fails or is cancelled stays here. Raises StoreUnavailable."""
        with self._lock:
            now = self._clock()
            if not self._tokens or (self._turn is not None and self._turn.is_taken(now)):
                return
            turn = self._turn = Turn.begin(until=now + TURN)
        try:
            for _ in range(BITE):
                if not self._tokens or self._clock() > now + BITE_SECONDS:
                    break
                first = self._tokens[0]
                try:
                    await store.commit(Lease.void(first[0]), first[1])
                except StoreUnavailable:
                    # Perhaps only the part of the store is down that this one belongs to: others go first.
                    self._tokens.rotate(-1)
                    raise
                self._drop(first)
            self._let_go()
        finally:
            turn.end()

    def _drop(self, first: tuple[Slot, AccessToken]) -> None:
        with self._lock:
            # Unless a caller who has lost the turn was first in the end.
            if self._tokens and self._tokens[0] is first:
                self._tokens.popleft()

    def _let_go(self) -> None:
        with self._lock:
            if self._tokens:
                return
            kept, self._kept = self._kept, []
        self._owed.let_go(kept)
