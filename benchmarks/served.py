"""Measures a request behind our unused middleware beside one behind a middleware that does nothing, as a real server serves it.

`adapters` measures the same without a server, where a request is next to nothing.
"""

import asyncio
import statistics

from benchmarks.ground import Ground
from benchmarks.report import Report
from benchmarks.served_apps import HELLO
from benchmarks.servers import Load, ask, log_in, serving
from monite_auth.emulator import DEMO_CLIENT_ID, DEMO_CLIENT_SECRET

__all__ = ["run"]

MOST_UNUSED = 1.2
"""The target: a request behind an unused middleware, times one behind a middleware that does nothing."""

LOAD = Load("hello", len(HELLO), 16, 4_000)
ROUNDS = 7


def run(ground: Ground, report: Report) -> None:
    """Print the milliseconds of a request behind each, and the ratio: the medians of the rounds, which take turns."""
    settings = {
        "MONITE_BASE_URL": ground.emulator.api_url,
        "MONITE_CLIENT_ID": DEMO_CLIENT_ID,
        "MONITE_CLIENT_SECRET": DEMO_CLIENT_SECRET,
    }
    load = LOAD if not ground.smallest else LOAD._replace(requests=LOAD.connections)
    rows: list[tuple[object, ...]] = []
    for framework, server in (("starlette", "uvicorn, Starlette"), ("flask", "gunicorn, Flask")):
        apps = [f"benchmarks.served_apps:{kind}_{framework}" for kind in ("plain", "protected")]
        with (
            serving(framework, apps[0], settings) as plain,
            serving(framework, apps[1], settings) as protected,
        ):
            cookies = {url: log_in(url) for url in (plain, protected)}
            took = [
                [asyncio.run(ask(url, "/", cookies[url], load)) / load.requests for url in (plain, protected)]
                for _ in range(ground.count(ROUNDS, 1))
            ]
        ratio = statistics.median(ours / nothing for nothing, ours in took)
        nothing, ours = (statistics.median(times) * 1e3 for times in zip(*took, strict=True))
        rows.append((server, f"{nothing:.3f}", f"{ours:.3f}", f"{ratio:.2f}"))
        report.ratio(
            f"{server}: an unused middleware / one that does nothing, served", ratio, target=MOST_UNUSED
        )
    report.table(
        "A request in milliseconds, with its server and 16 connections",
        ["server", "middleware that does nothing", "ours, unused", "unused / nothing"],
        rows,
    )
