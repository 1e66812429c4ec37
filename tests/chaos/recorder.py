"""Records what becomes of every token that a worker mints, from Monite's answer on.

The judge has to know where a token got to. So the reading of Monite's answer is recorded, since from there on this
package is responsible for the token, and so is the store's `commit`, before and after. The judge also has to know when
the shared store heard of a logout.

| event | means |
|---|---|
| `read` | Monite's answer is here, whole, with this token in it |
| `committing`, `committed` | the token went into a store: `shared`, or this process's `memory` while that is down |
| `recorded` | the shared store has the ending of this session, whether at once or after an outage |
"""

from collections.abc import Callable
from typing import Any

from monite_auth.engine import mint
from monite_auth.identity import Principal
from monite_auth.monite_api.outcomes import Granted
from monite_auth.stores import Committed, Lease, Operations, Store
from monite_auth.tokens import AccessToken, fingerprint
from tests.chaos.event_log import EventLog

LENGTH = 12
"""Hex digits of a fingerprint, as in the emulator's ledger."""


class RecordedStore:
    """A store whose commits and endings are recorded."""

    def __init__(self, store: Any, log: EventLog, where: str) -> None:
        self._store: Store = store
        self._log = log
        self._where = where

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def of(self, account: str) -> "RecordedStore":
        self._store = self._store.of(account)
        return self

    def operations(self, *, blocking: bool) -> Any:
        return _RecordedOperations(self._store.operations(blocking=blocking), self._log, self._where)


class _RecordedOperations:
    def __init__(self, operations: Operations, log: EventLog, where: str) -> None:
        self._operations = operations
        self._log = log
        self._where = where

    def __getattr__(self, name: str) -> Any:
        return getattr(self._operations, name)

    async def commit(self, lease: Lease, token: AccessToken) -> Committed:
        facts = {"token": token.fingerprint[:LENGTH], "where": self._where}
        self._log.write("committing", **facts, session=lease.slot.session)
        committed = await self._operations.commit(lease, token)
        self._log.write("committed", **facts, stored=committed is Committed.STORED)
        return committed

    async def end_session(self, principal: Principal, *, ago: float = 0.0) -> int:
        ended = await self._operations.end_session(principal, ago=ago)
        if self._where == "shared" and principal.session_id is not None:
            self._log.write("recorded", session=int(principal.session_id.removeprefix("session-")))
        return ended


def record_answers(log: EventLog) -> None:
    """Record every token in an answer that is read."""
    read_mint: Callable[..., object] = mint.read_mint  # type: ignore[attr-defined]  # what `mint` calls

    def recorded(*arguments: Any, **options: Any) -> Any:
        outcome = read_mint(*arguments, **options)
        if isinstance(outcome, Granted):
            log.write("read", token=fingerprint(outcome.value)[:LENGTH])
        return outcome

    mint.read_mint = recorded  # type: ignore[attr-defined]  # it is not ours to set
