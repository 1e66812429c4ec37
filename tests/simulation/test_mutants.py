"""The simulation catches every mutant: every mistake that is put into the library on purpose."""

import pytest

from tests.simulation.mutants import MUTANTS
from tests.simulation.work import hunt


@pytest.fixture(scope="module")
def hunts(pool):
    return {mutant: pool.submit(hunt, mutant.__name__) for mutant in MUTANTS}


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_mutant_is_caught(mutant, hunts, report):
    explored = hunts[mutant].result()
    report.mutants.append((mutant.__name__, mutant.about, explored))
    assert explored.failure is not None, f"not caught in {explored.runs} runs: {mutant.about}"
    assert explored.failure.violation.check in (mutant.promise, mutant.or_else), f"\n{explored.failure}"
