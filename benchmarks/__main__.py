"""Runs the benchmarks: `python -m benchmarks`, or some of them by name. Compare ratios of one run, since machines are noisy.

It prints tables and ratios, and writes them to build/benchmarks: `results.json`, and a plot for each table that is worth one.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

from benchmarks import (
    adapters,
    browser_api,
    budget,
    calls,
    cold,
    emulator,
    growth,
    hits,
    imports,
    logouts,
    loops,
    million,
    peers,
    served,
    size,
    telemetry,
    users,
)
from benchmarks.ground import Ground, open_ground
from benchmarks.report import Report

BENCHMARKS: dict[str, Callable[[Ground, Report], None]] = {
    "hits": hits.run,
    "telemetry": telemetry.run,
    "users": users.run,
    "million": million.run,
    "peers": peers.run,
    "calls": calls.run,
    "adapters": adapters.run,
    "served": served.run,
    "imports": imports.run,
    "logouts": logouts.run,
    "browser_api": browser_api.run,
    "size": size.run,
    "growth": growth.run,
    "loops": loops.run,
    "cold": cold.run,
    "emulator": emulator.run,
    "budget": budget.run,
}


def main() -> None:
    """Run what the command line names, with all stores that this machine has."""
    options = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    options.add_argument(
        "names", nargs="*", metavar="NAME", help=f"which: {', '.join(BENCHMARKS)}; by default all"
    )
    options.add_argument(
        "--smallest", action="store_true", help="only try whether they work: with the fewest repetitions"
    )
    options.add_argument(
        "--output", type=Path, default=Path("build/benchmarks"), help="the folder for JSON and plots"
    )
    chosen = options.parse_args()
    if unknown := set(chosen.names) - set(BENCHMARKS):
        options.error(
            f"there is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}"
        )
    report = Report()
    with open_ground(smallest=chosen.smallest) as ground:
        for name in chosen.names or BENCHMARKS:
            BENCHMARKS[name](ground, report)
    report.say_ratios()
    report.say("\nTimes depend on this machine and moment. Compare the ratios.")
    report.write(chosen.output)


if __name__ == "__main__":
    main()
