"""What happens in a simulation: small scenarios, every schedule of which is explored, and larger ones made by number.

`scenario` says what a scenario is made of. The small ones go by what they are about.
"""

from tests.simulation.scenarios import (
    accounts,
    budget,
    clocks,
    endings,
    mints,
    outages,
    renewals,
    repeats,
    sessions,
)
from tests.simulation.scenarios.larger import larger
from tests.simulation.scenarios.scenario import Scenario, Script

__all__ = ["SMALL", "Scenario", "Script", "larger", "named"]

SMALL: tuple[Scenario, ...] = (
    *mints.SCENARIOS,
    *renewals.SCENARIOS,
    *endings.SCENARIOS,
    *budget.SCENARIOS,
    *sessions.SCENARIOS,
    *accounts.SCENARIOS,
    *repeats.SCENARIOS,
    *outages.SCENARIOS,
    *clocks.SCENARIOS,
)
"""Scenarios of which every schedule is explored."""


def named(name: str) -> Scenario:
    """Return the small scenario of this name, or the larger one of this number. Raises KeyError."""
    return larger(int(name)) if name.isdigit() else {each.name: each for each in SMALL}[name]
