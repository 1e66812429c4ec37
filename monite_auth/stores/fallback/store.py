"""A shared store with this process's memory beside it, for when the shared one is down.

During an outage tokens live in memory: whom a process has itself seen alive a short while ago goes on (`trust`), each process
mints for itself, and an error in the log says so once. Everybody else gets StoreUnavailable: their session may have ended
elsewhere. Afterwards those tokens become pending revocations of the shared store, since no other process knows of them, and new
ones are minted.

A logout is always accepted. If the shared store cannot record it, it holds in this process at once, and is repeated
before anything else is asked of the store when that is back; `owed` has the rules. Notes are not kept in an outage: whoever
left them can find out again. `delete_note`, `status`, `backlog` and `overview` raise StoreUnavailable, since their answers would be
wrong.
"""

import logging
from collections.abc import Callable

from monite_auth.processes.lifetimes import ProcessLock
from monite_auth.stores.fallback.handover import Handover
from monite_auth.stores.fallback.journal import Journal, NoJournal
from monite_auth.stores.fallback.observed import observed
from monite_auth.stores.fallback.operations import FallbackOperations
from monite_auth.stores.fallback.outage import READ_ONLY, Outage
from monite_auth.stores.fallback.owed import Owed
from monite_auth.stores.fallback.parts import Parts
from monite_auth.stores.fallback.trust import Trust
from monite_auth.stores.memory import MemoryStore
from monite_auth.stores.protocol import Operations, Store
from monite_auth.telemetry import Telemetry
from monite_auth.tokens import Clock

__all__ = ["FallbackStore"]

log = logging.getLogger("monite_auth")

ENDS_WITHIN = 1.0
"""Seconds that a logout waits for a store that is not known to be down. After that it is owed."""


class FallbackStore:
    """Keeps tokens in `shared`, and in `memory` while that is down.

    `outage_trust`: for how many seconds a session is served during an outage, after it was seen alive in `shared`.
    `journal`: where what is owed survives this process. `ends_within`: how many seconds a logout waits for a store that is not
    known to be down; `math.inf`: as long as it takes, in the caller's own flow, as a simulation needs it.
    """

    is_shared = True

    def __init__(
        self,
        shared: Store,
        memory: MemoryStore,
        *,
        clock: Clock,
        telemetry: Telemetry,
        outage_trust: float,
        journal: Journal | None = None,
        ends_within: float = ENDS_WITHIN,
    ) -> None:
        self.shared = shared
        self.memory = memory
        self._clock = clock
        self._telemetry = telemetry
        self._ends_within = ends_within
        self.outage = Outage(clock, telemetry)
        self.read_only = Outage(clock, telemetry, READ_ONLY)
        self.parts = Parts(clock, telemetry)
        self._owed = Owed(clock, telemetry, journal)
        self._handover = Handover(memory, self._owed, clock)
        self._trust = Trust(outage_trust, clock)
        self._whole = self
        self._lock = ProcessLock()
        self._by_account: dict[str, FallbackStore] = {}

    def __repr__(self) -> str:
        return f"<FallbackStore of {self.shared!r}>"

    def keep(self, make_journal: Callable[[], Journal]) -> None:
        """Have what is owed survive this process, in a journal that is made unless there is one already."""
        if isinstance(self._owed.journal, NoJournal):
            self._owed.journal = make_journal()

    @property
    def journal_is_durable(self) -> bool:
        """Whether what is owed survives this process."""
        return self._owed.journal.is_durable

    @property
    def waiting(self) -> int:
        """How many operations the shared store has still to hear of."""
        return len(self._owed)

    def owes(self, user: str) -> bool:
        """Say whether the shared store has still to hear of something about a user."""
        return self._owed.concerns(user)

    def of(self, account: str) -> "FallbackStore":
        """Return the one store of an account, whoever asks: brokers that share it must know of each other's logouts."""
        return self._whole._view_of(account)  # noqa: SLF001 - it is one of us

    def _view_of(self, account: str) -> "FallbackStore":
        with self._lock:
            if account not in self._by_account:
                self._by_account[account] = self._new_view_of(account)
            return self._by_account[account]

    def _new_view_of(self, account: str) -> "FallbackStore":
        shared, memory = self.shared.of(account), self.memory.of(account)
        if shared is self.shared and memory is self.memory:
            return self
        view = FallbackStore(
            shared,
            memory,
            clock=self._clock,
            telemetry=self._telemetry,
            outage_trust=self._trust.seconds,
            ends_within=self._ends_within,
        )
        view._whole = self
        return view

    def operations(self, *, blocking: bool) -> Operations:
        """Return the operations for threads (`blocking`), or for the running event loop."""
        shared = observed(self.shared.operations(blocking=blocking), self._telemetry)
        memory = self.memory.operations(blocking=blocking)
        return FallbackOperations(
            shared,
            memory,
            self.outage,
            self.read_only,
            self.parts,
            self._owed,
            self._handover,
            self._trust,
            self._telemetry,
            blocking=blocking,
            ends_within=self._ends_within,
        )

    def reopen(self) -> None:
        """Open the shared store again at its next operation, since the keys have changed."""
        self.shared.reopen()

    def close(self) -> None:
        """Close the shared store, once the journal has what has begun."""
        self._owed.journal.wait()
        self._warn_about_owed()
        self.shared.close()

    async def aclose(self) -> None:
        """Close the shared store, once the journal has what has begun."""
        await self._owed.journal.written(blocking=False)
        self._warn_about_owed()
        await self.shared.aclose()

    def _warn_about_owed(self) -> None:
        if self._owed and self.journal_is_durable:
            log.warning(
                "The token store is closed and has not heard of %d logouts and other changes. They stand in the journal: the "
                "next process tells it.",
                len(self._owed),
            )
        elif self._owed:
            log.error(
                "The token store is closed and has not heard of %d logouts and other changes. They are lost if this "
                "process ends now.",
                len(self._owed),
            )
