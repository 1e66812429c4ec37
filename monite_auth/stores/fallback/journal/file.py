"""One journal file: owed operations of one account, sealed, and marks of those that have been carried out.

    monite-auth-journal 1 <id> <envelope>     the data key of this file, wrapped by the keys of the store
    +1 <sealed>                               an operation is owed
    -1                                        it has been carried out

A line counts once its line break is there. The process that holds the lock owes what stands in the file. It is a POSIX lock:
a forked child does not inherit it, and it is gone when the process is, however that ends.
"""

import base64
import errno
import json
import logging
import os
from collections.abc import Iterable
from contextlib import suppress
from secrets import token_hex

from monite_auth.processes.lifetimes import PerProcess
from monite_auth.stores.fallback.journal.directory import ENDING, JournalDirectory
from monite_auth.stores.fallback.owed_operation import OwedOperation, parse, text_of
from monite_auth.stores.sealing import Envelope, Seal, SealBroken
from monite_auth.tokens import Clock

__all__ = ["JournalFile", "NoKeyOpens"]

log = logging.getLogger("monite_auth")

HEADER = "monite-auth-journal 1"

TRIES = 3
"""How often a file is created. Another process may look at it, and remove it, before this one has locked it."""

locked_names: PerProcess[set[str]] = PerProcess(set)
"""The names of the files that this process has locked. It must not open them once more: to close any descriptor of a file
gives back all POSIX locks that the process has on it."""


class NoKeyOpens(Exception):
    """A file was sealed with a key that is not here."""


class JournalFile:
    """A file that this process has locked. Its methods raise OSError."""

    def __init__(self, directory: JournalDirectory, name: str, descriptor: int) -> None:
        self.name = name
        self._directory = directory
        self._descriptor = descriptor
        self._seal: Seal | None = None
        self._place: tuple[str, ...] = ()
        self._numbers: dict[OwedOperation, int] = {}
        self._last_number = 0
        self._is_listed = False
        """Whether its name in the directory survives a crash of the host."""
        self._size = 0
        """Bytes of whole lines."""
        self._is_torn = False
        """Whether a part of a line stands behind the whole ones, and cannot be taken away."""

    def __del__(self) -> None:
        if os is not None:  # else the interpreter ends, and the system closes it
            self._close()

    # -- opening

    @classmethod
    def create(cls, directory: JournalDirectory, prefix: str, envelope: Envelope) -> "JournalFile":
        """Create a file, and lock it."""
        for _ in range(TRIES):
            name = f"{prefix}{token_hex(8)}{ENDING}"
            locked_names().add(name)  # first: this process must not find it
            try:
                file = cls(directory, name, directory.create(name))
            except OSError:
                locked_names().discard(name)
                raise
            if file._lock():
                file._begin(envelope)
                return file
            file._close()
        raise BlockingIOError("Other processes have taken every new journal.")

    @classmethod
    def adopt(
        cls, directory: JournalDirectory, name: str, envelope: Envelope, clock: Clock
    ) -> "JournalFile | None":
        """Open the file of a dead process, and lock it; return None where its process lives, or there is nothing in it.

        Raises NoKeyOpens.
        """
        descriptor = directory.open(name)
        if descriptor is None:
            return None
        file = cls(directory, name, descriptor)
        if not file._lock():
            file._close()
            return None
        locked_names().add(name)
        file._read(envelope, clock)
        if file.owed:
            return file
        file.remove()
        return None

    def _lock(self) -> bool:
        """Lock the file; return False if another process has it, or has removed it."""
        import fcntl  # noqa: PLC0415 - not every system has it

        try:
            fcntl.lockf(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):  # which of the two is left to the system (POSIX)
            return False
        return self.is_there

    @property
    def is_there(self) -> bool:
        """Whether the file is still in its directory, where other processes look for it."""
        return self._directory.has(self.name, self._descriptor)

    def _begin(self, envelope: Envelope) -> None:
        opened = envelope.new()
        file_id = token_hex(16)
        content = {name: base64.b64encode(value).decode() for name, value in opened.content.items()}
        self._use(opened.seal, file_id)
        try:
            self._append(f"{HEADER} {file_id} {json.dumps(content, separators=(',', ':'))}")
        except OSError:  # the disk is full
            self.remove()
            raise

    def _use(self, seal: Seal, file_id: str) -> None:
        # The prefix of the name is the account's: a file that was renamed to another account's does not open.
        self._seal, self._place = seal, ("journal", self.name.partition(".")[0], file_id)

    # -- reading

    def _read(self, envelope: Envelope, clock: Clock) -> None:
        content = _whole(self._descriptor)
        whole = content[: content.rfind(b"\n") + 1]
        if len(whole) < len(content):  # the process died while it wrote the last line
            os.ftruncate(self._descriptor, len(whole))
        self._size = len(whole)
        header, *lines = whole.decode("ascii", "replace").split("\n")[:-1] or [""]
        if not header:
            return
        try:
            file_id, wrapped = header.removeprefix(HEADER).split()
            fields = {name: base64.b64decode(value) for name, value in json.loads(wrapped).items()}
        except (ValueError, AttributeError):
            raise NoKeyOpens from None
        opened = envelope.open(fields)
        if opened is None:
            raise NoKeyOpens
        self._use(opened.seal, file_id)
        self._numbers = {each: number for number, each in self._operations(lines, clock).items()}

    def _operations(self, lines: Iterable[str], clock: Clock) -> dict[int, OwedOperation]:
        assert self._seal is not None
        owed: dict[int, OwedOperation] = {}
        for line in lines:
            with suppress(ValueError, SealBroken):
                if line.startswith("-"):
                    owed.pop(int(line), None)
                    continue
                number, sealed = line.split()
                self._last_number = int(number)
                text = self._seal.open(base64.b64decode(sealed), *self._place, number)
                owed[-self._last_number] = parse(text, clock=clock)
                continue
            log.error(
                "A line of the journal %s cannot be read: it was changed, or the disk has failed.", self.name
            )
        return {-number: each for number, each in owed.items()}

    # -- writing

    @property
    def owed(self) -> list[OwedOperation]:
        """What is owed by this file, oldest first."""
        return list(self._numbers)

    def append(self, operation: OwedOperation) -> None:
        """Write an operation down. It survives the process from now on, and the host after `sync`."""
        assert self._seal is not None
        number = self._last_number + 1
        sealed = self._seal.seal(text_of(operation), *self._place, f"+{number}")
        self._append(f"+{number} {base64.b64encode(sealed).decode()}")
        self._last_number = number
        self._numbers[operation] = number

    def settle(self, operation: OwedOperation) -> None:
        """Note that an operation has been carried out. If the note is lost, it is carried out once more."""
        self._append(f"-{self._numbers.pop(operation)}")

    def sync(self) -> None:
        """Have what was written survive a crash of the host. May be called from another thread."""
        try:
            os.fsync(self._descriptor)
        except OSError as error:
            if error.errno == errno.EBADF:  # it has been removed meanwhile, since nothing is owed any more
                return
            raise
        if not self._is_listed:
            self._directory.sync()
            self._is_listed = True

    def _append(self, line: str) -> None:
        """Write a line, whole or not at all."""
        content = b"\n" * self._is_torn + line.encode("ascii") + b"\n"
        rest = content
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError:  # the disk is full
            self._is_torn = self._is_torn or len(rest) < len(content)
            with suppress(OSError):
                os.ftruncate(self._descriptor, self._size)
                self._is_torn = False
            raise
        self._is_torn = False
        self._size = os.fstat(self._descriptor).st_size

    def remove(self) -> None:
        """Remove the file, and give back its lock."""
        try:
            self._directory.remove(self.name)
        finally:
            self._close()

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            locked_names().discard(self.name)
            with suppress(OSError):
                os.close(descriptor)


def _whole(descriptor: int) -> bytes:
    """Return the whole content of a file."""
    size = os.fstat(descriptor).st_size
    content = b""
    while len(content) < size and (more := os.pread(descriptor, size - len(content), len(content))):
        content += more
    return content
