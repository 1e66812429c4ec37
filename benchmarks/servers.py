"""Starts an app under a real server, in a process of its own, and asks it as browsers do."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

import httpx

from tests.environment import environment_with
from tests.redis_server import free_port
from tests.waiting import until

__all__ = ["COMMANDS", "Load", "ask", "log_in", "process", "serving"]

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


@contextmanager
def serving(framework: str, app: str, settings: Mapping[str, str]) -> Iterator[str]:
    """Serve an app for as long as the block runs; hand out its address."""
    port = free_port()
    words = [word.format(app=app, port=port) for word in COMMANDS[framework]]
    with process(words, port, settings):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def process(module: list[str], port: int, settings: Mapping[str, str]) -> Iterator[None]:
    """Run a Python module that listens on a port, for as long as the block runs."""
    environment = environment_with(dict(settings))
    running = subprocess.Popen([sys.executable, "-m", *module], env=environment, stderr=subprocess.DEVNULL)  # noqa: S603 - our own
    try:
        until(lambda: _listens(port), seconds=30)
        yield
    finally:
        running.terminate()
        running.wait()


def _listens(port: int) -> bool:
    try:
        httpx.get(f"http://127.0.0.1:{port}/nothing?bytes=1")
    except httpx.TransportError:
        return False
    return True


def log_in(url: str) -> str:
    """Log in at an app's /login, and return the cookie."""
    return httpx.post(f"{url}/login").headers["set-cookie"].partition(";")[0]


async def ask(url: str, path: str, cookie: str, load: Load) -> float:
    """Return the seconds that all requests of a load take. The answers have as many bytes as the load says."""
    host, _, port = url.removeprefix("http://").partition(":")
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
    began = time.perf_counter()
    await asyncio.gather(*(browser() for _ in range(load.connections)))
    return time.perf_counter() - began
