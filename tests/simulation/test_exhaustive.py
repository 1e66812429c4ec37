"""Promises 1-8 over every schedule of small scenarios, with accidents at every point."""

from concurrent.futures import Future

import pytest

from tests.simulation.exploration import Explored
from tests.simulation.scenarios import SMALL
from tests.simulation.work import explore_small

Explorations = dict[str, "Future[Explored]"]


@pytest.fixture(scope="module")
def explorations(request: pytest.FixtureRequest, pool) -> Explorations:
    """Explorations of all scenarios that are tested in this run, begun at once."""
    wanted = [
        item.callspec.params["scenario"]
        for item in request.session.items
        if isinstance(item, pytest.Function) and item.module is request.module and hasattr(item, "callspec")
    ]
    return {name: pool.submit(explore_small, name) for name in wanted}


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("scenario", [each.name for each in SMALL])
def test_every_schedule_keeps_the_promises(scenario, explorations, report):
    explored = explorations[scenario].result()
    assert explored.failure is None, f"\n{explored.failure}"
    assert not explored.too_many, f"{scenario}: {explored.too_many}"
    assert explored.schedules > 0, f"not all seen after {explored.runs:,} runs: make the scenario smaller"
    report.explored.append(explored)
