"""Measures Monite's API for browsers beside a bare streaming proxy of the same framework and HTTP library, in turns.

With Redis there is a third: the bare proxy that asks Redis once for each call. That is the least that a logout costs which counts at
once in all processes.
"""

import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

import httpx

from benchmarks.ground import Ground
from benchmarks.report import Report
from monite_auth.emulator import DEMO_CLIENT_ID, DEMO_CLIENT_SECRET
from tests.environment import environment_with
from tests.redis_server import free_port
from tests.waiting import until

__all__ = ["run"]

SERVERS = {
    "uvicorn, Starlette": ("starlette", ["uvicorn", "--factory", "benchmarks.proxies:{app}", "--no-access-log", "--port", "{port}"]),
    "gunicorn, Flask": (
        "flask",
        ["gunicorn", "benchmarks.proxies:{app}()", "--worker-class", "gthread", "--threads", "64", "--bind", "127.0.0.1:{port}"],
    ),
}  # fmt: skip


class Load(NamedTuple):
    """How many connections ask how often for how much."""

    name: str
    size: int
    connections: int
    requests: int


LOADS = (
    *(Load("2 KB", 2_000, connections, 2_000) for connections in (1, 16, 64)),
    *(Load("200 KB", 200_000, connections, 500) for connections in (1, 16, 64)),
    Load("50 MB", 50_000_000, 1, 6),
)
ROUNDS = 5
"""Of each the median counts."""


def run(ground: Ground, report: Report) -> None:
    """Print the time of each request through both, and the ratio."""
    loads = (
        LOADS if not ground.smallest else [each._replace(requests=each.connections) for each in LOADS[::4]]
    )
    stores, rounds = ground.stores, ground.count(ROUNDS, 1)
    rows: list[tuple[object, ...]] = []
    for server, (framework, command) in SERVERS.items():
        for store in ("memory", "redis"):
            if store in stores:
                rows += [
                    (server, store, load.name, load.connections, *cells)
                    for load, cells in _compare(framework, command, stores[store], loads, rounds)
                ]
    report.table(
        "Monite's API for browsers, beside a bare streaming proxy",
        [
            "server",
            "store",
            "answer",
            "connections",
            "bare ms",
            "bare, asks Redis ms",
            "ours ms",
            "ours / bare",
            "ours / asks",
        ],
        rows,
    )


def _compare(
    framework: str, command: list[str], store: str, loads: Sequence[Load], rounds: int
) -> Iterator[tuple[Load, tuple[object, ...]]]:
    upstream = free_port()
    settings = {
        "MONITE_BASE_URL": f"http://127.0.0.1:{upstream}/v1",
        "MONITE_CLIENT_ID": DEMO_CLIENT_ID,
        "MONITE_CLIENT_SECRET": DEMO_CLIENT_SECRET,
        "MONITE_STORE_URL": store,
        "MONITE_REQUESTS_PER_SECOND": "1000000",
        "MONITE_API_CALLS_PER_SESSION": "1000",
    }
    kinds = ("bare", "our") if store == "memory://" else ("bare", "asking", "our")
    with ExitStack() as running:
        running.enter_context(_process(["benchmarks.upstream", str(upstream)], upstream, settings))
        urls = {kind: running.enter_context(_app(command, f"{kind}_{framework}", settings)) for kind in kinds}
        cookies = {
            kind: httpx.post(f"{url}/login").headers["set-cookie"].partition(";")[0]
            for kind, url in urls.items()
        }
        for load in loads:
            took: dict[str, list[float]] = {kind: [] for kind in kinds}
            for _ in range(rounds):
                for kind, url in urls.items():
                    took[kind].append(asyncio.run(_ask(url, cookies[kind], load)))
            times = [_milliseconds(took.get(kind), load) for kind in ("bare", "asking", "our")]
            yield load, (*times, _ratio(took["our"], took["bare"]), _ratio(took["our"], took.get("asking")))


def _milliseconds(took: list[float] | None, load: Load) -> str:
    return "" if took is None else f"{statistics.median(took) / load.requests * 1e3:.2f}"


def _ratio(took: list[float], other: list[float] | None) -> str:
    """Return the median of the ratios within each round."""
    return (
        "" if other is None else f"{statistics.median(a / b for a, b in zip(took, other, strict=True)):.2f}"
    )


@contextmanager
def _app(command: list[str], app: str, settings: dict[str, str]) -> Iterator[str]:
    port = free_port()
    words = [word.format(app=app, port=port) for word in command]
    with _process(words, port, settings):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def _process(module: list[str], port: int, settings: dict[str, str]) -> Iterator[None]:
    environment = environment_with(settings)
    process = subprocess.Popen([sys.executable, "-m", *module], env=environment, stderr=subprocess.DEVNULL)  # noqa: S603 - our own
    try:
        until(lambda: _listens(port), seconds=30)
        yield
    finally:
        process.terminate()
        process.wait()


def _listens(port: int) -> bool:
    try:
        httpx.get(f"http://127.0.0.1:{port}/nothing?bytes=1")
    except httpx.TransportError:
        return False
    return True


async def _ask(url: str, cookie: str, load: Load) -> float:
    """Return the seconds that all requests of a load take."""
    host, _, port = url.removeprefix("http://").partition(":")
    asked = (
        f"GET /monite/api/payables?bytes={load.size} HTTP/1.1\r\nHost: {host}:{port}\r\nCookie: {cookie}\r\n"
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
