"""The broker of an app, for frameworks that make settings available only after the app's modules are imported."""

import atexit
from collections.abc import Callable
from contextlib import suppress
from weakref import WeakSet

from monite_auth.broker import TokenBroker
from monite_auth.errors import MoniteAuthError
from monite_auth.processes.lifetimes import PerProcess, ProcessLock

__all__ = ["LazyBroker"]


class LazyBroker:
    """A broker that is built once, at its first use by any thread, and closed when the process ends.

    `build`: makes the broker; it may raise, and is asked again at the next use. Calling a LazyBroker returns the broker, so
    it is a BrokerSource.
    """

    def __init__(self, build: Callable[[], TokenBroker]) -> None:
        self._build = build
        self._lock = ProcessLock()
        self._begun = PerProcess(self._begin)
        self.built: TokenBroker | None = None
        """The broker, if it has been used."""
        _all.add(self)

    def __call__(self) -> TokenBroker:
        """Return the broker; raises whatever `build` raises, ConfigurationError as a rule."""
        found = self.built
        if found is None:
            with self._lock:
                if self.built is None:
                    self.built = self._build()
                found = self.built
        return found

    def begin(self) -> None:
        """Begin the broker's background work in this process, where others share its store and may have left something undone.

        It is for each request: only the first one of a process does anything. Never raises, since whoever uses the broker is told.
        """
        self._begun()

    def _begin(self) -> bool:
        with suppress(Exception):
            found = self()
            if found.store.is_shared:
                found.running.blocking()
        return True

    def close(self) -> None:
        """Close the broker after one more try at its pending revocations; the next use builds another one."""
        with self._lock:
            old, self.built = self.built, None
        if old is not None:
            with suppress(MoniteAuthError):  # if the store is down, its pending revocations stay in it
                old.close()


_all: WeakSet[LazyBroker] = WeakSet()


@atexit.register
def _close_all() -> None:
    """Revoke what can be revoked when a process ends in good order. After one that is killed, other processes do it."""
    for each in list(_all):
        each.close()
