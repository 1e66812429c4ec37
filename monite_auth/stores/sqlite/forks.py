"""What a forked child inherits of SQLite, and why that does no harm here.

A child neither uses nor closes its parent's connections (https://sqlite.org/howtocorrupt.html, section 2.6); it opens its own.
That is not enough. For each file, SQLite keeps a record in memory of the locks that the process holds, and a child inherits
that record too. For idle connections it is wrong in one point: the child believes that it holds the two locks that every open
connection holds, but the system does not pass these on.

| lock | protects from | without it |
|---|---|---|
| shared, on the database | a last connection elsewhere, which deletes the log as it closes | the child's commits go into a deleted file |
| shared, on byte 128 of the -shm file | a first connection elsewhere, which empties that file | the child dies of SIGBUS |

So a process that has the file open holds both a second time, as locks of an open file description (Linux's F_OFD_SETLK). A
child inherits these at the very moment of the fork, and they last as long as either of the two lives: see `Hold`. They are
shared locks, which nobody has to wait for. But while they are there no connection deletes the log, so `Connections.close` does
that afterwards.

Calls that are in progress are another matter. A thread that is inside SQLite at the moment of the fork does not exist in the
child, but its locks do. Some of them lie in memory, where the child would wait for them for ever. So a fork that Python makes
waits for a moment until no thread is inside (`_before_fork`). This is no lock: threads that come meanwhile wait for the fork,
and each side stops waiting by itself. A fork in C does not wait. If it came at the wrong moment, the child knows, and its store
raises StoreUnavailable instead of hanging.

Two limits remain. Where there are no such locks (macOS, BSD), a process that has used the store must outlive the children that
it forks, or close the store before. And other users of SQLite in the process, Django for instance, share some locks with ours;
a fork does not wait for their threads.
"""

import os
import struct
import threading
import time
from collections import deque
from contextlib import suppress
from pathlib import Path
from threading import get_ident

from monite_auth.errors import StoreUnavailable
from monite_auth.processes.lifetimes import PerProcess

try:
    import fcntl
except ImportError:  # Windows, where nothing forks
    fcntl = None  # type: ignore[assignment]

__all__ = ["CALLS", "HOLDS", "Hold"]

LONGEST_WAIT = 0.5
"""Seconds that a fork waits for threads inside SQLite, and threads for a fork: a thousand times as long as either takes."""

PAUSE = 0.0002
"""Seconds between checks whether the wait is over; a read takes about a tenth of this."""


class Calls:
    """The threads of this process that are inside SQLite, for whichever file: `enter`, and then `leave`."""

    longest_wait = LONGEST_WAIT
    """Seconds that a fork and threads wait for each other."""

    def __init__(self, parents: "Calls | None") -> None:
        self.is_spoilt: bool = parents is not None and (parents.is_spoilt or bool(parents.inside))
        # Both change in one step, without a lock. Keyed by thread, so that an entry which a signal's exception has left behind
        # goes with the thread's next call.
        self.inside: dict[int, None] = {}
        self._forks: deque[None] = deque()

    def enter(self) -> None:
        """Note that this thread goes inside; raise StoreUnavailable in a child that was forked at the wrong moment."""
        if self.is_spoilt:
            raise StoreUnavailable(
                "This process was forked while a thread of its parent was using the SQLite token store, and so cannot use it. "
                'Fork before threads use the broker, or start the process anew (multiprocessing: "spawn").'
            )
        # Enter first, check then: a fork announces itself first, and checks who is inside then.
        self.inside[get_ident()] = None
        if self._forks:
            self._wait_for_forks()

    def leave(self) -> None:
        """Note that this thread is outside again."""
        self.inside.pop(get_ident(), None)

    def _wait_for_forks(self) -> None:
        end = time.monotonic() + self.longest_wait
        while self._forks and time.monotonic() < end:
            self.inside.pop(get_ident(), None)
            time.sleep(PAUSE)
            self.inside[get_ident()] = None

    def before_fork(self) -> None:
        """Keep others out, and wait until nobody is inside; not for long."""
        self._forks.append(None)
        end = time.monotonic() + self.longest_wait
        while self.inside and time.monotonic() < end:
            time.sleep(PAUSE)

    def after_fork(self) -> None:
        """Let others in."""
        with suppress(IndexError):
            self._forks.pop()


CALLS: PerProcess[Calls] = PerProcess(lambda: Calls(CALLS.inherited()))


def _before_fork() -> None:
    CALLS().before_fork()


def _after_fork_in_parent() -> None:
    CALLS().after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent)


# -- locks that a child inherits

SHARED = 0x40000002, 510
"""Where SQLite locks a database that it reads: first byte, and how many (https://sqlite.org/src/file/src/os.h)."""

DEAD_MAN_SWITCH = 128, 1
"""Where it locks the -shm file for as long as it has it open (https://sqlite.org/walformat.html, section 2.1)."""


class Hold:
    """Locks on one database, which children inherit. Take them while a connection to it is open."""

    def __init__(self, database: Path) -> None:
        self.users = 0
        self._files: list[int] = []
        shared_memory = database.with_name(f"{database.name}-shm")
        for path, (start, length) in ((database, SHARED), (shared_memory, DEAD_MAN_SWITCH)):
            # An old kernel, or an emulated one, has no such locks; then it is as on a system without them.
            with suppress(OSError):
                self._files.append(os.open(path, os.O_RDONLY | os.O_CLOEXEC))
                _lock_shared(self._files[-1], start, length)

    def close(self) -> None:
        """Give it up. No connection of this process may be open: closing takes the locks of all of them too."""
        for file in self._files:
            os.close(file)


def _lock_shared(file: int, start: int, length: int) -> None:
    flock = struct.pack("hhqqi0q", fcntl.F_RDLCK, os.SEEK_SET, start, length, 0)  # struct flock, see fcntl(2)
    fcntl.fcntl(file, fcntl.F_OFD_SETLK, flock)


class Holds:
    """The holds of one process, by file. Two stores on one file share a hold, since closing a file unlocks it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_file: dict[tuple[int, int], Hold] = {}

    def take(self, database: Path) -> Hold | None:
        """Return the hold on a file, to be given back later; None where the system has no such locks."""
        if not hasattr(fcntl, "F_OFD_SETLK"):
            return None
        with self._lock:
            seen = database.stat()
            file = seen.st_dev, seen.st_ino
            hold = self._by_file.get(file)
            if hold is None:
                hold = self._by_file[file] = Hold(database)
            hold.users += 1
            return hold

    def give_back(self, hold: Hold) -> None:
        """Give a hold up, unless others still have it. The caller has no connection open any more."""
        with self._lock:
            hold.users -= 1
            if hold.users == 0:
                self._by_file = {file: each for file, each in self._by_file.items() if each is not hold}
                hold.close()


HOLDS = PerProcess(Holds)
