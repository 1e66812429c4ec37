"""Starts an app under a real server, in a process of its own, and asks it as browsers do."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx

from tests.environment import environment_with
from tests.redis_server import free_port
from tests.waiting import until

__all__ = ["COMMANDS", "Load", "Server", "Took", "ask", "log_in", "process", "processor_of", "serving"]

COMMANDS = {
    "starlette": ["uvicorn", "--factory", "{app}", "--no-access-log", "--port", "{port}"],
    "flask": ["gunicorn", "{app}()", "--worker-class", "gthread", "--threads", "64", "--bind", "127.0.0.1:{port}"],
}  # fmt: skip
"""How an app of a framework is served. `app`: a module and a function in it, as "module:function"."""


class Load(NamedTuple):
    """How many connections ask how often for how much."""

    name: str
    size: int
    connections: int
    requests: int


class Server(NamedTuple):
    """An app that is served: its address, and the id of the server's first process."""

    url: str
    pid: int


class Took(NamedTuple):
    """Seconds that a load took: by the clock, and of the processor in the server's processes (Linux; elsewhere 0)."""

    clock: float
    processor: float


@contextmanager
def serving(framework: str, app: str, settings: Mapping[str, str]) -> Iterator[Server]:
    """Serve an app for as long as the block runs."""
    port = free_port()
    words = [word.format(app=app, port=port) for word in COMMANDS[framework]]
    with process(words, port, settings) as pid:
        yield Server(f"http://127.0.0.1:{port}", pid)


@contextmanager
def process(module: list[str], port: int, settings: Mapping[str, str]) -> Iterator[int]:
    """Run a Python module that listens on a port, for as long as the block runs; hand out its process id."""
    environment = environment_with(dict(settings))
    running = subprocess.Popen([sys.executable, "-m", *module], env=environment, stderr=subprocess.DEVNULL)  # noqa: S603 - our own
    try:
        until(lambda: _listens(port), seconds=30)
        yield running.pid
    finally:
        running.terminate()
        running.wait()


def _listens(port: int) -> bool:
    try:
        httpx.get(f"http://127.0.0.1:{port}/nothing?bytes=1")
    except httpx.TransportError:
        return False
    return True


def log_in(server: Server) -> str:
    """Log in at an app's /login, and return the cookie."""
    return httpx.post(f"{server.url}/login").headers["set-cookie"].partition(";")[0]


def processor_of(pid: int) -> float:
    """Return the seconds of the processor that a process and its children have had so far."""
    found = 0.0
    for task in Path(f"/proc/{pid}/task").glob("*"):
        found += int((task / "schedstat").read_text().split()[0]) / 1e9
        found += sum(processor_of(int(child)) for child in (task / "children").read_text().split())
    return found


async def ask(server: Server, path: str, cookie: str, load: Load) -> Took:
    """Return what all requests of a load take. The answers have as many bytes as the load says."""
    host, _, port = server.url.removeprefix("http://").partition(":")
    asked = (
        f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nCookie: {cookie}\r\n"
        "x-monite-version: 2024-05-25\r\nsec-fetch-site: same-origin\r\naccept: application/json\r\n\r\n"
    ).encode()
    left = iter(range(load.requests))

    async def browser() -> None:
        reader, writer = await asyncio.open_connection(host, int(port), limit=2**20)
        for _ in left:
            writer.write(asked)
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            assert head.startswith(b"http/1.1 200"), head
            rest = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
            assert rest == load.size
            while rest:
                rest -= len(await reader.read(min(rest, 2**18)))
        writer.close()

    await asyncio.gather(browser())  # opens connections to Monite, mints
    left = iter(range(load.requests))
    began = Took(time.perf_counter(), processor_of(server.pid))
    await asyncio.gather(*(browser() for _ in range(load.connections)))
    return Took(time.perf_counter() - began.clock, processor_of(server.pid) - began.processor)
