"""The store of one process: nothing survives it, nothing leaves it.

All that it keeps is bounded. A user who has to make room for others is forgotten, but their tokens are not: they become
pending revocations.
"""

import secrets
import time
from collections.abc import Callable
from copy import copy
from functools import partial

from monite_auth.processes.lifetimes import ProcessLock
from monite_auth.settings import Settings
from monite_auth.stores.dates import WallClock
from monite_auth.stores.memory.operations import MemoryOperations
from monite_auth.stores.protocol import Operations
from monite_auth.stores.values import Slot
from monite_auth.tokens import AccessToken, Clock, steady_clock

__all__ = ["MemoryStore"]


def _new_id() -> str:
    return secrets.token_hex(8)


class MemoryStore:
    """Keeps tokens in this process.

    `max_users`: how many users are remembered; the one least recently written makes room. As many notes are kept.
    `max_ended`: how many logouts are remembered, for `session_memory` seconds each.
    `requests_per_second`: Monite's limit.
    `wall_clock`: what dates logins; by default the machine's, or `clock` where that is a test's. A simulation hands in a WallClock,
    since its processes share this store and are on hosts of their own.
    `new_id`: returns an id for a lease or a revocation; a simulation hands in its own, so that a run can be repeated.
    `make_operations`: makes what keeps one account; a simulation hands in its own, with mistakes in it.
    """

    is_shared = False

    def __init__(
        self,
        *,
        max_users: int = 50_000,
        max_ended: int = 200_000,
        session_memory: float = 14 * 24 * 3600,
        requests_per_second: float = 30,
        clock: Clock = steady_clock,
        wall_clock: Clock | WallClock | None = None,
        new_id: Callable[[], str] = _new_id,
        make_operations: type[MemoryOperations] = MemoryOperations,
    ) -> None:
        if not isinstance(wall_clock, WallClock):
            wall_clock = WallClock(wall_clock or (time.time if clock is steady_clock else clock), clock)
        self._make_operations = partial(
            make_operations,
            max_users=max_users,
            max_ended=max_ended,
            session_memory=session_memory,
            requests_per_second=requests_per_second,
            clock=clock,
            wall_clock=wall_clock,
            new_id=new_id,
        )
        self._lock = ProcessLock()
        self._accounts: dict[str, MemoryOperations] = {}  # shared by all views
        self._account: str | None = None

    def __repr__(self) -> str:
        return "<MemoryStore>"

    @classmethod
    def from_settings(cls, settings: Settings, clock: Clock) -> "MemoryStore":
        """Return the store of `memory://`."""
        return cls(
            session_memory=settings.session_memory,
            requests_per_second=settings.requests_per_second,
            clock=clock,
        )

    def of(self, account: str) -> "MemoryStore":
        """See Store."""
        with self._lock:
            if self._account is None:
                self._account = account
        if self._account == account:
            return self
        view = copy(self)
        view._account = account  # noqa: SLF001 - it is one of us
        return view

    def operations(self, *, blocking: bool) -> Operations:  # noqa: ARG002 - nothing here waits, either way
        """Return the operations: the same for threads and event loops."""
        return self._operations()

    def _operations(self) -> MemoryOperations:
        with self._lock:
            if self._account is None:
                self._account = ""
            if self._account not in self._accounts:
                self._accounts[self._account] = self._make_operations()
            return self._accounts[self._account]

    @property
    def pending(self) -> int:
        """How many revocations are pending."""
        return self._operations().pending

    def take(self) -> list[tuple[Slot, AccessToken]]:
        """Give away every token, live, superseded or pending: another store sees to them from now on."""
        return self._operations().take()

    def reopen(self) -> None:
        """Do nothing: nothing is sealed."""

    def close(self) -> None:
        """Do nothing: there is nothing open."""

    async def aclose(self) -> None:
        """Do nothing: there is nothing open."""
