"""The emulator on a real port: uvicorn in a thread of its own, for as long as a `with` block lasts."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from monite_auth.emulator.app import create_app
from monite_auth.emulator.monite import Monite
from monite_auth.emulator.visit import PREFIX, TRANSPORT

# A thread that has not started or stopped by then never will.
PATIENCE = 10
# Tests connect from hundreds of threads at once.
BACKLOG = 2048
# Seconds that an idle connection is kept: like a real gateway, longer than clients keep theirs.
KEEP_ALIVE = 75


@dataclass(frozen=True, slots=True)
class Emulator:
    """A running emulator."""

    url: str
    monite: Monite

    @property
    def api_url(self) -> str:
        """The base URL for clients of the API."""
        return self.url + PREFIX


class _Protocol(H11Protocol):
    """Hands each connection's transport to the gate, which must be able to cut it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn narrows it too
        super().connection_made(transport)
        # uvicorn copies `app_state` into every request's ASGI state.
        self.app_state = {**self.app_state, TRANSPORT: transport}


class _Server(uvicorn.Server):
    """Tells when it accepts connections, and stops at once: uvicorn's own takes 0.2 s, which is long between tests."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.accepting = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Have the server stop; from any thread."""
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop has ended by itself
                self._loop.call_soon_threadsafe(self._stopping.set)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)
        self.accepting.set()

    async def main_loop(self) -> None:
        await self.on_tick(0)
        await self._stopping.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for listening in sockets or []:
            listening.close()
        while self.server_state.connections or self.server_state.tasks:
            for connection in list(self.server_state.connections):
                connection.shutdown()
            await asyncio.sleep(0.001)


@contextmanager
def serve(monite: Monite | None = None, *, host: str = "127.0.0.1", port: int = 0) -> Iterator[Emulator]:
    """Serve the emulator until the block ends; requests that a fault holds are cut then.

    Args:
        monite: the state to serve; a fresh one if None.
        host: the address to listen on.
        port: the port to listen on; 0 takes a free one.

    Raises:
        OSError: the address cannot be listened on.

    """
    monite = monite or Monite()
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns Nagle's algorithm off only where the protocol is named; with it, each answer takes 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        # Lets a port be used again at once after a restart; a port that another server holds stays refused.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    config = uvicorn.Config(
        create_app(monite),
        http=_Protocol,
        ws="none",
        lifespan="off",
        loop="asyncio",
        log_config=None,
        log_level=None,
        access_log=False,
        timeout_keep_alive=KEEP_ALIVE,
        date_header=False,  # the date is the emulator's, and the gate writes it
        server_header=False,
    )
    server = _Server(config)
    thread = threading.Thread(
        target=server.run, kwargs={"sockets": [listener]}, name="monite-emulator", daemon=True
    )
    thread.start()
    try:
        if not server.accepting.wait(PATIENCE):
            raise OSError(f"the emulator did not start within {PATIENCE} seconds")
        shown_host = f"[{host}]" if family == socket.AF_INET6 else host
        yield Emulator(f"http://{shown_host}:{listener.getsockname()[1]}", monite)
    finally:
        server.stop()
        give_up = time.monotonic() + PATIENCE
        while thread.is_alive() and time.monotonic() < give_up:
            # More than once: a request may have been on its way to a fault that would hold it.
            monite.faults.stop()
            thread.join(0.01)
        listener.close()
