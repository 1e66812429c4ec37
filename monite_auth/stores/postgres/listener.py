"""Hears from PostgreSQL when a mint is over that this process waits for (LISTEN), so that it need not ask again and again.

A process that finds a slot busy starts to listen: by one thread, over one connection of its own. While that goes well, its mints wait for
the news, and ask only twice a second. Whatever goes wrong, they ask as often as with any other store: nobody relies on the news.

| what happens | what the process does |
|---|---|
| the connection cannot be opened, or breaks | It wakes all who wait, and tries again when somebody waits after RETRY seconds. |
| the connection is silent | It asks for an answer every HEARTBEAT seconds: a firewall may have forgotten it. |
| the address leads to a pooler, which gives each transaction another connection | It does not listen. A direct address may be given, as `listen` in the URL. |
| nobody has waited for IDLE seconds, or the store is closed | It closes the connection, and the thread ends. |
| the process forks | The child begins anew. |
| the server allows no threads | It does not listen. |
"""

import logging
import math
import os
import socket
import threading
import time
from contextlib import suppress

from monite_auth.processes.awaited import Awaited
from monite_auth.processes.workers import threads_are_allowed
from monite_auth.stores.postgres.address import Address
from monite_auth.stores.postgres.errors import ServerError
from monite_auth.stores.postgres.link import Link
from monite_auth.stores.postgres.opening import open_link
from monite_auth.stores.postgres.statements import CHANNEL, statement
from monite_auth.stores.postgres.thread_connections import take

__all__ = ["Listener"]

log = logging.getLogger("monite_auth")

RETRY = 10.0
"""Seconds after a failure until the next try."""

HEARTBEAT = 5.0
"""Seconds of silence after which the server is asked for an answer."""

IDLE = 60.0
"""Seconds without anybody who waits, after which the connection is closed."""

PID = statement("SELECT pg_backend_pid()", "number")


class Listener:
    """Tells the threads and event loops of one process when a mint is over that they wait for."""

    def __init__(self, address: Address, timeout: float) -> None:
        self._address = address
        self._timeout = timeout
        self._awaited: dict[str, tuple[Awaited, float]] = {}
        """By slot, each with the time until which it is of use."""
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._socket: socket.socket | None = None
        """The connection's, while the server tells the news over it."""
        self._retry_at = -math.inf
        self._wanted_at = -math.inf

    def heard_of(self, slot: str) -> Awaited | None:
        """Return what finishes when a mint is over, if the server was asked before to tell."""
        known = self._awaited.get(slot) if self._socket is not None else None
        return known[0] if known is not None else None

    def listen_for(self, slot: str, seconds: float) -> None:
        """Begin to listen for the mint of a slot, which may take so many seconds."""
        now = time.monotonic()
        if now < self._retry_at or not (self._address.listening and threads_are_allowed()):
            return
        with self._lock:
            self._wanted_at = now
            self._awaited = {name: each for name, each in self._awaited.items() if each[1] > now}
            self._awaited.setdefault(slot, (Awaited(), now + seconds))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="monite_auth_listener", daemon=True)
                try:
                    self._thread.start()
                except RuntimeError:  # there can be no more threads
                    self._thread, self._retry_at = None, now + RETRY

    def close(self) -> None:
        """Have the thread end. It begins again when somebody waits."""
        with self._lock:
            self._wanted_at = -math.inf
            if self._socket is not None:
                with suppress(OSError):
                    self._socket.shutdown(socket.SHUT_RDWR)

    # -- in the thread

    def _run(self) -> None:
        try:
            link = open_link(self._address.listening, self._timeout)
            try:
                self._listen(link)
            finally:
                link.close()
        except (OSError, ServerError):
            if self._wanted_at > -math.inf:  # else it was closed
                self._retry_at = time.monotonic() + RETRY
        finally:
            self._end()

    def _listen(self, link: Link) -> None:
        ((pid,),) = take(link, link.execute(PID, []), self._timeout)
        if pid != link.backend_pid:
            self._retry_at = math.inf
            log.info(
                "PostgreSQL at %s stands behind a pooler: mints in other processes are asked for until they are over. To be told "
                "instead, give a direct address as listen=host:port in the URL.",
                self._address.shown,
            )
            return
        take(link, link.script(f"LISTEN {CHANNEL}"), self._timeout)
        with self._lock:
            self._socket = socket.socket(fileno=os.dup(link.socket))
        while time.monotonic() < self._wanted_at + IDLE:
            if not link.readable.poll(HEARTBEAT * 1000):
                take(link, link.execute(PID, []), self._timeout)
            for slot in link.notifications():
                awaited, _ = self._awaited.pop(slot, (None, 0.0))
                if awaited is not None:
                    awaited.wake()

    def _end(self) -> None:
        with self._lock:
            if self._socket is not None:
                self._socket.close()
                self._socket = None
            self._wake_all()
            self._thread = None

    def _wake_all(self) -> None:
        everybody, self._awaited = self._awaited, {}
        for awaited, _ in everybody.values():
            awaited.wake()
