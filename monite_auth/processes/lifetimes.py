"""Lifetimes that others decide on: a process forks, an event loop ends.

*Forks.* A child begins with a copy of its parent's memory: sockets that bring its parent's answers, locks held by
threads that the child does not have, event loops that do not run there. Python's fork hooks do not help, since they do
not run where a server forks in C, as uWSGI does. So nothing here relies on a hook: a `PerProcess` holds whatever belongs
to a process, and compares process ids at every use.

*Event loops.* Some live as long as the process, others for one request; some are shut down, and others just left. A `PerLoop`
holds whatever belongs to an event loop.
"""

import asyncio
import atexit
import ctypes
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import suppress
from os import getpid
from types import MappingProxyType
from typing import Any, Generic, Protocol, TypeVar
from weakref import WeakKeyDictionary, WeakSet, ref

__all__ = ["PerLoop", "PerProcess", "ProcessLock"]

Thing = TypeVar("Thing")

_inherited: list[object] = []
"""Objects that came from parent processes. They are kept alive, and never used."""


def _keep_for_ever(thing: object) -> None:
    """Never let `thing` be finalized here, not even when the interpreter ends.

    Closing it would disturb the parent: a client says goodbye on a socket that they share, a transport leaves an epoll
    that they share, and SQLite deletes its log (https://sqlite.org/howtocorrupt.html, section 2.6).
    """
    _inherited.append(thing)
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(thing))  # a reference that nobody gives back


class PerProcess(Generic[Thing]):
    """Holds one object for each process, made at its first use there.

    Threads that come first at the same time may each `make` an object, and one of these is kept. So `make` must open
    nothing. There is no lock, and a call costs little more than `os.getpid()`.

    The object of a parent is left as it is: not closed and not finalized. The system reuses process ids, so a child could
    be taken for an ancestor; but only if that one has ended, the child got the very same id, and no process between the
    two has used this object.
    """

    __slots__ = ("__weakref__", "_make", "_things")

    def __init__(self, make: Callable[[], Thing]) -> None:
        self._make = make
        self._things: dict[int, Thing] = {}  # by process id
        _alive.add(self)

    def __call__(self) -> Thing:
        """Return this process's object."""
        thing = self._things.get(getpid())
        return thing if thing is not None else self._begin()

    def existing(self) -> Thing | None:
        """Return this process's object if it has been made."""
        return self._things.get(getpid())

    def inherited(self) -> Thing | None:
        """Return the object of the parent, so that `make` can see its state. It must not be used."""
        things = [thing for pid, thing in list(self._things.items()) if pid != getpid()]
        return things[-1] if things else None

    def _begin(self) -> Thing:
        thing = self._things.setdefault(getpid(), self._make())
        self._leave_inherited()
        return thing

    def _leave_inherited(self) -> None:
        _leave_inherited_loops()
        for pid in list(self._things):
            if pid != getpid() and (thing := self._things.pop(pid, None)) is not None:
                _keep_for_ever(thing)

    def __del__(self) -> None:
        if getpid is not None:  # else the interpreter ends, and _leave_all has run
            self._leave_inherited()


_alive: "WeakSet[PerProcess[Any]]" = WeakSet()

_loops: "WeakKeyDictionary[asyncio.AbstractEventLoop, int]" = WeakKeyDictionary()
"""The event loops that keep objects of ours, each with the id of its process."""


def _leave_inherited_loops() -> None:
    for reference in _loops.keyrefs():  # a list made in one step: other threads' loops may come meanwhile
        loop = reference()
        if loop is not None and _loops.get(loop) != getpid():
            del _loops[loop]
            _keep_for_ever(loop)


@atexit.register
def _leave_all() -> None:
    """Keep the objects of parents alive before the interpreter takes itself apart: then it is too late."""
    for each in list(_alive):
        each._leave_inherited()  # noqa: SLF001 - ours


class ProcessLock:
    """A lock for `with` that each process makes for itself, when it first needs it.

    A child finds it free, whatever the threads of its parent held. And it is of the kind that the process uses: gevent
    replaces locks in a worker that gunicorn forked after it had loaded the application.
    """

    __slots__ = ("_lock",)

    def __init__(self) -> None:
        self._lock: PerProcess[threading.Lock] = PerProcess(
            lambda: threading.Lock()  # noqa: PLW0108 - gevent may replace it before it is first needed
        )

    def __enter__(self) -> None:
        self._lock().acquire()

    def __exit__(self, *_: object) -> None:
        self._lock().release()


class Closing(Protocol):
    """What can be closed on the event loop that it belongs to."""

    async def aclose(self) -> None:
        """Close it."""


Kept = TypeVar("Kept", bound=Closing)


class PerLoop(Generic[Kept]):
    """Holds one object for each event loop, made at its first use there; it goes when the loop goes, however that ends.

    | the event loop | its object |
    |---|---|
    | shuts down, as `asyncio.run` and most frameworks see to | is handed to `at_end`, which closes it |
    | is closed without that, or dropped | is garbage together with the loop |

    The loop itself keeps the object. A table here could not: whatever has connections refers to their loop, so the table
    would keep both for ever. In return the object must not refer to this PerLoop: then the loop would keep that, too.

    `at_end`: awaited on a loop that shuts down; by default it closes the object.
    There is no lock, since only the thread that runs a loop comes here for it.
    """

    __slots__ = ("__weakref__", "_at_end", "_make", "_objects")

    def __init__(
        self, make: Callable[[], Kept], *, at_end: Callable[[Kept], Awaitable[None]] | None = None
    ) -> None:
        self._make = make
        self._at_end = at_end
        self._objects: WeakSet[Kept] = WeakSet()

    def __call__(self) -> Kept:
        """Return the object of the running event loop."""
        loop = asyncio.get_running_loop()
        kept = getattr(loop, ATTRIBUTE, NOTHING).get(self)
        return kept[0] if kept is not None else self._begin(loop)

    def existing(self) -> Kept | None:
        """Return the object of the running event loop if it has been made."""
        kept = getattr(asyncio.get_running_loop(), ATTRIBUTE, NOTHING).get(self)
        return kept[0] if kept is not None else None

    def __len__(self) -> int:
        """Return how many objects there are, on all event loops."""
        return len(self._objects)

    def _begin(self, loop: asyncio.AbstractEventLoop) -> Kept:
        made = self._make()
        if not hasattr(loop, ATTRIBUTE):
            setattr(loop, ATTRIBUTE, WeakKeyDictionary())
            _loops[loop] = getpid()
        getattr(loop, ATTRIBUTE)[self] = made, _wait_for_the_end(ref(self), made)
        self._objects.add(made)
        return made

    async def _end(self, kept: Kept) -> None:
        getattr(asyncio.get_running_loop(), ATTRIBUTE).pop(self, None)
        await (self._at_end(kept) if self._at_end is not None else kept.aclose())


ATTRIBUTE = "_monite_auth"
"""What an event loop calls the objects that it keeps for us, by the PerLoop that they belong to."""

NOTHING: Mapping[Any, Any] = MappingProxyType({})


def _wait_for_the_end(owner: "ref[PerLoop[Kept]]", kept: Kept) -> AsyncGenerator[None]:
    """Have the object closed when the running event loop shuts down, for as long as the generator that this returns is kept.

    An event loop that shuts down closes the async generators that were started on it, and this is one. It is also closed when
    the owner is dropped while the loop goes on.
    """

    async def wait() -> AsyncGenerator[None]:
        try:
            yield
        finally:
            per_loop = owner()
            await (per_loop._end(kept) if per_loop is not None else kept.aclose())  # noqa: SLF001 - ours

    waiting = wait()
    with suppress(StopIteration):
        waiting.__anext__().send(None)  # run up to the yield, which tells the loop
    return waiting
