"""The operations of the SQLite store: how what `decisions` decides gets into a transaction, and who waits for it.

Every write begins by unlocking the account's vault, so it knows of a data key that somebody else has renewed. A read
takes the vault as the last write left it: the hot path is one statement. If a value does not open then, somebody has
renewed the data key since, or changed the file: the vault is unlocked anew, and the value read once more.
"""

import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Protocol, TypeVar

from monite_auth.errors import StoreUnavailable
from monite_auth.identity import Partner, Principal, Subject
from monite_auth.processes.lifetimes import PerProcess
from monite_auth.stores.budget import Admission, Priority, Ticket
from monite_auth.stores.protocol import Store
from monite_auth.stores.sealing import SealBroken
from monite_auth.stores.sqlite.database import Database, Job, Locked
from monite_auth.stores.sqlite.decisions import Decisions
from monite_auth.stores.values import (
    Claim,
    Committed,
    Cooldown,
    Due,
    Everything,
    Lease,
    Pending,
    Slot,
    Status,
)
from monite_auth.tokens import AccessToken

__all__ = ["Doer", "SQLiteOperations"]

Result = TypeVar("Result")


class Doer(Protocol):
    """Does `work`, here or in another thread."""

    def __call__(self, work: Callable[[], Result]) -> Awaitable[Result]:
        """Run `work`, and return its result."""


class _VaultLocked(Exception):
    """The file was opened anew, and the vault was not unlocked since."""


class SQLiteOperations:
    """The operations of one account in one of their two forms; how they do `reads` and `writes` is the difference."""

    def __init__(
        self,
        store: Store,
        decisions: Decisions,
        databases: PerProcess[Database],
        reads: Doer,
        writes: Doer,
    ) -> None:
        self._store = store  # which closes its file when nobody has it any more
        self._decisions = decisions
        self._vault = decisions.vault
        self._databases = databases
        self._reads = reads
        self._writes = writes

    @property
    def _database(self) -> Database:
        return self._databases()

    # -- transactions

    def _write(self, decide: Job[Result]) -> Awaitable[Result]:
        return self._writes(partial(self._write_until, self._database.patience_ends(), decide))

    def _write_until(self, until: float, decide: Job[Result]) -> Result:
        def unlock_decide_and_sweep(db: sqlite3.Connection) -> Result:
            self._vault.unlock(db, self._database.opening)
            result = decide(db)
            self._decisions.sweep(db)
            return result

        result = self._database.write(unlock_decide_and_sweep, until=until)
        if self._vault.has_traces:
            self._wipe(until)
        return result

    def _wipe(self, until: float) -> None:
        """Empty the file's log after the data key was renewed; if that cannot be done now, the next opening tries again."""
        self._vault.has_traces = False
        with suppress(StoreUnavailable):  # what this was called after is recorded
            if self._database.empty_log(until=until):
                self._database.write(self._vault.traces_are_gone, until=until)

    def _read(self, look: Job[Result]) -> Awaitable[Result | None]:
        return self._reads(partial(self._read_until, self._database.patience_ends(), look))

    def _read_until(self, until: float, look: Job[Result]) -> Result | None:
        """Run `look` with the vault unlocked; return None if something does not open even so."""

        def look_if_unlocked(db: sqlite3.Connection) -> Result:
            if self._vault.opening is not self._database.opening:
                raise _VaultLocked
            return look(db)

        with suppress(_VaultLocked, SealBroken):
            return self._database.read(look_if_unlocked, until=until)
        self._write_until(until, lambda _db: None)
        try:
            return self._database.read(look, until=until)
        except SealBroken:
            self._vault.warn()
            return None

    # -- the operations

    async def peek(self, slot: Slot, principal: Subject) -> AccessToken | None:
        """See Operations."""
        look = partial(self._decisions.peek, slot=slot, principal=principal)
        database = self._database
        if self._vault.opening is database.opening:
            with suppress(Locked, SealBroken):
                return database.read_at_once(look)
        return await self._read(look)

    async def claim(
        self, slot: Slot, principal: Subject, *, owner: str, seconds: float, min_life: float
    ) -> Claim:
        """See Operations."""
        return await self._write(
            lambda db: self._decisions.claim(
                db, slot, principal, owner=owner, seconds=seconds, min_life=min_life
            )
        )

    async def commit(self, lease: Lease, token: AccessToken) -> Committed:
        """See Operations."""
        return await self._write(lambda db: self._decisions.commit(db, lease, token))

    async def abandon(self, lease: Lease, cooldown: Cooldown | None = None) -> None:
        """See Operations."""
        await self._write(lambda db: self._decisions.abandon(db, lease, cooldown))

    async def discard(self, slot: Slot, fingerprint: str) -> None:
        """See Operations."""
        await self._write(lambda db: self._decisions.discard(db, slot, fingerprint))

    async def begin_session(self, principal: Principal) -> None:
        """See Operations."""
        await self._write(lambda db: self._decisions.begin_session(db, principal))

    async def end_session(self, principal: Principal) -> int:
        """See Operations."""
        return await self._write(lambda db: self._decisions.end_session(db, principal))

    async def end_user(self, user: str) -> int:
        """See Operations."""
        return await self._write(lambda db: self._decisions.end_user(db, user))

    async def relink(self, user: str | Partner) -> int:
        """See Operations."""
        return await self._write(lambda db: self._decisions.relink(db, user))

    async def end_everything(self) -> Everything:
        """See Operations."""
        return await self._write(self._decisions.end_everything)

    async def revoke(self, token: AccessToken) -> int:
        """See Operations."""
        return await self._write(lambda db: self._decisions.revoke(db, token))

    async def status(self, user: str) -> Status:
        """See Operations."""
        return await self._write(lambda db: self._decisions.status(db, user))

    async def backlog(self) -> int:
        """See Operations."""
        return await self._write(self._decisions.backlog)

    async def due(self, limit: int, *, seconds: float) -> Due:
        """See Operations."""
        return await self._write(lambda db: self._decisions.due(db, limit, seconds=seconds))

    async def condemn(self, pending: Pending) -> bool:
        """See Operations."""
        return await self._write(lambda db: self._decisions.condemn(db, pending))

    async def settle(self, pending: Pending) -> None:
        """See Operations."""
        await self._write(lambda db: self._decisions.settle(db, pending))

    async def postpone(self, pending: Pending, seconds: float) -> None:
        """See Operations."""
        await self._write(lambda db: self._decisions.postpone(db, pending, seconds))

    async def put_note(self, user: str, name: str, value: str, *, seconds: float) -> None:
        """See Operations."""
        await self._write(lambda db: self._decisions.put_note(db, user, name, value, seconds=seconds))

    async def get_note(self, user: str, name: str) -> str | None:
        """See Operations."""
        return await self._read(partial(self._decisions.get_note, user=user, name=name))

    async def delete_note(self, user: str, name: str) -> None:
        """See Operations."""
        await self._write(lambda db: self._decisions.delete_note(db, user, name))

    async def admit(self, priority: Priority, ticket: Ticket | None, *, patience: float) -> Admission:
        """See Operations."""
        return await self._write(lambda db: self._decisions.admit(db, priority, ticket, patience=patience))

    async def hold(self, seconds: float) -> None:
        """See Operations."""
        await self._write(lambda db: self._decisions.hold(db, seconds))
