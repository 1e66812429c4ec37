"""Measures what each adapter adds to a request, unused and used, against the framework with a middleware that does nothing.

There is no server and no network: each framework is called as a server calls it, in one thread, and the processor's time counts.
"""

import asyncio

from benchmarks import django_project, middlewares
from benchmarks.ground import Ground
from benchmarks.people import broker_for
from benchmarks.report import Report
from benchmarks.timing import side_by_side
from monite_auth import TokenBroker

__all__ = ["run", "unused_ratio"]

MOST_UNUSED = 1.2
"""The target: a request behind an unused middleware, times one behind a middleware that does nothing."""


def run(ground: Ground, report: Report) -> None:
    """Print the microseconds of a request behind each, and the ratios."""
    rows = []
    with broker_for(ground.emulator.api_url, "memory://") as broker, asyncio.Runner() as runner:
        for name, sides in _frameworks(broker, runner, ground.emulator.api_url).items():
            took = side_by_side(sides._asdict(), seconds=ground.seconds)
            unused, used = took["unused"] / took["nothing"], took["used"] / took["session"]
            own = took["unused"] / took["twice"]
            rows.append((name, *(each / middlewares.BATCH for each in took.values()), unused, own, used))
            report.ratio(f"{name}: an unused middleware / one that does nothing", unused, target=MOST_UNUSED)
        runner.run(broker.aclose())
    report.table(
        "A request in microseconds of the processor, without a server",
        [
            "framework",
            "middleware that does nothing",
            "asks twice",
            "ours, unused",
            "nothing, reads its session",
            "ours, with a token",
            "unused / nothing",
            "unused / twice",
            "token / session",
        ],
        rows,
        plotted=[
            "middleware that does nothing",
            "asks twice",
            "ours, unused",
            "nothing, reads its session",
            "ours, with a token",
        ],
    )


def unused_ratio(name: str, broker: TokenBroker, api_url: str, *, rounds: int) -> float:
    """Return a request behind our unused middleware, times one behind a middleware that does nothing."""
    with asyncio.Runner() as runner:
        sides = _frameworks(broker, runner, api_url)[name]
        took = side_by_side({"nothing": sides.nothing, "unused": sides.unused}, seconds=0.2, rounds=rounds)
    return took["unused"] / took["nothing"]


def _frameworks(broker: TokenBroker, runner: asyncio.Runner, api_url: str) -> dict[str, middlewares.Sides]:
    return {
        "ASGI, bare": middlewares.bare_asgi(broker, runner),
        "Starlette": middlewares.starlette(broker, runner),
        "Flask": middlewares.flask(broker),
        "Django": django_project.sides(api_url),
    }
