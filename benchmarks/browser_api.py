"""Measures Monite's API for browsers beside a bare streaming proxy of the same framework and HTTP library, in turns.

A third one is the bare proxy, made to keep the promises by `broker.client(budget=True)` behind our middleware: what a partner would write
by hand. With Redis there is a fourth: the bare proxy that asks Redis once for each call. That is the least that a logout costs which counts
at once in all processes.
"""

import asyncio
import statistics
from collections.abc import Iterator, Sequence
from contextlib import ExitStack

from benchmarks.ground import Ground
from benchmarks.report import Report
from benchmarks.servers import Load, ask, log_in, process, serving
from monite_auth.emulator import DEMO_CLIENT_ID, DEMO_CLIENT_SECRET
from tests.redis_server import free_port

__all__ = ["run"]

SERVERS = {"uvicorn, Starlette": "starlette", "gunicorn, Flask": "flask"}

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
    for server, framework in SERVERS.items():
        for store in ("memory", "redis"):
            if store in stores:
                rows += [
                    (server, store, load.name, load.connections, *cells)
                    for load, cells in _compare(framework, stores[store], loads, rounds)
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
            "bare, keeps the promises ms",
            "ours ms",
            "ours / bare",
            "ours / asks",
            "ours / keeps",
        ],
        rows,
    )


def _compare(
    framework: str, store: str, loads: Sequence[Load], rounds: int
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
    kinds = ("bare", "kept", "our") if store == "memory://" else ("bare", "asking", "kept", "our")
    with ExitStack() as running:
        running.enter_context(process(["benchmarks.upstream", str(upstream)], upstream, settings))
        servers = {
            kind: running.enter_context(
                serving(framework, f"benchmarks.proxies:{kind}_{framework}", settings)
            )
            for kind in kinds
        }
        cookies = {kind: log_in(server) for kind, server in servers.items()}
        for load in loads:
            took: dict[str, list[float]] = {kind: [] for kind in kinds}
            path = f"/monite/api/payables?bytes={load.size}"
            for _ in range(rounds):
                for kind, server in servers.items():
                    took[kind].append(asyncio.run(ask(server, path, cookies[kind], load)).clock)
            times = [_milliseconds(took.get(kind), load) for kind in ("bare", "asking", "kept", "our")]
            yield (
                load,
                (*times, *(_ratio(took["our"], took.get(kind)) for kind in ("bare", "asking", "kept"))),
            )


def _milliseconds(took: list[float] | None, load: Load) -> str:
    return "" if took is None else f"{statistics.median(took) / load.requests * 1e3:.2f}"


def _ratio(took: list[float], other: list[float] | None) -> str:
    """Return the median of the ratios within each round."""
    return (
        "" if other is None else f"{statistics.median(a / b for a, b in zip(took, other, strict=True)):.2f}"
    )
