"""What a worker writes down about every token that it mints, from the answer on.

The judge has to know where a token got to. So the store's `commit` is watched, in front and behind, and so is the
reading of Monite's answer: from there on this package is responsible for the token.

| event | means |
|---|---|
| `read` | Monite's answer is here, whole, with this token in it |
| `committing`, `committed` | the token went into a store: `shared`, or this process's `memory` while that is down |
"""

from collections.abc import Callable
from typing import Any

from monite_auth.engine import mint
from monite_auth.monite_api.outcomes import Granted
from monite_auth.stores import Committed, Lease, Operations, Store
from monite_auth.tokens import AccessToken, fingerprint
from tests.chaos.diary import Diary

LENGTH = 12
"""Hex digits of a fingerprint, as in the emulator's ledger."""


class WatchedStore:
    """A store whose commits are written down."""

    def __init__(self, store: Any, diary: Diary, where: str) -> None:
        self._store: Store = store
        self._diary = diary
        self._where = where

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def of(self, account: str) -> "WatchedStore":
        self._store = self._store.of(account)
        return self

    def operations(self, *, blocking: bool) -> Any:
        return _WatchedOperations(self._store.operations(blocking=blocking), self._diary, self._where)


class _WatchedOperations:
    def __init__(self, operations: Operations, diary: Diary, where: str) -> None:
        self._operations = operations
        self._diary = diary
        self._where = where

    def __getattr__(self, name: str) -> Any:
        return getattr(self._operations, name)

    async def commit(self, lease: Lease, token: AccessToken) -> Committed:
        facts = {"token": token.fingerprint[:LENGTH], "where": self._where}
        self._diary.write("committing", **facts, session=lease.slot.session)
        committed = await self._operations.commit(lease, token)
        self._diary.write("committed", **facts, stored=committed is Committed.STORED)
        return committed


def watch_answers(diary: Diary) -> None:
    """Write down every token in an answer that is read."""
    read_mint: Callable[..., object] = mint.read_mint  # type: ignore[attr-defined]  # what `mint` calls

    def watched(*arguments: Any, **options: Any) -> Any:
        outcome = read_mint(*arguments, **options)
        if isinstance(outcome, Granted):
            diary.write("read", token=fingerprint(outcome.value)[:LENGTH])
        return outcome

    mint.read_mint = watched  # type: ignore[attr-defined]  # it is not ours to set
