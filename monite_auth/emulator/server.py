"""Serves the emulator on a real port: uvicorn runs in its own thread while a `with` block lasts."""

import asyncio
import ipaddress
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from monite_auth.emulator.app import create_app
from monite_auth.emulator.gateway.guard import checked_hosts
from monite_auth.emulator.gateway.visit import TRANSPORT
from monite_auth.emulator.specification.facts import PREFIX
from monite_auth.emulator.state.disk import Disk
from monite_auth.emulator.state.monite import Monite

# Seconds to wait for the thread to start or stop. A healthy one takes less than a second, on a machine that is not busy.
PATIENCE = 60
# Connections that may wait to be accepted: tests connect from hundreds of threads at once.
BACKLOG = 2048
# Seconds that an idle connection stays open: longer than clients keep theirs, as with a real gateway.
KEEP_ALIVE = 75
# Where to find an emulator that listens on all addresses.
NEAREST = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - it is compared, not bound


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
    """Gives each connection's transport to the gate, so that the gate can cut the connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn narrows it too
        super().connection_made(transport)
        # uvicorn copies `app_state` into every request's ASGI state.
        self.app_state = {**self.app_state, TRANSPORT: transport}


class _Server(uvicorn.Server):
    """Signals when it accepts connections, and stops at once. Uvicorn's own server takes 0.2 s, which slows tests."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.accepting = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Tell the server to stop. Any thread may call this."""
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop has already ended
                self._loop.call_soon_threadsafe(self._stopping.set)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)
        self.accepting.set()

    async def main_loop(self) -> None:
        await self.on_tick(0)
        await self._stopping.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        loop = asyncio.get_running_loop()
        for listening in sockets or []:
            with suppress(NotImplementedError):  # Windows accepts in another way
                loop.remove_reader(listening.fileno())
        # Close the servers last: asyncio gives up connections that it has just accepted, and leaves them open, when their
        # server is closed. Uvicorn does not know them yet; each has a task.
        while self.server_state.connections or asyncio.all_tasks() != {asyncio.current_task()}:
            for connection in list(self.server_state.connections):
                connection.shutdown()
            await asyncio.sleep(0.001)
        for server in self.servers:
            server.close()
        for listening in sockets or []:
            listening.close()


def _is_exposed(host: str) -> bool:
    """Return whether other machines may reach an address to listen on."""
    found = socket.getaddrinfo(host or None, 0, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return not all(ipaddress.ip_address(str(address[0])).is_loopback for *_, address in found)


@contextmanager
def serve(
    monite: Monite | None = None,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    expose: bool = False,
    hosts: Iterable[str] = (),
    data: Path | None = None,
) -> Iterator[Emulator]:
    """Serve the emulator until the block ends. Requests that a fault still holds then are cut.

    Args:
        monite: the state to serve; a new one if None.
        host: the address to listen on.
        port: the port to listen on; 0 stands for any free port.
        expose: listen on `host` although other machines can reach it. The emulator asks nobody for a password.
        hosts: further host names to answer for. Addresses, names without a dot and `*.internal` are answered for anyway.
        data: a folder in which the state survives. If it has one, this takes the place of the state of `monite`.

    Raises:
        ValueError: other machines can reach `host`, and `expose` is not set; or no request would ever be for one of `hosts`.
        OSError: the address is in use or not available, the server did not start in time, or the folder cannot be used.

    """
    if not expose and _is_exposed(host):
        raise ValueError(
            f"Other machines can reach {host or 'every address'}, and the emulator asks nobody for a password: whoever reaches "
            "it can read and change everything in it. If you want that, say so a second time: --expose, or expose=True"
        )
    monite = monite or Monite()
    with ExitStack() as stack:
        app: ASGIApp = create_app(monite, hosts=[host or "localhost", *checked_hosts(hosts)])
        if data is not None:
            app = stack.enter_context(closing(Disk(data, monite))).middleware(app)
        # It stops before the folder is closed, which keeps what became of each delivery.
        stack.callback(monite.webhooks.stop)
        url = stack.enter_context(serve_app(app, monite.faults.stop, host=host, port=port))
        monite.webhooks.start()
        yield Emulator(url, monite)


@contextmanager
def serve_app(
    app: ASGIApp, stop_holding: Callable[[], object], *, host: str = "127.0.0.1", port: int = 0
) -> Iterator[str]:
    """Serve an app, and yield its address. `stop_holding` ends the requests that faults hold; see `serve`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Name the protocol: asyncio disables Nagle's algorithm only then, and with Nagle each answer takes 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        # Allow a restart on the same port at once. A port that another server holds is still refused.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    config = uvicorn.Config(
        app,
        http=_Protocol,
        ws="none",
        lifespan="off",
        loop="asyncio",
        log_config=None,
        log_level=None,
        access_log=False,
        timeout_keep_alive=KEEP_ALIVE,
        date_header=False,  # the gate writes it, by the emulator's clock
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
        shown_host = NEAREST.get(host, f"[{host}]" if family == socket.AF_INET6 else host)
        yield f"http://{shown_host}:{listener.getsockname()[1]}"
    finally:
        server.stop()
        give_up = time.monotonic() + PATIENCE
        while thread.is_alive() and time.monotonic() < give_up:
            # Repeat this: a fault may start to hold another request meanwhile.
            stop_holding()
            thread.join(0.01)
        listener.close()
