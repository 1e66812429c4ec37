"""Sampling: random schedules of larger scenarios, each of which follows from its number."""

import gc
import random
import time
from collections import Counter
from dataclasses import dataclass, field

from tests.simulation.judge import Violation
from tests.simulation.library import Library
from tests.simulation.run import Run
from tests.simulation.scenarios import Scenario, larger
from tests.simulation.schedule import BETWEEN_COLLECTIONS, Failure, Schedule, simulating

__all__ = ["Sampled", "sample"]


@dataclass(slots=True)
class Sampled:
    """The result of random schedules. `identities`: hashes that tell different schedules apart."""

    identities: set[int] = field(default_factory=set)
    schedules: int = 0
    choices: int = 0
    accidents: Counter[str] = field(default_factory=Counter)
    checks: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    """Tokens whose answer was lost, or whose process died before it was stored."""
    seconds: float = 0.0
    failures: list[Failure] = field(default_factory=list)

    def add(self, other: "Sampled") -> None:
        """Add the result of others."""
        self.identities |= other.identities
        self.schedules += other.schedules
        self.choices += other.choices
        self.accidents += other.accidents
        self.checks += other.checks
        self.lost += other.lost
        self.seconds += other.seconds
        self.failures += other.failures


SCHEDULES_PER_SCENARIO = 4
"""Random schedules of each larger scenario, one after the other."""


def sample(first: int, count: int, library: Library) -> Sampled:
    """Take `count` random schedules of larger scenarios, those of the numbers from `first`; stop at a failure."""
    sampled = Sampled()
    started = time.perf_counter()
    with simulating(library):
        for number in range(first, first + count):
            if number % BETWEEN_COLLECTIONS == 0:
                gc.collect()
            _sample(larger(number // SCHEDULES_PER_SCENARIO), number, library, sampled)
            if sampled.failures:
                break
    sampled.seconds = time.perf_counter() - started
    return sampled


def _sample(scenario: Scenario, number: int, library: Library, sampled: Sampled) -> None:
    dice = random.Random(number)
    stickiness = dice.choice((0.0, 0.0, 0.5, 0.8))
    accident = dice.choice((0.02, 0.05, 0.15))
    last = None
    run = None
    try:
        run = Run(scenario, library)
        while steps := run.steps():
            if dice.random() < accident and (accidents := run.accidents_now(steps)):
                run.take(len(steps) + int(dice.random() * len(accidents)), steps + accidents)
                continue
            choice = int(dice.random() * len(steps))
            if stickiness and dice.random() < stickiness:
                choice = next((n for n, (_, actor, _) in enumerate(steps) if actor is last), choice)
            last = steps[choice][1]
            run.take(choice, steps)
        sampled.lost += run.finish()
    except Violation as violation:
        sampled.failures.append(Failure(violation, Schedule(scenario, tuple(run.choices if run else ()))))
    finally:
        sampled.schedules += 1
        if run is not None:
            run.world.close()
            sampled.identities.add(hash((int(scenario.name), *run.choices)))
            sampled.choices += len(run.choices)
            sampled.accidents.update(run.accidents)
            sampled.checks.update(run.world.checks())
