"""Work for several processes: each explores whole scenarios, or takes a range of random schedules."""

import gc
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from multiprocessing import get_context

from tests.simulation.exploration import Explored, explore
from tests.simulation.library import Library
from tests.simulation.mutants import mutant_named
from tests.simulation.sampling import Sampled, sample
from tests.simulation.scenarios import named

__all__ = ["explore_small", "hunt", "sample_many", "workers"]

CHUNK = 1_000
"""Random schedules that a worker takes at a time: a second or two of work."""

MOST_RUNS = 30_000
"""Runs of one small scenario at the most: some 20 seconds of work. One that needs more is not small."""

SEED_RANGE = 1_000_000_000
"""Random schedules of one seed, at the most: those of another begin after them."""


def workers(count: int) -> ProcessPoolExecutor:
    """Return a pool of processes that share nothing with this one."""
    return ProcessPoolExecutor(count, mp_context=get_context("spawn"), initializer=gc.freeze)


def explore_small(name: str) -> Explored:
    """Take every schedule of a small scenario."""
    return explore(named(name), Library(), shuffled=True, most_runs=MOST_RUNS)


def hunt(mutant_name: str) -> Explored:
    """Explore the scenarios in which a mutant should show; return the exploration that caught it, or the last."""
    mutant = mutant_named(mutant_name)
    runs, explored = 0, None
    for name in mutant.scenarios:
        explored = explore(named(name), mutant(), shuffled=True, most_runs=MOST_RUNS)
        runs += explored.runs
        if explored.failure is not None:
            break
    assert explored is not None
    explored.runs = runs
    if explored.failure is not None:
        explored.failure.mutant = mutant_name
    return explored


def _sample(first: int) -> Sampled:
    return sample(first, CHUNK, Library())


def sample_many(
    pool: ProcessPoolExecutor,
    *,
    seed: int,
    schedules: int,
    seconds: float,
    at_once: int,
    progress: Callable[[Sampled], None] = lambda _sampled: None,
) -> Sampled:
    """Take random schedules, as many as wanted or as there is time for; stop at a failure."""
    sampled = Sampled()
    end = time.monotonic() + seconds
    begun = 0
    pending: set[Future[Sampled]] = set()
    while True:
        while (
            begun < schedules and len(pending) <= at_once and time.monotonic() < end and not sampled.failures
        ):
            pending.add(pool.submit(_sample, seed * SEED_RANGE + begun))
            begun += CHUNK
        if not pending:
            return sampled
        done, pending = wait(pending, return_when=FIRST_COMPLETED)
        for each in done:
            sampled.add(each.result())
        progress(sampled)
