"""The store of one host: a file that all its processes share. SQLite comes with Python; there is no server.

A commit is in the file before its operation returns, so it survives `kill -9` of any process. After a power cut the
last moments before it may be missing, but never half an operation: tokens minted in them are then left to expire, and
so are those of logouts in them.

Times in the file are wall-clock time, which all processes and the next boot agree on. Tokens come and go by their
callers' clocks; only what is left of their lives is carried over. If the wall clock is set back, tokens seem to live
longer by as much; when Monite then refuses one, it is discarded like any other.

`schema` has the tables, `database` the file and its transactions, `troubles` what can go wrong with it, `vault` what is
sealed in it, and `decisions` the operations.
"""

import asyncio
import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Protocol, TypeVar

from monite_auth.errors import ConfigurationError
from monite_auth.identity import Principal
from monite_auth.lifetimes import call_in_child
from monite_auth.stores.base import (
    Claim,
    Committed,
    Due,
    Everything,
    Lease,
    Operations,
    Pending,
    Rest,
    Slot,
    Status,
)
from monite_auth.stores.budget import Admission, Priority, Ticket
from monite_auth.stores.sqlite.database import Database, Job, Locked
from monite_auth.stores.sqlite.decisions import Decisions
from monite_auth.stores.sqlite.vault import Vault
from monite_auth.tokens import AccessToken, Clock, Secret, steady_clock

__all__ = ["SQLiteStore"]

Result = TypeVar("Result")


class SQLiteStore:
    """Keeps tokens in a file at `path`, for all processes of this host; the file is made when it is first needed.

    `keys`: what seals the file, the first one, and what may open it, all (`Settings.sealing_keys`).
    `session_memory`: how long ended sessions are remembered, in seconds.
    `requests_per_second`: Monite's limit.
    `clock`: the wall clock, which counts in the file; `token_clock`: the clock of the tokens that come and go.
    `busy_timeout`: how long to wait while another process has the file locked, in seconds.

    Operations raise StoreUnavailable when the file cannot be used, and ConfigurationError when it is not ours to
    use: of another program, of a newer version, or sealed with other keys.

    The directory must be on a local disk: network file systems do not have the locks that this needs.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        keys: Sequence[Secret],
        session_memory: float = 14 * 24 * 3600,
        requests_per_second: float = 30,
        clock: Clock = time.time,
        token_clock: Clock = steady_clock,
        busy_timeout: float = 5.0,
    ) -> None:
        if not keys:
            raise ConfigurationError("SQLiteStore needs a key to seal with: pass keys=settings.sealing_keys.")
        vault = Vault(keys)
        self._decisions = Decisions(
            vault,
            session_memory=session_memory,
            requests_per_second=requests_per_second,
            clock=clock,
            token_clock=token_clock,
        )
        self._database = Database(path, patience=busy_timeout, unlock=vault.unlock)
        # One thread each is enough: the file takes one writer at a time, and hardly a reader waits. It takes both:
        # while a writer waits for another process, readers of the file need not.
        self._workers = _Worker("monite_auth_sqlite_reads"), _Worker("monite_auth_sqlite_writes")
        weakref.finalize(self, self._database.close)  # a store that nobody closes leaves nothing open

    def __repr__(self) -> str:
        return f"<SQLiteStore {self._database.path}>"

    def of(self, account: str) -> "SQLiteStore":  # noqa: ARG002
        """See Store."""
        return self

    def operations(self, *, blocking: bool) -> Operations:
        """Return the operations for threads; or those for event loops, where only `peek` runs on the loop."""
        reads, writes = (_here, _here) if blocking else (worker.run for worker in self._workers)
        return _Operations(self, self._decisions, self._database, reads, writes)

    def close(self) -> None:
        """Close the file; the next operation opens it again."""
        for worker in self._workers:
            worker.dismiss()
        self._database.close()

    async def aclose(self) -> None:
        """Close the file, as `close` does."""
        _, writes = self._workers
        await writes.run(self._database.close)
        for worker in self._workers:
            worker.dismiss(wait=False)


async def _here(work: Callable[[], Result]) -> Result:
    return work()


class _Worker:
    """A thread of our own for what may wait for a lock: those of the loop may all be waiting for a token."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._start()
        call_in_child(self._start)

    def _start(self) -> None:
        self._thread: ThreadPoolExecutor | None = None
        self._hiring = threading.Lock()

    async def run(self, work: Callable[[], Result]) -> Result:
        """Run `work` in the thread, and to its end even if its task is cancelled: a minted token must be recorded."""
        with self._hiring:
            if self._thread is None:
                self._thread = ThreadPoolExecutor(1, thread_name_prefix=self._name)
            done = self._thread.submit(work)
        return await asyncio.shield(asyncio.wrap_future(done))

    def dismiss(self, *, wait: bool = True) -> None:
        """Let the thread end when it has done what it has; the next to be needed is a new one."""
        with self._hiring:
            thread, self._thread = self._thread, None
        if thread is not None:
            thread.shutdown(wait=wait)


class _Doer(Protocol):
    def __call__(self, work: Callable[[], Result]) -> Awaitable[Result]:
        """Run `work`, here or elsewhere."""


class _Operations:
    """The operations in one of their two forms; how they do `reads` and `writes` is the difference."""

    def __init__(
        self, store: SQLiteStore, decisions: Decisions, database: Database, reads: _Doer, writes: _Doer
    ) -> None:
        self._store = store  # which closes its file when nobody has it any more
        self._decisions = decisions
        self._database = database
        self._reads = reads
        self._writes = writes

    def _write(self, decide: Job[Result]) -> Awaitable[Result]:
        def decide_and_sweep(db: sqlite3.Connection) -> Result:
            result = decide(db)
            self._decisions.sweep(db)
            return result

        return self._writes(
            partial(self._database.write, decide_and_sweep, until=self._database.patience_ends())
        )

    async def peek(self, slot: Slot, principal: Principal | None) -> AccessToken | None:
        """See Operations."""
        look = partial(self._decisions.peek, slot=slot, principal=principal)
        try:
            return self._database.read_at_once(look)
        except Locked:
            return await self._reads(partial(self._database.read, look, until=self._database.patience_ends()))

    async def claim(
        self, slot: Slot, principal: Principal | None, *, owner: str, seconds: float, min_life: float
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

    async def abandon(self, lease: Lease, rest: Rest | None = None) -> None:
        """See Operations."""
        await self._write(lambda db: self._decisions.abandon(db, lease, rest))

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

    async def relink(self, user: str | None) -> int:
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

    async def remember(self, user: str, name: str, value: str, *, seconds: float) -> None:
        """See Operations."""
        await self._write(lambda db: self._decisions.remember(db, user, name, value, seconds=seconds))

    async def recall(self, user: str, name: str) -> str | None:
        """See Operations."""
        look = partial(self._decisions.recall, user=user, name=name)
        return await self._reads(partial(self._database.read, look, until=self._database.patience_ends()))

    async def forget(self, user: str, name: str) -> None:
        """See Operations."""
        await self._write(lambda db: self._decisions.forget(db, user, name))

    async def admit(self, priority: Priority, ticket: Ticket | None, *, patience: float) -> Admission:
        """See Operations."""
        return await self._write(lambda db: self._decisions.admit(db, priority, ticket, patience=patience))

    async def hold(self, seconds: float) -> None:
        """See Operations."""
        await self._write(lambda db: self._decisions.hold(db, seconds))
