"""Lifetimes that others decide on: a process forks, an event loop shuts down.

*Forks.* A child begins with a copy of its parent's memory: sockets that bring its parent's answers, locks held by
threads that the child does not have, event loops that do not run there. Python's fork hooks do not help, since they do
not run where a server forks in C, as uWSGI does. So nothing here relies on a hook: a `PerProcess` holds whatever belongs
to a process, and compares process ids at every use.
"""

import atexit
import ctypes
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from os import getpid
from typing import Any, Generic, TypeVar
from weakref import WeakSet

__all__ = ["PerProcess", "ProcessLock", "close_with_loop"]

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
        for pid in list(self._things):
            if pid != getpid() and (thing := self._things.pop(pid, None)) is not None:
                _keep_for_ever(thing)

    def __del__(self) -> None:
        if getpid is not None:  # else the interpreter ends, and _leave_all has run
            self._leave_inherited()


_alive: "WeakSet[PerProcess[Any]]" = WeakSet()


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


def close_with_loop(aclose: Callable[[], Awaitable[None]]) -> AsyncGenerator[None]:
    """Have `aclose` awaited when the running event loop shuts down. The caller keeps the generator that this returns.

    An event loop that shuts down closes the async generators that were started on it (`asyncio.run` sees to it), and this
    is one. So connections do not outlive a loop where nobody closes the broker, as in an app's tests.
    """

    async def wait_for_the_end() -> AsyncGenerator[None]:
        try:
            yield
        finally:
            await aclose()

    waiting = wait_for_the_end()
    with suppress(StopIteration):
        waiting.__anext__().send(None)  # run up to the yield, which tells the loop
    return waiting
