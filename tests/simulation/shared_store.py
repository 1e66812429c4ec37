"""The store that processes share, as far as it may be in trouble, and the journals of those that have a fallback.

A *trouble* begins at an operation that the store does not do any more, and lasts until an operation finds the store well again:
nobody else could tell when exactly the one or the other came.
"""

from typing import Any

from monite_auth.errors import StoreReadOnly, StoreUnavailable
from monite_auth.identity import Partner
from monite_auth.stores.fallback.owed_operation import OwedOperation, parse, text_of
from monite_auth.tokens import Clock

__all__ = [
    "BACK",
    "CUT",
    "DOWN",
    "FULL",
    "POISONED",
    "READ_ONLY",
    "TROUBLES",
    "Journals",
    "ModelJournal",
    "SharedStore",
]

DOWN, CUT, FULL, READ_ONLY, POISONED = "store down", "answer cut", "store full", "read-only", "part down"
"""The troubles of a store."""

TROUBLES = {
    DOWN: "it answers nobody",
    CUT: "it does one more operation, whose answer is lost, and answers nobody then",
    FULL: "it does nothing that needs new room, as a full Redis",
    READ_ONLY: "it answers reads, and nothing that writes, as a full disk",
    POISONED: "it does nothing that concerns alice",
}

BACK = "store back"
"""The trouble is over."""

NEEDS_ROOM = {"claim", "put_note"}
READS = {"peek", "session_state", "status", "backlog", "overview", "get_note"}
UNLUCKY = "alice"
"""Of whom a part of the store is down."""

WITHOUT_USER = {
    "due",
    "condemn",
    "settle",
    "postpone",
    "admit",
    "hold",
    "lower_limit",
    "backlog",
    "overview",
    "end_everything",
    "revoke",
}
"""Operations that are about nobody in particular."""


class SharedStore:
    """What a process's fallback has as its shared store.

    `store`: its operations, which are steps of the simulation. `trouble`: what is wrong with it now, if anything.
    """

    is_shared = True

    def __init__(self, store: Any) -> None:
        self._store = store
        self.trouble: str | None = None

    def begin(self, trouble: str) -> None:
        """Have trouble from now on, or none any more."""
        self.trouble = None if trouble == BACK else DOWN if trouble == CUT else trouble

    def would_refuse(
        self, trouble: str | None, name: str, arguments: tuple[Any, ...]
    ) -> StoreUnavailable | None:
        """Return the error of an operation in such trouble, or None where it is done all the same."""
        if trouble in (DOWN, CUT):
            return StoreUnavailable("The store is down.")
        if (trouble == FULL and name in NEEDS_ROOM) or (trouble == READ_ONLY and name not in READS):
            return StoreReadOnly("The store takes no writes.")
        if trouble == POISONED and concerns(name, arguments, UNLUCKY):
            return StoreUnavailable("A part of the store is down.", part="alice's")
        return None

    def refusal(self, name: str, arguments: tuple[Any, ...]) -> StoreUnavailable | None:
        """Return the error of an operation now, or None."""
        return self.would_refuse(self.trouble, name, arguments)

    # -- what a store is

    def of(self, account: str) -> "SharedStore":
        """See Store."""
        del account
        return self

    def operations(self, *, blocking: bool) -> Any:
        """See Store."""
        del blocking
        return self._store

    def reopen(self) -> None:
        """See Store."""

    def close(self) -> None:
        """See Store."""

    async def aclose(self) -> None:
        """See Store."""


def concerns(name: str, arguments: tuple[Any, ...], user: str | Partner) -> bool:
    """Say whether an operation is about this user."""
    return name not in WITHOUT_USER and OwedOperation(name, arguments).user == user


class Journals:
    """The journals of all processes of one account, as text, by the name of the process."""

    def __init__(self) -> None:
        self.texts: dict[str, dict[int, str]] = {}
        self.dead: set[str] = set()


class ModelJournal:
    """The journal of one process; see `monite_auth.stores.fallback.journal.Journal`. It loses nothing, and is never full."""

    has_files = True
    is_durable = True

    def __init__(self, journals: Journals, process: str, clock: Clock) -> None:
        self._journals = journals
        self._texts = journals.texts.setdefault(process, {})
        self._numbers: dict[OwedOperation, int] = {}
        self._clock = clock

    def append(self, operation: OwedOperation) -> None:
        """See Journal."""
        number = max(self._texts, default=0) + 1
        self._texts[number] = text_of(operation)
        self._numbers[operation] = number

    def settle(self, operation: OwedOperation) -> None:
        """See Journal."""
        self._texts.pop(self._numbers.pop(operation, 0), None)

    def wait(self) -> None:
        """See Journal."""

    def adopt(self) -> list[OwedOperation]:
        """See Journal."""
        left = [self._journals.texts.pop(each, {}) for each in sorted(self._journals.dead)]
        adopted = [parse(text, clock=self._clock) for texts in left for _, text in sorted(texts.items())]
        for operation in adopted:
            self.append(operation)
        return adopted

    async def written(self, *, blocking: bool) -> None:
        """See Journal."""

    async def sync(self, *, blocking: bool) -> None:
        """See Journal."""
