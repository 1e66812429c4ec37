"""The database file: opening it, its connections, its transactions; `troubles` has what can go wrong with them.

What the file says about tokens is none of this file's business.

Connections are taken from a stack and put back: taking one is a single atomic step of a deque, without a lock.
They belong to one process, and so does a `Database`; `forks` says what its children inherit.

Nothing waits inside SQLite: what finds the file locked comes back and tries again, here, so that an event loop can
look once and leave the waiting to a thread. Writers of one process queue at a lock of their own, so only one of them
has to try.
"""

import os
import random
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from monite_auth.errors import ConfigurationError, StoreUnavailable
from monite_auth.stores.sqlite import schema
from monite_auth.stores.sqlite.forks import CALLS, HOLDS, Hold
from monite_auth.stores.sqlite.troubles import explained, is_busy, locked_too_long

__all__ = ["Database", "Locked", "check_library"]

Result = TypeVar("Result")
Job = Callable[[sqlite3.Connection], Result]

OLDEST_SQLITE = (3, 37, 0)
"""The first with STRICT tables (November 2021)."""

MOST_MORE = 4
"""Threads that use a connection when none is idle; the others wait, since to open one takes as long as fifty reads."""

MOST_IDLE = 16
"""Connections that are kept for later; more than so many threads are seldom in here at once."""

FIRST_PAUSE, LONGEST_PAUSE = 0.0005, 0.01
"""Seconds between tries for a lock that another process holds: a transaction of ours takes about half of the first."""

LONGEST_EMPTYING = 0.25
"""Seconds to try to empty the log: who reads it does so for microseconds, but a backup may take long."""


def check_library() -> None:
    """Raise ConfigurationError where Python's SQLite is too old."""
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        raise ConfigurationError(
            f"SQLiteStore needs SQLite 3.37 or newer; this Python has {sqlite3.sqlite_version}."
        )


class Locked(Exception):
    """Another process has the file locked at this moment."""


class Database:
    """One file, `path`, as one process has it open. `patience`: seconds to wait for the locks of others.

    `opening` is another object each time that the file was opened: what was known of its content before may be outdated.
    """

    def __init__(self, path: Path, *, patience: float) -> None:
        self.path = path
        self._patience = patience
        self.opening: object = None
        self._idle: deque[sqlite3.Connection] = deque()
        self._calls = CALLS()
        self._hold: Hold | None = None
        self._random = random.Random()  # noqa: S311 - no secret; the module's own is inherited by forks in C
        self._ready = False
        self._open = 0
        self._counting = threading.Lock()
        self._opening = threading.Lock()
        self._turn = threading.Lock()
        self._room = threading.Semaphore(MOST_MORE)

    # -- transactions

    def patience_ends(self) -> float:
        """Return until when (`time.monotonic`) something that is asked for now may wait for locks.

        Work that queues for a thread loses its patience in the queue, so that all fail together while the file is
        locked, and not one after the other.
        """
        return time.monotonic() + self._patience

    def read(self, job: Job[Result], *, until: float) -> Result:
        """Run `job`, which reads with one statement, and wait for locks."""
        with self._connection(until) as connection:
            return self._insist(lambda: job(connection), until)

    def read_at_once(self, job: Job[Result]) -> Result:
        """Run `job` as `read` does if nothing has to be waited for; else raise Locked."""
        try:
            connection = self._idle.pop()
        except IndexError:
            raise Locked from None
        try:
            self._calls.enter()
            try:
                result = job(connection)
            finally:
                self._calls.leave()
        except BaseException as error:
            with self._lent(connection):
                if isinstance(error, sqlite3.Error) and is_busy(error):
                    raise Locked from error
                raise
        self._give_back(connection)
        return result

    def write(self, job: Job[Result], *, until: float) -> Result:
        """Run `job` in a transaction of its own: when this returns, all that it did is recorded, else nothing."""
        with self._held(self._turn, until), self._connection(until) as connection:
            return self._insist(lambda: self._transact(connection, job), until)

    def empty_log(self, *, until: float) -> bool:
        """Write all that is in the write-ahead log into the file, and empty it; return False if others keep it from that."""
        until = min(until, time.monotonic() + LONGEST_EMPTYING)
        with self._held(self._turn, until), self._connection(until) as connection:
            while self._insist(
                lambda: connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0], until
            ):
                if time.monotonic() >= until:
                    return False
                time.sleep(FIRST_PAUSE)
            return True

    def _transact(self, connection: sqlite3.Connection, job: Job[Result]) -> Result:
        connection.execute("BEGIN IMMEDIATE")
        try:
            with explained(self.path, self._patience):  # here already: what has begun is not tried again
                result = job(connection)
                connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:  # some errors have ended it already
                connection.execute("ROLLBACK")
            raise
        return result

    @contextmanager
    def _held(self, lock: "threading.Lock | threading.Semaphore", until: float) -> Iterator[None]:
        if not lock.acquire(timeout=max(0.0, until - time.monotonic())):
            raise locked_too_long(self.path, self._patience)
        try:
            yield
        finally:
            lock.release()

    def _insist(self, attempt: Callable[[], Result], until: float) -> Result:
        """Try until the file is not locked; once at least."""
        pause = FIRST_PAUSE
        while True:
            try:
                with self._inside():
                    return attempt()
            except sqlite3.OperationalError as error:
                if not is_busy(error) or time.monotonic() >= until:
                    raise
            time.sleep(pause * self._random.uniform(0.5, 1))
            pause = min(LONGEST_PAUSE, pause * 1.5)

    @contextmanager
    def _inside(self) -> Iterator[None]:
        """Do something with SQLite within; a fork waits for its end."""
        self._calls.enter()
        try:
            yield
        finally:
            self._calls.leave()

    # -- connections

    @contextmanager
    def _connection(self, until: float) -> Iterator[sqlite3.Connection]:
        try:
            connection = self._idle.pop()
        except IndexError:
            with self._held(self._room, until), self._another(until) as connection:
                yield connection
            return
        with self._lent(connection):
            yield connection

    @contextmanager
    def _another(self, until: float) -> Iterator[sqlite3.Connection]:
        try:
            connection = self._idle.pop()  # one that came back while we waited for room
        except IndexError:
            with explained(self.path, self._patience):
                connection = self._connect(until)
        with self._lent(connection):
            yield connection

    @contextmanager
    def _lent(self, connection: sqlite3.Connection) -> Iterator[None]:
        """Take the connection back when its borrower is done; one that has seen an error is not used again."""
        fit = True
        try:
            with explained(self.path, self._patience):
                yield
        except StoreUnavailable:
            fit = False
            raise
        finally:
            if fit and not connection.in_transaction:
                self._give_back(connection)
            else:
                self._discard(connection)

    def _give_back(self, connection: sqlite3.Connection) -> None:
        if self._ready and len(self._idle) < MOST_IDLE:
            self._idle.append(connection)
        else:
            self._discard(connection)

    def _connect(self, until: float) -> sqlite3.Connection:
        with self._held(self._opening, until):
            if not self._ready:
                self._create()
            with self._inside():
                connection = self._new_connection()
            try:
                # What is committed is in the file of the write-ahead log, where it survives any process.
                self._insist(lambda: connection.execute("PRAGMA synchronous = NORMAL"), until)
                # What is deleted, a former key must not open.
                self._insist(lambda: connection.execute("PRAGMA secure_delete = ON"), until)
                if not self._ready:
                    self._prepare(connection, until)
                    self.opening = object()
                    self._ready = True
                if self._hold is None:
                    self._hold = HOLDS().take(self.path)
            except BaseException:
                with self._inside():
                    connection.close()
                raise
            with self._counting:
                self._open += 1
            return connection

    def _new_connection(self) -> sqlite3.Connection:
        return sqlite3.connect(
            f"{self.path.as_uri()}?mode=rw",  # never create: _create does, with the right mode
            uri=True,
            timeout=0,  # see _insist
            isolation_level=None,
            check_same_thread=False,  # one thread at a time: whoever took it from the stack
        )

    def _discard(self, connection: sqlite3.Connection) -> None:
        try:
            with self._inside():
                connection.close()
        finally:
            with self._counting:
                self._open -= 1

    def close(self) -> None:
        """Close all connections, those in use when they are free; the next operation opens the file anew."""
        with self._opening:
            self._ready = False
            until = self.patience_ends()
            while self._open and time.monotonic() < until:
                with suppress(IndexError):
                    while True:
                        self._discard(self._idle.pop())
                if self._open:
                    time.sleep(FIRST_PAUSE)  # being told would cost every reader a lock
            hold = self._hold
            if hold is not None and self._open == 0:
                self._hold = None
                HOLDS().give_back(hold)
                self._delete_log()

    def _delete_log(self) -> None:
        """Leave one file, if no other process has it open: the last connection to close does that, unless held."""
        with suppress(sqlite3.Error), self._inside(), closing(self._new_connection()) as last:
            last.execute("SELECT count(*) FROM sqlite_schema")

    # -- the file

    def _create(self) -> None:
        """Create the file, readable by its owner alone whatever the umask; SQLite's side files take after it."""
        try:
            file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return
        try:
            if hasattr(os, "fchmod"):  # not on Windows
                os.fchmod(file, 0o600)
        finally:
            os.close(file)

    def _prepare(self, connection: sqlite3.Connection, until: float) -> None:
        """Bring the file to the newest version of the schema, unless it is not ours or from the future."""
        self._insist(lambda: self._version(connection), until)  # first: what is not ours is left as it is
        mode = self._insist(lambda: connection.execute("PRAGMA journal_mode = WAL").fetchone()[0], until)
        if mode != "wal":
            raise ConfigurationError(
                f"{self.path} cannot be a store: its file system has no shared memory for SQLite's write-ahead log. "
                "Choose a store_url on a local disk."
            )
        self._insist(lambda: self._transact(connection, self._upgrade), until)

    def _version(self, connection: sqlite3.Connection) -> int:
        """Return the version of the schema; refuse what is not ours."""
        application, version, tables = connection.execute(
            "SELECT (SELECT application_id FROM pragma_application_id), "
            "(SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM sqlite_schema)"
        ).fetchone()
        if application != schema.APPLICATION_ID and (application, version, tables) != (0, 0, 0):
            raise ConfigurationError(
                f"{self.path} is an SQLite database of another program, and is left alone. Choose another store_url."
            )
        newest = len(schema.MIGRATIONS)
        if version > newest:
            raise ConfigurationError(
                f"{self.path} was written by a newer monite-auth (schema {version}; this one knows up to {newest}). "
                "Install that version here too, or choose another store_url."
            )
        return int(version)

    def _upgrade(self, connection: sqlite3.Connection) -> None:
        version = self._version(connection)  # again: another process may have been first
        if version < len(schema.MIGRATIONS):
            for step in schema.MIGRATIONS[version:]:
                for statement in step:
                    connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {len(schema.MIGRATIONS)}")
