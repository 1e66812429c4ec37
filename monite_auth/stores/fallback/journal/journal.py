"""The journal of one account in one process, as the rest of the package sees it."""

import logging
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from typing import Protocol

from monite_auth.errors import ConfigurationError
from monite_auth.functions import is_on_event_loop
from monite_auth.processes.flows import run
from monite_auth.processes.lifetimes import PerProcess, ProcessLock
from monite_auth.processes.threads import Threads
from monite_auth.stores.fallback.journal.directory import JournalDirectory
from monite_auth.stores.fallback.journal.file import JournalFile, NoKeyOpens, locked_names
from monite_auth.stores.fallback.journal.syncing import Syncing, is_done
from monite_auth.stores.fallback.owed_operation import OwedOperation
from monite_auth.stores.sealing import Envelope, Keys
from monite_auth.tokens import Clock

__all__ = ["FileJournal", "Journal", "NoJournal"]

log = logging.getLogger("monite_auth")

WRITTEN_WITHIN = 5.0
"""Seconds that a caller waits for the system to take a record at the most: a thousand times as long as that takes. A disk that takes
longer cannot be written."""

_adopting = ProcessLock()
"""Held while this process looks for files: two journals of it must not open the same one."""


class Journal(Protocol):
    """Where owed operations survive the process. Nothing here raises: a logout goes on without a journal.

    To settle an operation twice, or one of a parent process, has no effect. `append`, `settle` and `adopt` are called one at a time.
    `append` and `settle` wait for no disk: whoever has called them calls `wait`, or `written`, when others need not wait for that.
    """

    @property
    def is_durable(self) -> bool:
        """Whether all that is owed would survive the process."""

    @property
    def has_files(self) -> bool:
        """Whether processes that have died may have left something to adopt."""

    def append(self, operation: OwedOperation) -> None:
        """Begin to keep an operation that is owed from now on."""

    def settle(self, operation: OwedOperation) -> None:
        """Begin to forget an operation that has been carried out."""

    def wait(self) -> None:
        """Wait, for a bounded time, until the system has all that has begun; return at once on an event loop."""

    def adopt(self) -> list[OwedOperation]:
        """Return what processes that have died had still to tell the store. It is owed by this process from now on."""

    async def written(self, *, blocking: bool) -> None:
        """Wait, for a bounded time, until what was kept survives this process.

        `blocking`: wait in the thread, and not on the event loop.
        """

    async def sync(self, *, blocking: bool) -> None:
        """Do as `written`, and wait for a moment until what was kept would survive a crash of the host, too."""


class NoJournal:
    """Keeps nothing: what is owed dies with the process."""

    is_durable = False
    has_files = False

    def append(self, operation: OwedOperation) -> None:
        """See Journal."""

    def settle(self, operation: OwedOperation) -> None:
        """See Journal."""

    def wait(self) -> None:
        """See Journal."""

    def adopt(self) -> list[OwedOperation]:
        """See Journal."""
        return []

    async def written(self, *, blocking: bool) -> None:
        """See Journal."""

    async def sync(self, *, blocking: bool) -> None:
        """See Journal."""


class _Here:
    """What one process has of a journal. A forked child begins anew: its parent's files are its parent's.

    Files are written by one thread, in order. A disk may hang, and neither an event loop nor those who only read may hang with it.
    """

    def __init__(self, patience: float) -> None:
        self.patience = patience
        self.own: JournalFile | None = None
        self.files: dict[OwedOperation, JournalFile] = {}
        """Which file each operation stands in."""
        self.unwritten: list[OwedOperation] = []
        """What could not be written yet, oldest first."""
        self.has_failed = False
        """Whether it has been said that the journal cannot be written."""
        self.last: Future[None] | None = None
        """The last change, which comes after all others."""
        self.given_up: Future[None] | None = None
        """The last change for which somebody has waited in vain. Nobody waits before that has been made."""
        self.unreadable: set[str] = set()
        """Files that open with none of our keys."""
        self.syncing = Syncing(self.sync)
        self._threads = Threads(1, name="monite_auth journal")

    @property
    def is_writing(self) -> bool:
        """Whether a change has begun that has not been written yet."""
        return self.last is not None and not self.last.done()

    def begin(self, change: Callable[[], None]) -> None:
        """Have the thread make a change, after those that have begun before."""
        self.last = self._threads.submit(change)

    async def wait(self, *, blocking: bool) -> None:
        """Wait until all has been written that has begun, or until that takes too long."""
        last = self.last
        if last is None or (self.given_up is not None and not self.given_up.done()):
            return
        if not await is_done(last, within=self.patience, blocking=blocking):
            self.given_up = last
            self.warn_about_disk("the disk does not answer")

    def warn_about_disk(self, why: str) -> None:
        """Say, once until it works again, that the journal cannot be written."""
        if not self.has_failed:
            self.has_failed = True
            log.warning(
                "The journal in MONITE_JOURNAL_DIRECTORY cannot be written (%s): logouts that the token store has not heard "
                "of are lost if this process dies before the store is back.",
                why,
            )

    def warn_about(self, name: str) -> None:
        """Say, once, that a file opens with none of our keys."""
        if name in self.unreadable:
            return
        self.unreadable.add(name)
        log.error(
            "The journal %s of a process that has died opens with none of our keys, and has logouts that the token store has not "
            "heard of. Add the former client secret or key to MONITE_STORE_KEYS, behind the new one.",
            name,
        )

    def sync(self) -> None:
        """Have what was written survive a crash of the host, if the disk can."""
        try:
            if self.own is not None:
                self.own.sync()
        except OSError as error:
            log.warning("The journal may not survive a crash of this host: %s.", error.strerror)


class FileJournal:
    """Keeps what is owed in files of `directory`, sealed with the `keys` of the store.

    `prefix`: what the names of the account's files begin with. `clock`: that of tokens. `patience`: the seconds that a caller waits for
    the system to take a record.
    """

    has_files = True

    def __init__(
        self,
        directory: JournalDirectory,
        prefix: str,
        keys: Keys,
        clock: Clock,
        *,
        patience: float = WRITTEN_WITHIN,
    ) -> None:
        self._directory = directory
        self._prefix = prefix
        self._envelope = Envelope(keys)
        self._clock = clock
        self._here: PerProcess[_Here] = PerProcess(partial(_Here, patience))

    @property
    def is_durable(self) -> bool:
        """See Journal."""
        here = self._here()
        return not here.is_writing and not here.unwritten and self._directory.problem() is None

    def append(self, operation: OwedOperation) -> None:
        """See Journal."""
        here = self._here()
        here.begin(partial(self._append, here, operation))

    def _append(self, here: _Here, operation: OwedOperation) -> None:
        here.unwritten.append(operation)
        try:
            self._write(here)
        except (OSError, ConfigurationError) as error:
            here.warn_about_disk(getattr(error, "strerror", None) or str(error))

    def _write_again(self, here: _Here) -> None:
        with suppress(OSError, ConfigurationError):  # there may be room on the disk again
            self._write(here)

    def _write(self, here: _Here) -> None:
        """Write what could not be written so far."""
        if here.own is not None and not here.own.is_there:  # somebody has removed it
            lost, here.own = here.own.owed, None
            here.unwritten[:0] = lost
        while here.unwritten:
            if here.own is None:
                here.own = JournalFile.create(self._directory, self._prefix, self._envelope)
            here.own.append(here.unwritten[0])
            here.files[here.unwritten.pop(0)] = here.own
        here.has_failed = False

    def settle(self, operation: OwedOperation) -> None:
        """See Journal."""
        here = self._here()
        here.begin(partial(self._settle, here, operation))

    def _settle(self, here: _Here, operation: OwedOperation) -> None:
        if operation in here.unwritten:
            here.unwritten.remove(operation)
        file = here.files.pop(operation, None)
        if file is None:  # it was never written, or is in a file of our parent's
            return
        with suppress(OSError):  # it is repeated once more, but only if this process dies now
            file.settle(operation)
        if not file.owed:
            if file is here.own:
                here.own = None
            try:
                file.remove()
            except FileNotFoundError:
                pass
            except OSError as error:
                log.warning("The journal %s cannot be removed: %s.", file.name, error.strerror)

    def adopt(self) -> list[OwedOperation]:
        """See Journal."""
        here = self._here()
        adopted: list[OwedOperation] = []
        if here.unwritten:
            here.begin(partial(self._write_again, here))
        with _adopting:
            for name in self._names():
                if name in locked_names():
                    continue
                try:
                    file = JournalFile.adopt(self._directory, name, self._envelope, self._clock)
                except OSError:  # another process was quicker
                    continue
                except NoKeyOpens:
                    here.warn_about(name)
                    continue
                if file is not None:
                    here.files |= dict.fromkeys(file.owed, file)
                    adopted += file.owed
        return adopted

    def _names(self) -> list[str]:
        try:
            return self._directory.names(self._prefix)
        except OSError:  # there is no directory (yet)
            return []

    def wait(self) -> None:
        """See Journal."""
        if not is_on_event_loop():
            run(self.written(blocking=True))

    async def written(self, *, blocking: bool) -> None:
        """See Journal."""
        await self._here().wait(blocking=blocking)

    async def sync(self, *, blocking: bool) -> None:
        """See Journal."""
        await self.written(blocking=blocking)
        here = self._here()
        if here.own is not None:
            await here.syncing.wait(blocking=blocking)
