"""A schedule: a scenario and the choices that make one run of it, so that a run can be repeated."""

import gc
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.simulation.judge import Violation
from tests.simulation.library import Library
from tests.simulation.run import Run
from tests.simulation.scenarios import Scenario, named

__all__ = ["BETWEEN_COLLECTIONS", "Failure", "Schedule", "replay", "simulating"]


@dataclass(frozen=True, slots=True)
class Schedule:
    """A scenario and the choices that make one run of it."""

    scenario: Scenario
    choices: tuple[int, ...]

    @classmethod
    def parse(cls, text: str) -> "Schedule":
        """Return the schedule that `str` wrote. Raises KeyError where there is no such scenario."""
        name, _, choices = text.rpartition(":")
        return cls(named(name), tuple(int(each) for each in choices.split(".") if each))

    def __str__(self) -> str:
        choices = ".".join(map(str, self.choices))
        return f"{self.scenario.name}:{re.sub('([.]0)+$', '', choices)}"


@dataclass(slots=True)
class Failure:
    """A broken promise, the schedule that broke it, and the name of the mutant, if it is one."""

    violation: Violation
    schedule: Schedule
    mutant: str = ""

    def __str__(self) -> str:
        of_mutant = f" --mutant {self.mutant}" if self.mutant else ""
        return f"{self.violation}\nReplay: python -m tests.simulation --replay '{self.schedule}'{of_mutant}"


@contextmanager
def simulating(library: Library) -> Iterator[None]:
    """Simulate `library` within: without its log, and without garbage collection in between."""
    log = logging.getLogger("monite_auth")
    level = log.level
    log.setLevel(logging.CRITICAL + 1)  # there would be hundreds of thousands of warnings
    gc.disable()  # worlds are full of cycles; `collect` is called now and then instead
    try:
        with library.installed():
            yield
    finally:
        gc.enable()
        log.setLevel(level)


BETWEEN_COLLECTIONS = 200
"""Runs after which garbage is collected: some tens of megabytes."""


def replay(schedule: Schedule, library: Library) -> tuple[Violation | None, list[str]]:
    """Run one schedule; return the promise that it breaks, if any, and the trace of its steps."""
    with simulating(library):
        run = Run(schedule.scenario, library)  # a violation before the first choice is raised
        run.world.trace = []
        try:
            for number in schedule.choices:
                options = run.options()
                if number >= len(options):
                    raise ValueError("this schedule is of another version of the library or of the scenarios")
                run.take(number, options)
            while options := run.options():  # the choices of a failure end where it shows
                run.take(0, options)
            run.finish()
        except Violation as violation:
            return violation, run.world.trace
        finally:
            run.world.close()
        return None, run.world.trace
