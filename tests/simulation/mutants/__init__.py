"""Mutants: the library with one mistake each, which the simulation has to notice.

A mutant is a `Library` with a part that does something wrong: a store or a part of the engine, as a subclass of the real
one. No file of the library is touched. The modules here go by the promise that each mistake breaks.
"""

from tests.simulation.mutants import (
    accounts,
    budget,
    clocks,
    freshness,
    isolation,
    logout,
    nothing_is_lost,
    one_mint,
    outages,
    sessions,
    shared_peeks,
    valid_beats_new,
)
from tests.simulation.mutants.mutant import Mutant

__all__ = ["MUTANTS", "Mutant", "mutant_named"]

MUTANTS: tuple[type[Mutant], ...] = (
    *accounts.MUTANTS,
    *isolation.MUTANTS,
    *one_mint.MUTANTS,
    *freshness.MUTANTS,
    *valid_beats_new.MUTANTS,
    *logout.MUTANTS,
    *sessions.MUTANTS,
    *shared_peeks.MUTANTS,
    *nothing_is_lost.MUTANTS,
    *budget.MUTANTS,
    *outages.MUTANTS,
    *clocks.MUTANTS,
)


def mutant_named(name: str) -> type[Mutant]:
    """Return the mutant of this name. Raises KeyError."""
    return {mutant.__name__: mutant for mutant in MUTANTS}[name]
