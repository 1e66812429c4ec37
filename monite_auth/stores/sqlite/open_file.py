"""The file as a process has it open; opened anew when it was deleted or replaced meanwhile.

SQLite goes on with the file that it opened, whatever stands at its path by now. Processes that start later would then live in
another world, and a logout in one would not be heard of in the other. So each write makes sure afterwards that the file is
still the one at the path, and is done again if it is not; reads make sure every tenth of a second. `rescue` says what happens where
only its log was deleted.
"""

import logging
import threading
from collections.abc import Callable

from monite_auth.stores.sqlite.connections import Connections

__all__ = ["OpenFile"]

log = logging.getLogger("monite_auth")

REPLACED = (
    "The token store %s was deleted or replaced while this process had it open. It is opened anew: logouts and pending revocations "
    "that stood in the former file only are lost, and their tokens live until they expire. Stop all processes before you replace it, "
    "and remove its -wal and -shm too."
)
SAVED = (
    "The -wal or -shm file of the token store %s was deleted while this process had it open. All that this process knew was saved "
    "into a new file; what others wrote since then may be lost. Never delete these files while a process runs."
)


class OpenFile:
    """The connections of one process to the file that stands at the path. `make` returns new ones, which open it at their first use."""

    def __init__(self, make: Callable[[], Connections]) -> None:
        self.connections = make()
        self._make = make
        self._lock = threading.Lock()

    def present(self) -> Connections:
        """Return connections to the file that stands at the path, or stood there a tenth of a second ago."""
        connections = self.connections
        return connections if not connections.was_replaced_lately() else self.opened_anew(connections)

    def opened_anew(self, replaced: Connections) -> Connections:
        """Return new connections in place of those to a file that was replaced."""
        with self._lock:
            if self.connections is replaced:
                was_saved = replaced.save()
                self.connections = self._make()
                log.error(SAVED if was_saved else REPLACED, replaced.path)
                replaced.leave()
        return self.connections
