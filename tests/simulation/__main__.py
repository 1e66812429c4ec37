"""`python -m tests.simulation`: a long run, a mutant, or one schedule again.

python -m tests.simulation --schedules 1000000 --seed 7       random schedules
python -m tests.simulation --small                            every schedule of the small scenarios
python -m tests.simulation --mutant FenceRemoved              a schedule on which this mutant breaks a promise
python -m tests.simulation --replay 'mint x logout:0.1.1'     one schedule, step by step
python -m tests.simulation --replay '...' --mutant NAME       the same, on a mutant
"""

import argparse
import os
import sys
import time

from tests.simulation.library import Library
from tests.simulation.mutants import MUTANTS, mutant_named
from tests.simulation.report import Report, described
from tests.simulation.sampling import Sampled
from tests.simulation.scenarios import SMALL
from tests.simulation.schedule import Failure, Schedule, replay
from tests.simulation.work import explore_small, hunt, sample_many, workers


def main() -> int:
    """Do what the arguments say; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--schedules", type=int, default=1_000_000, help="how many random schedules to take")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="when to stop all the same")
    parser.add_argument("--seed", type=int, default=1, help="other seeds, other schedules")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument(
        "--small", action="store_true", help="take every schedule of the small scenarios instead"
    )
    parser.add_argument("--replay", metavar="SCENARIO:CHOICES", help="run one schedule and print its steps")
    parser.add_argument(
        "--mutant", choices=[each.__name__ for each in MUTANTS], help="look for this mutant, or replay on it"
    )
    options = parser.parse_args()
    if options.replay:
        return _replay(options.replay, options.mutant)
    if options.mutant:
        return _hunt(options.mutant)
    report, failures = Report(), list[Failure]()
    with workers(options.workers) as pool:
        if options.small:
            report.explored = list(pool.map(explore_small, [each.name for each in SMALL]))
            failures = [each.failure for each in report.explored if each.failure is not None]
        else:
            started = time.monotonic()
            report.sampled = sample_many(
                pool,
                seed=options.seed,
                schedules=options.schedules,
                seconds=options.seconds,
                at_once=options.workers,
                progress=_progress,
            )
            report.wall_seconds = time.monotonic() - started
            failures = report.sampled.failures
    _print("\n".join(report.lines()))
    for failure in failures:
        _print(f"\n{failure}")
    return 1 if failures else 0


def _hunt(mutant: str) -> int:
    explored = hunt(mutant)
    _print(f"{mutant}: {mutant_named(mutant).about}")
    _print(str(explored.failure or f"This mutant is not caught in {explored.runs:,} runs."))
    return 1 if explored.failure is None else 0


def _replay(text: str, mutant: str | None) -> int:
    library = mutant_named(mutant)() if mutant else Library()
    schedule = Schedule.parse(text)
    violation, trace = replay(schedule, library)
    _print("\n".join([*described(schedule.scenario), "", *trace, ""]))
    _print(str(violation or "This schedule keeps all promises."))
    return 1 if violation else 0


def _progress(sampled: Sampled) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{sampled.schedules:,} run, {len(sampled.identities):,} distinct ")


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
