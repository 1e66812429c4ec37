"""Exploration: every schedule of a scenario.

It runs each prefix of choices from the start, and stops at a state that it has been in before: equal states have equal
futures, as `snapshot` explains. The number of schedules is then the number of paths through the graph of states, so it is
counted without running each.
"""

import gc
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tests.simulation.endless import Bound
from tests.simulation.judge import Violation
from tests.simulation.library import Library
from tests.simulation.run import Run
from tests.simulation.scenarios import Scenario
from tests.simulation.schedule import BETWEEN_COLLECTIONS, Failure, Schedule, simulating
from tests.simulation.snapshot import Histories, snapshot

__all__ = ["Explored", "explore"]


MOST_STATES = 20_000
"""States after which a scenario counts as one without an end: five times those of the largest."""


@dataclass(slots=True)
class Explored:
    """The result of exploring a scenario.

    `schedules`: how many different ones there are, all of them judged; 0 when it was not explored to its end.
    """

    scenario: Scenario
    schedules: int = 0
    states: int = 0
    runs: int = 0
    accidents: int = 0
    checks: Counter[str] = field(default_factory=Counter)
    ends: set[int] = field(default_factory=set)
    """The states in which all scripts have ended, as hashes of this process."""
    seconds: float = 0.0
    failure: Failure | None = None
    too_many: str = ""
    """Where there are too many states: what made new ones again and again."""


_END = -1


def explore(
    scenario: Scenario,
    library: Library,
    *,
    merge: bool = True,
    shuffled: bool = False,
    most_runs: int | None = None,
    most_states: int = MOST_STATES,
) -> Explored:
    """Take every schedule of the scenario, until one breaks a promise.

    `merge=False` runs each to its end. `shuffled` takes them in a mixed order, which finds mistakes sooner than one
    that changes the last choices first. It gives up after `most_runs`, and after `most_states`, which are counted when merged.
    """
    explored = Explored(scenario)
    started = time.perf_counter()
    with simulating(library):
        bound = Bound(most_states, "states")
        _Exploration(scenario, library, explored, bound, merge=merge, shuffled=shuffled).run(most_runs)
    explored.seconds = time.perf_counter() - started
    return explored


@dataclass(slots=True)
class _Branch:
    """An option that was not taken yet: the choices up to and with it, and the state that has it.

    `histories`: those of the actors in that state, so that they need not be gathered again.
    """

    choices: tuple[int, ...]
    histories: dict[str, int]
    node: int
    option: int


class _Exploration:
    def __init__(
        self,
        scenario: Scenario,
        library: Library,
        explored: Explored,
        bound: Bound,
        *,
        merge: bool,
        shuffled: bool,
    ) -> None:
        self._scenario = scenario
        self._library = library
        self._explored = explored
        self._merge = merge
        self._dice = random.Random(1) if shuffled else None
        self._histories = Histories()
        self._nodes: dict[Any, int] = {}
        self._children: list[list[int]] = []  # of each node, by option
        self._todo: list[_Branch] = [_Branch((), {}, _END, 0)]
        self._bound = bound

    def run(self, most_runs: int | None) -> None:
        explored = self._explored
        while self._todo and explored.failure is None and not explored.too_many:
            if most_runs is not None and explored.runs >= most_runs:
                break
            if self._dice is not None:
                other = int(self._dice.random() * len(self._todo))
                self._todo[other], self._todo[-1] = self._todo[-1], self._todo[other]
            branch = self._todo.pop()
            explored.runs += 1
            if explored.runs % BETWEEN_COLLECTIONS == 0:
                gc.collect()
            run = None
            try:
                run = Run(self._scenario, self._library, watched=True)
                for number in branch.choices[:-1]:
                    run.take(number, run.options())
                for actor in run.world.actors:
                    actor.history = branch.histories.get(actor.name, 0)
                if self._merge:
                    run.world.watch(self._histories.observe)
                for number in branch.choices[-1:]:
                    run.take(number, run.options())
                self._go_on(run, branch.node, branch.option)
            except Violation as violation:
                choices = tuple(run.choices) if run is not None else ()
                explored.failure = Failure(violation, Schedule(self._scenario, choices))
            finally:
                if run is not None:
                    run.world.close()
                    explored.checks.update(run.world.checks())
        explored.states = len(self._children)
        if explored.failure is None and not self._todo:
            explored.schedules = self._count()

    def _go_on(self, run: Run, parent: int, option: int) -> None:
        """Run to the end, or to a known state; note the options that were not taken."""
        while options := run.options():
            if len(options) > 1:
                node, is_new = self._node(run, len(options))
                self._link(parent, option, node)
                if not is_new:
                    return
                self._explored.accidents += sum(
                    kind != "step" or bool(detail) for kind, _, detail in options[1:]
                )
                choices = tuple(run.choices)
                histories = {actor.name: actor.history for actor in run.world.actors}
                for number in range(len(options) - 1, 0, -1):
                    self._todo.append(_Branch((*choices, number), histories, node, number))
                parent, option = node, 0
            run.take(0, options)
        self._link(parent, option, _END)
        end = hash(snapshot(run.world))
        if not self._merge or end not in self._explored.ends:
            self._explored.ends.add(end)
            run.finish()

    def _node(self, run: Run, options: int) -> tuple[int, bool]:
        key = (snapshot(run.world), run.budget()) if self._merge else len(self._children)
        known = self._nodes.get(key)
        if known is not None:
            return known, False
        node = self._nodes[key] = len(self._children)
        self._children.append([_END] * options)
        if self._merge and self._bound.is_passed(run.world):
            self._explored.too_many = str(self._bound)
        return node, True

    def _link(self, parent: int, option: int, node: int) -> None:
        if parent != _END:
            self._children[parent][option] = node

    def _count(self) -> int:
        """Return the number of paths from the first state to an end."""
        paths: dict[int, int] = {_END: 1}
        pending = [0] if self._children else [_END]
        while pending:
            node = pending[-1]
            if node in paths:
                pending.pop()
                continue
            missing = [child for child in self._children[node] if child not in paths]
            if missing:
                pending += missing
                continue
            paths[node] = sum(paths[child] for child in self._children[node])
            pending.pop()
        return paths[0] if self._children else 1
