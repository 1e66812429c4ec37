"""The results of the simulation, as tables."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from monite_auth import Principal
from tests.simulation.exploration import Explored
from tests.simulation.sampling import Sampled
from tests.simulation.scenarios import Scenario

__all__ = ["Report", "described"]


@dataclass
class Report:
    """The results of a test run. The tests fill it in, and it is printed at the end."""

    explored: list[Explored] = field(default_factory=list)
    sampled: Sampled | None = None
    wall_seconds: float = 0.0
    mutants: list[tuple[str, str, Explored]] = field(default_factory=list)
    """Of each mutant: its name, its mistake, and the exploration that looked for it."""

    def lines(self) -> list[str]:
        """Return the report, line by line."""
        found: list[str] = []
        if self.explored:
            found += [
                "Every schedule of small scenarios (merged: states that were reached in several ways)",
                "",
            ]
            rows = [
                [
                    each.scenario.name,
                    f"{each.schedules:,}",
                    f"{each.states:,}",
                    f"{each.accidents:,}",
                    f"{each.checks.total():,}",
                    f"{each.seconds:.1f}",
                ]
                for each in self.explored
            ]
            total = [
                f"all {len(self.explored)}",
                f"{sum(each.schedules for each in self.explored):,}",
                f"{sum(each.states for each in self.explored):,}",
                f"{sum(each.accidents for each in self.explored):,}",
                f"{sum(each.checks.total() for each in self.explored):,}",
                f"{sum(each.seconds for each in self.explored):.1f}",
            ]
            head = ["scenario", "distinct schedules", "states", "accident points", "checks", "seconds"]
            found += [*_table(head, [*rows, total]), ""]
        if self.sampled is not None:
            found += [*self._sampled(self.sampled), ""]
        if self.mutants:
            found += [f"{len(self.mutants)} mutants, and what caught them", ""]
            rows = [
                [
                    name,
                    about,
                    each.failure.violation.check if each.failure else "NOT CAUGHT",
                    each.scenario.name,
                    f"{each.runs:,}",
                ]
                for name, about, each in self.mutants
            ]
            found += _table(["mutant", "mistake", "caught by", "in scenario", "after runs"], rows)
        return found

    def _sampled(self, sampled: Sampled) -> list[str]:
        accidents = ", ".join(f"{count:,} {name}" for name, count in sorted(sampled.accidents.items()))
        promises = ", ".join(f"{name}: {count:,}" for name, count in sorted(sampled.checks.items()))
        return [
            (
                f"Random schedules of larger scenarios: {sampled.schedules:,} run, {len(sampled.identities):,} distinct, "
                f"{sampled.choices:,} choices, {self.wall_seconds:.0f} s ({sampled.seconds:.0f} s of all workers)"
            ),
            f"  accidents: {accidents}",
            f"  checks: {promises}",
            f"  tokens whose answer was lost, with nobody left who knows them: {sampled.lost:,}",
        ]


def described(scenario: Scenario) -> list[str]:
    """Return what a scenario is about, line by line."""
    scripts = [(script.name, script.process, script.actions) for script in scenario.scripts]
    before = [("before", process, (action,)) for process, action in scenario.before]
    return [
        scenario.name,
        *(
            f"  {name}, process {process} ({scenario.processes[process]}): {', '.join(map(_action, actions))}"
            for name, process, actions in [*before, *scripts]
        ),
    ]


def _action(action: Any) -> str:
    """Name an action, the principal and its session included, which a principal's `repr` keeps to itself."""
    values = [getattr(action, field.name) for field in fields(action)]
    parts = [
        f"{each.user_id}, {each.tenant}, {each.session_id}" if isinstance(each, Principal) else str(each)
        for each in values
    ]
    return f"{type(action).__name__}({'; '.join(parts)})"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Lay out a table; columns of numbers are aligned to the right."""
    lines = [head, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    numeric = [all(line[column][:1].isdigit() for line in lines[1:]) for column in range(len(head))]

    def row(line: Sequence[str]) -> str:
        cells = [
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(line, widths, numeric, strict=True)
        ]
        return "  ".join(cells).rstrip()

    return [row(line) for line in lines]
