"""SQLiteStore: hands out operations for each account, keeps the threads that may wait, and closes the file."""

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
from urllib.parse import unquote

from monite_auth.configuration.discretion import discreet
from monite_auth.errors import ConfigurationError
from monite_auth.processes.boot_clock import BootClock, this_boot
from monite_auth.processes.lifetimes import PerProcess
from monite_auth.settings import Settings
from monite_auth.stores.dates import WallClock
from monite_auth.stores.protocol import Operations
from monite_auth.stores.sealing import Envelope, Keys
from monite_auth.stores.sqlite.connections import Connections
from monite_auth.stores.sqlite.file_time import FileTime
from monite_auth.stores.sqlite.keys import AccountKeys
from monite_auth.stores.sqlite.open_file import OpenFile
from monite_auth.stores.sqlite.operations import SQLiteOperations
from monite_auth.stores.sqlite.schema import check_library
from monite_auth.stores.sqlite.sweep import Sweeper
from monite_auth.tokens import Clock, Secret, steady_clock

__all__ = ["SQLiteStore"]

Result = TypeVar("Result")


class SQLiteStore:
    """Keeps tokens in a file at `path`, for all processes of this host; the file is made when it is first needed.

    `keys`: the first seals tokens, all open them (`Settings.sealing_keys`); or a source of keys that is asked whenever the
    envelope is opened (`Settings.credentials`).
    `session_memory`: how long ended sessions are remembered, in seconds.
    `requests_per_second`: Monite's limit.
    `clock`: the wall clock, which dates logins; the machine's if None.
    `token_clock`: the clock of the tokens that come and go.
    `boot_clock`: counts everything else; this boot's if None.
    `busy_timeout`: how long to wait while another process has the file locked, in seconds.

    The directory must be on a local disk: network file systems do not have the locks that this needs.

    Raises: StoreUnavailable from operations, when the file cannot be used; ConfigurationError when the file belongs to another
    program or a newer version, or none of the keys opens what the account has there.
    """

    is_shared = True

    @discreet
    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        keys: Keys,
        session_memory: float = 14 * 24 * 3600,
        requests_per_second: float = 30,
        clock: Clock | None = None,
        token_clock: Clock = steady_clock,
        boot_clock: BootClock | None = None,
        busy_timeout: float = 5.0,
    ) -> None:
        if not keys:
            raise ConfigurationError("SQLiteStore needs a key to seal with: pass keys=settings.sealing_keys.")
        check_library()
        clock = clock or time.time
        self._path = Path(path).absolute()  # now: daemons change their directory
        self._envelope = Envelope(keys)
        self._make_keys = partial(AccountKeys, envelope=self._envelope, clock=clock)
        self._make_operations = partial(
            SQLiteOperations,
            session_memory=session_memory,
            requests_per_second=requests_per_second,
            clock=WallClock(clock, token_clock),
            token_clock=token_clock,
        )
        connections = partial(_new_connections, self._path, busy_timeout, clock, boot_clock or this_boot())
        self._file: PerProcess[OpenFile] = PerProcess(partial(OpenFile, connections))
        self._sweeper = Sweeper()
        # One thread each is enough: the file takes one writer at a time, and hardly a reader waits. And it takes two: while a
        # writer waits for another process, readers need not.
        self._workers = _Worker("monite_auth_sqlite_reads"), _Worker("monite_auth_sqlite_writes")
        # Of a view: the store that closes the file when nobody has it any more.
        self._whole: SQLiteStore | None = None
        self._account: dict[str, str] = {}  # `setdefault` decides for one, whatever the threads
        self._keys_by_account: dict[str, AccountKeys] = {}  # shared by all views
        # A store that nobody closes leaves nothing open.
        weakref.finalize(self, _close, self._file)

    def __repr__(self) -> str:
        return f"<SQLiteStore {self._path}>"

    @classmethod
    @discreet
    def from_settings(cls, settings: Settings, clock: Clock) -> "SQLiteStore":
        """Return the store of `sqlite:///relative/path` or `sqlite:////absolute/path`, which SQLAlchemy reads alike.

        Raises: ConfigurationError, when the URL names no file.
        """
        path = unquote(settings.store_url.removeprefix("sqlite:///"))
        if not path or path in (settings.store_url, ":memory:"):
            raise ConfigurationError(
                "MONITE_STORE_URL names no file: write sqlite:///relative/path or sqlite:////absolute/path."
            )
        return cls(
            path,
            keys=settings.credentials,
            session_memory=settings.session_memory,
            requests_per_second=settings.requests_per_second,
            token_clock=clock,
        )

    @property
    def _connections(self) -> Connections:
        return self._file().connections

    def of(self, account: str) -> "SQLiteStore":
        """See Store."""
        if self._account.setdefault("account", account) == account:
            return self
        view = copy(self)
        view._account = {"account": account}  # noqa: SLF001 - it is one of us
        view._whole = self  # noqa: SLF001
        return view

    @property
    def _keys(self) -> AccountKeys:
        account = self._account.setdefault("account", "")
        if account not in self._keys_by_account:
            self._keys_by_account.setdefault(account, self._make_keys(account))
        return self._keys_by_account[account]

    def operations(self, *, blocking: bool) -> Operations:
        """Return the operations for threads; or those for event loops, where only `peek` runs on the loop."""
        reads, writes = (_here, _here) if blocking else (worker.run for worker in self._workers)
        return self._make_operations(self, self._keys, self._sweeper, self._file, reads, writes)

    def reopen(self) -> None:
        """See Store."""
        for keys in list(self._keys_by_account.values()):
            keys.reopen()

    def take_names(self, names_key: Secret) -> None:
        """Have the store name users and sessions with this key of another store's, from the next operation on."""
        self._envelope.take_names(names_key)
        self.reopen()

    def close(self) -> None:
        """Close the file; the next operation opens it again."""
        for worker in self._workers:
            worker.dismiss()
        self._connections.close()

    async def aclose(self) -> None:
        """Close the file, as `close` does."""
        _, writes = self._workers
        await writes.run(self._connections.close)
        for worker in self._workers:
            worker.dismiss(wait=False)


def _new_connections(path: Path, patience: float, wall: Clock, boot: BootClock) -> Connections:
    return Connections(path, patience=patience, file_time=FileTime(wall, boot))


def _close(process_file: PerProcess[OpenFile]) -> None:
    if (file := process_file.existing()) is not None:
        file.connections.close()


async def _here(work: Callable[[], Result]) -> Result:
    return work()


class _Hired:
    """The thread of a worker, if it has one now."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.thread: ThreadPoolExecutor | None = None


class _Worker:
    """A thread of our own for work that may wait for a lock: the loop's threads may all be waiting for a token."""

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
        """Let the thread end when it has done its work; a new one begins when it is needed."""
        here = self._here()
        with here.lock:
            thread, here.thread = here.thread, None
        if thread is not None:
            thread.shutdown(wait=wait)
