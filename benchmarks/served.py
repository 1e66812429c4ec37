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
from benchmarks.servers import Load, Took, ask, log_in, serving
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
    for framework, name in (("starlette", "uvicorn, Starlette"), ("flask", "gunicorn, Flask")):
        with ExitStack() as running:
            servers = [
                running.enter_context(
                    serving(framework, f"benchmarks.served_apps:{kind}_{framework}", settings)
                )
                for kind in ("plain", "asking", "protected")
            ]
            for visitor, cookies in (
                ("nobody", [NOBODYS] * len(servers)),
                ("somebody", [log_in(server) for server in servers]),
            ):
                took = [
                    [
                        asyncio.run(ask(server, "/", cookie, load))
                        for server, cookie in zip(servers, cookies, strict=True)
                    ]
                    for _ in range(ground.count(ROUNDS, 1))
                ]
                for unit in Took._fields:
                    seconds = [[getattr(each, unit) for each in row] for row in took]
                    ratio = statistics.median(ours / nothing for nothing, _, ours in seconds)
                    to_twice = statistics.median(ours / twice for _, twice, ours in seconds)
                    times = [
                        f"{statistics.median(each) / load.requests * 1e3:.3f}"
                        for each in zip(*seconds, strict=True)
                    ]
                    rows.append((name, visitor, unit, *times, f"{ratio:.2f}", f"{to_twice:.2f}"))
                    report.ratio(
                        f"{name}: an unused middleware / one that does nothing, {visitor} logged in, served, by the {unit}",
                        ratio,
                        target=MOST_UNUSED,
                    )
    report.table(
        "A request in milliseconds, with its server and 16 connections: by the clock, and of the server's processor",
        [
            "server",
            "logged in",
            "by",
            "middleware that does nothing",
            "asks twice",
            "ours, unused",
            "unused / nothing",
            "unused / twice",
        ],
        rows,
    )
