"""The database file: opening it, its connections, its transactions.

What the file says about tokens is none of this file's business.

Connections are taken from a stack and put back: to take one is a single atomic step of a deque, without a lock. They belong to
one process, and so does a `Connections`; `forks` says what its children inherit. Writers of one process queue at a lock of
their own, so that only one of them has to try for the file's.
"""

import os
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from monite_auth.errors import StoreUnavailable
from monite_auth.stores.sqlite import schema
from monite_auth.stores.sqlite.creation import create
from monite_auth.stores.sqlite.errors import Locked, is_busy
from monite_auth.stores.sqlite.file_time import FileTime
from monite_auth.stores.sqlite.forks import CALLS, HOLDS, Hold
from monite_auth.stores.sqlite.locks import FIRST_PAUSE, Locks
from monite_auth.stores.sqlite.rescue import LOGS, identity, save_into_new_file

__all__ = ["IDLE_LIMIT", "Connections", "Job"]

Result = TypeVar("Result")
Job = Callable[[sqlite3.Connection], Result]

CONNECTION_LIMIT = 4
"""Threads that use a connection when none is idle. The others wait, since to open one takes as long as fifty reads."""

IDLE_LIMIT = 16
"""Connections that are kept for later; seldom do more threads use the file at once."""

EMPTYING_LIMIT = 0.25
"""Seconds to try to empty the log: a read keeps it for microseconds only, but a backup may for long."""

LOG_LIMIT = 4 * 1024 * 1024
"""Bytes of the write-ahead log that stay on the disk when its content is in the file: what it takes between two checkpoints.
While somebody reads for long, a backup say, it grows beyond that; the second write after that cuts it."""

FILE_CHECK_INTERVAL = 0.1
"""Seconds after which a read makes sure that the file is still at its path. That takes a fifth of the time of a read."""


class Connections:
    """One file, `path`, as one process has it open. `patience`: seconds to wait for the locks of others.

    `file_time`: the time of the file, which is known once it was opened.

    `opening` is another object each time that the file was opened: knowledge of its content from before may be outdated.
    """

    def __init__(self, path: Path, *, patience: float, file_time: FileTime) -> None:
        self.path = path
        # SQLite follows links, and keeps the log beside the file that it finds. A link that leads elsewhere later is noticed.
        self._real = Path(os.path.realpath(path))
        self._locks = Locks(self._real, patience)
        self.opening: object = None
        self.file_time = file_time
        self.deadline = self._locks.deadline
        self._stack: deque[sqlite3.Connection] = deque()
        self._calls = CALLS()
        self._hold: Hold | None = None
        self._file: tuple[int, int] | None = None
        """Device and number of the file that was opened."""
        self._log_files = [self._real.with_name(self._real.name + each) for each in LOGS]
        self._logs: list[tuple[int, int]] | None = None
        """Those of its log and the index of that, while a connection is open; None where that is not known."""
        self._check_at = 0.0
        self._is_left = False
        self._ready = False
        self._open = 0
        self._count_lock = threading.Lock()
        self._open_lock = threading.Lock()
        self._write_lock = threading.Lock()
        self._limit = threading.Semaphore(CONNECTION_LIMIT)

    # -- whether the file is still the one at the path

    def was_replaced_lately(self) -> bool:
        """Say whether the file was deleted or replaced, as it was found within the last tenth of a second."""
        now = time.monotonic()
        if now < self._check_at:
            return False
        self._check_at = now + FILE_CHECK_INTERVAL
        return self.was_replaced()

    def was_replaced(self) -> bool:
        """Say whether the file, or its log, was deleted or replaced since it was opened."""
        if self._file is None:
            return False
        try:
            return identity(self.path) != self._file or self._has_lost_its_log()
        except FileNotFoundError:
            return True
        except OSError:  # whether it is still there cannot be told
            return False

    def _has_lost_its_log(self) -> bool:
        return self._open > 0 and self._logs is not None and self._logs != self._identities_of_logs()

    def _identities_of_logs(self) -> list[tuple[int, int]]:
        return [identity(each) for each in self._log_files]

    def save(self) -> bool:
        """Put a new file with the same content in place of one that has only lost its log; say whether that was so.

        Raises StoreUnavailable if it cannot be done now.
        """
        former = self._file
        try:
            if former is None or identity(self.path) != former:
                return False
        except OSError:
            return False
        with (
            self._locks.translated(),
            self._locks.inside_sqlite(),
            self._borrowed(self._idle()) as connection,
        ):
            return save_into_new_file(self._real, former, connection)

    def _idle(self) -> sqlite3.Connection:
        """Return an idle connection: a new one would open another log."""
        until = self.deadline()
        while True:
            with suppress(IndexError):
                return self._stack.pop()
            if time.monotonic() >= until:
                raise StoreUnavailable(f"The log of the token store {self.path} was deleted.", retry_after=1)
            time.sleep(FIRST_PAUSE)

    def leave(self) -> None:
        """Let go of a file that was replaced: close idle connections now, and those in use when they are free.

        The hold is the last to go. While it is there, SQLite deletes no log as a connection closes: it would be that of the
        new file.
        """
        self._ready, self._is_left = False, True
        self._close_idle()
        self._give_up_hold_of_left_file()

    def _give_up_hold_of_left_file(self) -> None:
        with self._count_lock:
            hold = self._hold if self._is_left and self._open == 0 else None
            if hold is not None:
                self._hold = None
        if hold is not None:
            HOLDS().give_back(hold)

    # -- transactions

    def read(self, job: Job[Result], *, until: float) -> Result:
        """Run `job`, which reads with one statement, and wait for locks."""
        with self._connection(until) as connection:
            return self._locks.retry_while_locked(lambda: job(connection), until)

    def read_at_once(self, job: Job[Result]) -> Result:
        """Run `job` as `read` does if nothing has to be waited for; else raise Locked."""
        try:
            connection = self._stack.pop()
        except IndexError:
            raise Locked from None
        try:
            self._calls.enter()
            try:
                result = job(connection)
            finally:
                self._calls.leave()
        except BaseException as error:
            with self._borrowed(connection):
                if isinstance(error, sqlite3.Error) and is_busy(error):
                    raise Locked from error
                raise
        self._give_back(connection)
        return result

    def write(self, job: Job[Result], *, until: float) -> Result:
        """Run `job` in a transaction of its own: when this returns, all that it did is recorded, else nothing."""
        with self._locks.acquired(self._write_lock, until), self._connection(until) as connection:
            return self._locks.retry_while_locked(lambda: self._transact(connection, job), until)

    def empty_log(self, *, until: float) -> bool:
        """Write all of the write-ahead log into the file, and empty it; return False if others keep it from that."""
        until = min(until, time.monotonic() + EMPTYING_LIMIT)
        with self._locks.acquired(self._write_lock, until), self._connection(until) as connection:
            while self._locks.retry_while_locked(
                lambda: connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0], until
            ):
                if time.monotonic() >= until:
                    return False
                time.sleep(FIRST_PAUSE)
            return True

    def _transact(self, connection: sqlite3.Connection, job: Job[Result]) -> Result:
        connection.execute("BEGIN IMMEDIATE")
        try:
            with self._locks.translated():  # here already: a transaction that has begun is not tried again
                result = job(connection)
                connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:  # some errors have ended it already
                connection.execute("ROLLBACK")
            raise
        return result

    # -- connections

    @contextmanager
    def _connection(self, until: float) -> Iterator[sqlite3.Connection]:
        try:
            connection = self._stack.pop()
        except IndexError:
            with self._locks.acquired(self._limit, until), self._another(until) as connection:
                yield connection
            return
        with self._borrowed(connection):
            yield connection

    @contextmanager
    def _another(self, until: float) -> Iterator[sqlite3.Connection]:
        try:
            connection = self._stack.pop()  # one that came back while we waited
        except IndexError:
            with self._locks.translated():
                connection = self._connect(until)
        with self._borrowed(connection):
            yield connection

    @contextmanager
    def _borrowed(self, connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
        """Take the connection back when its borrower is done; one that has seen an error is not used again."""
        fit = True
        try:
            with self._locks.translated():
                yield connection
        except StoreUnavailable:
            fit = False
            raise
        finally:
            if fit and not connection.in_transaction:
                self._give_back(connection)
            else:
                self._discard(connection)

    def _give_back(self, connection: sqlite3.Connection) -> None:
        if self._ready and len(self._stack) < IDLE_LIMIT:
            self._stack.append(connection)
        else:
            self._discard(connection)

    def _connect(self, until: float) -> sqlite3.Connection:
        with self._locks.acquired(self._open_lock, until):
            if self._is_left:
                raise StoreUnavailable(f"The token store {self.path} was replaced.", retry_after=1)
            if not self._ready:
                create(self._real)
                self._file = identity(self._real)  # before it is opened: what comes after this is noticed
            elif self._open and self.was_replaced():  # another connection would not see the same
                raise StoreUnavailable(f"The token store {self.path} was replaced.", retry_after=1)
            with self._locks.inside_sqlite():
                connection = self._new_connection()
            try:
                # What is committed is in the file of the write-ahead log, where it survives any process.
                self._locks.retry_while_locked(
                    lambda: connection.execute("PRAGMA synchronous = NORMAL"), until
                )
                # What is deleted, a former key must not open.
                self._locks.retry_while_locked(lambda: connection.execute("PRAGMA secure_delete = ON"), until)
                self._locks.retry_while_locked(
                    lambda: connection.execute(f"PRAGMA journal_size_limit = {LOG_LIMIT}"), until
                )
                if not self._ready:
                    self._prepare(connection, until)
                    self.opening = object()
                    self._ready = True
                if self._hold is None:
                    self._hold = HOLDS().take(self._real)
                if self._open == 0:
                    self._locks.retry_while_locked(lambda: connection.execute("PRAGMA schema_version"), until)
                    self._logs = None
                    with suppress(OSError):
                        self._logs = self._identities_of_logs()
            except BaseException:
                with self._locks.inside_sqlite():
                    connection.close()
                raise
            with self._count_lock:
                self._open += 1
            return connection

    def _prepare(self, connection: sqlite3.Connection, until: float) -> None:
        """Bring the file to the newest version of the schema, and into this boot; a file that is there is only read."""
        path, retry = self._locks.path, self._locks.retry_while_locked
        # First: others' files are left as they are.
        is_ready = retry(
            lambda: schema.is_newest(connection, path) and self.file_time.find(connection), until
        )
        retry(lambda: schema.use_log(connection, path), until)
        if not is_ready:
            retry(lambda: self._transact(connection, self._bring_up), until)

    def _bring_up(self, db: sqlite3.Connection) -> None:
        schema.upgrade(db, self._locks.path)
        self.file_time.begin(db)

    def _new_connection(self) -> sqlite3.Connection:
        return sqlite3.connect(
            f"{self._locks.path.as_uri()}?mode=rw",  # never create: `creation` does, with the right mode
            uri=True,
            timeout=0,  # see `locks`
            isolation_level=None,
            check_same_thread=False,  # one thread at a time: the one that took it from the stack
        )

    def _discard(self, connection: sqlite3.Connection) -> None:
        try:
            with self._locks.inside_sqlite():
                connection.close()
        finally:
            with self._count_lock:
                self._open -= 1
            if self._is_left:
                self._give_up_hold_of_left_file()

    def close(self) -> None:
        """Close all connections, those in use when they are free; the next operation opens the file anew."""
        with self._open_lock:
            self._ready = False
            until = self.deadline()
            while self._open and time.monotonic() < until:
                self._close_idle()
                if self._open:
                    time.sleep(FIRST_PAUSE)  # being told would cost every reader a lock
            hold = self._hold
            if hold is not None and self._open == 0:
                self._hold = None
                HOLDS().give_back(hold)
                self._delete_log()

    def _close_idle(self) -> None:
        with suppress(IndexError):
            while True:
                self._discard(self._stack.pop())

    def _delete_log(self) -> None:
        """Leave one file, if no other process has it open: the last connection to close does that, unless held."""
        with suppress(sqlite3.Error), self._locks.inside_sqlite(), closing(self._new_connection()) as last:
            last.execute("SELECT count(*) FROM sqlite_schema")
