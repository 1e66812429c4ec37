"""The store of one host: a file that all its processes share. SQLite comes with Python; there is no server.

A commit is in the file before its operation returns, so it survives `kill -9` of any process. After a power cut the
last moments before it may be missing, but never half an operation: tokens minted in them are then left to expire, and
so are those of logouts in them.

Times in the file are wall-clock time of this host, which all processes and the next boot agree on. Tokens come and go by
their callers' clocks; only what is left of their lives is carried over. If the wall clock is set back, tokens seem to live
longer by as much; when Monite then refuses one, it is discarded like any other.

The same clock counts the moments of endings, and dates of logins are compared with it, of sessions that the file does not
know. What has claimed a token, or was begun (`begin_session`), is known by its name, and no clock is asked about it. If the
wall clock is set back after an ending, a session that is dated after that, and that nobody begins, is taken for one from
before the ending until the clock has caught up.

Several accounts can share a file; each has tokens, sessions, endings, budget and keys of its own.

`schema` has the tables, `database` the file and its transactions, `troubles` what can go wrong with it, `envelopes` the
keys of accounts, `vault` what is sealed in the file, `decisions` what each operation decides, and `operations` how that
gets done.
"""

import asyncio
import os
import threading
import time
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from functools import partial
from pathlib import Path
from typing import TypeVar

from monite_auth.configuration.discretion import discreet
from monite_auth.errors import ConfigurationError
from monite_auth.processes.lifetimes import PerProcess
from monite_auth.stores.protocol import Operations
from monite_auth.stores.sealing import Keys
from monite_auth.stores.sqlite.database import Database, check_library
from monite_auth.stores.sqlite.decisions import Decisions
from monite_auth.stores.sqlite.operations import SQLiteOperations
from monite_auth.stores.sqlite.vault import Vault
from monite_auth.tokens import Clock, steady_clock

__all__ = ["SQLiteStore"]

Result = TypeVar("Result")


class SQLiteStore:
    """Keeps tokens in a file at `path`, for all processes of this host; the file is made when it is first needed.

    `keys`: what seals the file, the first one, and what may open it, all (`Settings.sealing_keys`); or a function that is
    asked for them whenever the file's keys are looked at.
    `session_memory`: how long ended sessions are remembered, in seconds.
    `requests_per_second`: Monite's limit.
    `clock`: the wall clock, which counts in the file; `token_clock`: the clock of the tokens that come and go.
    `busy_timeout`: how long to wait while another process has the file locked, in seconds.

    Operations raise StoreUnavailable when the file cannot be used, and ConfigurationError when it is not ours to
    use: of another program, of a newer version, or the account's own and sealed with other keys.

    The directory must be on a local disk: network file systems do not have the locks that this needs.
    """

    @discreet
    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        keys: Keys,
        session_memory: float = 14 * 24 * 3600,
        requests_per_second: float = 30,
        clock: Clock = time.time,
        token_clock: Clock = steady_clock,
        busy_timeout: float = 5.0,
    ) -> None:
        if not keys:
            raise ConfigurationError("SQLiteStore needs a key to seal with: pass keys=settings.sealing_keys.")
        check_library()
        self._path = Path(path).absolute()  # now: daemons change their directory
        self._make_vault = partial(Vault, keys=keys, clock=clock)
        self._make_decisions = partial(
            Decisions,
            session_memory=session_memory,
            requests_per_second=requests_per_second,
            clock=clock,
            token_clock=token_clock,
        )
        self._databases = PerProcess(partial(Database, self._path, patience=busy_timeout))
        # One thread each is enough: the file takes one writer at a time, and hardly a reader waits. It takes both:
        # while a writer waits for another process, readers of the file need not.
        self._workers = _Worker("monite_auth_sqlite_reads"), _Worker("monite_auth_sqlite_writes")
        self._whole: SQLiteStore | None = None  # for views: who closes the file when nobody has it any more
        self._account: dict[str, str] = {}  # `setdefault` decides for one, whatever the threads
        self._decisions_of: dict[str, Decisions] = {}  # shared by all views
        weakref.finalize(self, _close, self._databases)  # a store that nobody closes leaves nothing open

    def __repr__(self) -> str:
        return f"<SQLiteStore {self._path}>"

    @property
    def _database(self) -> Database:
        return self._databases()

    def of(self, account: str) -> "SQLiteStore":
        """See Store."""
        if self._account.setdefault("account", account) == account:
            return self
        view = copy(self)
        view._account = {"account": account}  # noqa: SLF001 - it is one of us
        view._whole = self  # noqa: SLF001
        return view

    @property
    def _decisions(self) -> Decisions:
        account = self._account.setdefault("account", "")
        if account not in self._decisions_of:
            self._decisions_of.setdefault(account, self._make_decisions(self._make_vault(account)))
        return self._decisions_of[account]

    def operations(self, *, blocking: bool) -> Operations:
        """Return the operations for threads; or those for event loops, where only `peek` runs on the loop."""
        reads, writes = (_here, _here) if blocking else (worker.run for worker in self._workers)
        return SQLiteOperations(self, self._decisions, self._databases, reads, writes)

    def reopen(self) -> None:
        """Have keys asked for, and envelopes opened, again by the next operation: the keys have changed."""
        for decisions in list(self._decisions_of.values()):
            decisions.vault.lock()

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


def _close(databases: PerProcess[Database]) -> None:
    if (database := databases.existing()) is not None:
        database.close()


async def _here(work: Callable[[], Result]) -> Result:
    return work()


class _Hired:
    """The thread of a worker, if it has one now."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.thread: ThreadPoolExecutor | None = None


class _Worker:
    """A thread of our own for what may wait for a lock: those of the loop may all be waiting for a token."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._here = PerProcess(_Hired)

    async def run(self, work: Callable[[], Result]) -> Result:
        """Run `work` in the thread, and to its end even if its task is cancelled: a minted token must be recorded."""
        here = self._here()
        with here.lock:
            if here.thread is None:
                here.thread = ThreadPoolExecutor(1, thread_name_prefix=self._name)
            done = here.thread.submit(work)
        return await asyncio.shield(asyncio.wrap_future(done))

    def dismiss(self, *, wait: bool = True) -> None:
        """Let the thread end when it has done what it has; the next to be needed is a new one."""
        here = self._here()
        with here.lock:
            thread, here.thread = here.thread, None
        if thread is not None:
            thread.shutdown(wait=wait)
