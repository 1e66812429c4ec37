"""Measures a request behind our unused middleware, as a real server serves it.

Beside it are one behind a middleware that does nothing, and one behind a middleware that only asks twice who is logged in.

`adapters` measures the same without a server, where a request is next to nothing.
"""

import asyncio
import statistics
from contextlib import ExitStack

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

NOBODYS = "theme=dark"
"""The cookie of a visitor who is not logged in."""


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
        with ExitStack() as running:
            urls = [
                running.enter_context(
                    serving(framework, f"benchmarks.served_apps:{kind}_{framework}", settings)
                )
                for kind in ("plain", "asking", "protected")
            ]
            visitors = {
                "nobody": dict.fromkeys(urls, NOBODYS),
                "somebody": {url: log_in(url) for url in urls},
            }
            for visitor, cookies in visitors.items():
                took = [
                    [asyncio.run(ask(url, "/", cookies[url], load)) / load.requests for url in urls]
                    for _ in range(ground.count(ROUNDS, 1))
                ]
                ratio = statistics.median(ours / nothing for nothing, _, ours in took)
                to_twice = statistics.median(ours / twice for _, twice, ours in took)
                times = (f"{statistics.median(each) * 1e3:.3f}" for each in zip(*took, strict=True))
                rows.append((server, visitor, *times, f"{ratio:.2f}", f"{to_twice:.2f}"))
                report.ratio(
                    f"{server}: an unused middleware / one that does nothing, served, {visitor} logged in",
                    ratio,
                    target=MOST_UNUSED,
                )
    report.table(
        "A request in milliseconds, with its server and 16 connections",
        [
            "server",
            "logged in",
            "middleware that does nothing",
            "asks twice",
            "ours, unused",
            "unused / nothing",
            "unused / twice",
        ],
        rows,
    )
