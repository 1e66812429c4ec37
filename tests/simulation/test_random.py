"""Promises 1-8 over many random schedules of larger scenarios."""

import os
import time

import pytest

from tests.simulation.conftest import WORKERS
from tests.simulation.work import sample_many

SCHEDULES = int(os.environ.get("MONITE_SIMULATION_SCHEDULES", "200000"))
SECONDS = float(os.environ.get("MONITE_SIMULATION_SECONDS", "70"))
SEED = int(os.environ.get("MONITE_SIMULATION_SEED", "1"))

LEAST = 5_000
"""Schedules that even a machine with much else to do has to get through, or they prove little."""


@pytest.mark.timeout(1800)
def test_random_schedules_keep_the_promises(pool, report):
    started = time.monotonic()
    sampled = sample_many(pool, seed=SEED, schedules=SCHEDULES, seconds=SECONDS, at_once=WORKERS)
    report.wall_seconds = time.monotonic() - started
    report.sampled = sampled
    assert not sampled.failures, f"\n{sampled.failures[0]}"
    assert sampled.schedules >= min(SCHEDULES, LEAST)
