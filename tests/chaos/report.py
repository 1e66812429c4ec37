"""The report of an experiment: a table of what was measured, and the violations."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.judge import DIED, LOST, MISSED, ORPHANED, STAYING, VIOLATION, Verdict
from tests.chaos.troubles import Troubles

SHOWN = 20
"""Violations that are written out; the first ones tell what is the matter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The outcome.

    `folder`: where the event logs are. `complaints`: what went wrong beside the verdict. `outages`: troubles of the
    store. `logouts`: when each began and returned. `hits`: faults of Monite that hit something, by kind.
    """

    store: str
    seed: int
    folder: Path
    verdict: Verdict
    complaints: list[str]
    troubles: Troubles
    outages: int
    logouts: list[tuple[float, float]]
    hits: Counter[str]
    numbers: dict[str, object]

    @property
    def wrong(self) -> list[str]:
        return [*self.complaints, *self.verdict.violations]

    def lines(self) -> Iterator[str]:
        verdict = self.verdict
        faults = ", ".join(f"{kind} {count}" for kind, count in self.hits.most_common())
        rows = {
            "seed": self.seed,
            **self.numbers,
            "faults of Monite that hit": f"{self.hits.total()} ({faults})",
            **self._troubles(),
            "tokens handed out during an outage": verdict.during_outage,
            "dead tokens handed out, commit interrupted": verdict.interrupted,
            **{
                f"live at the end, {found}": verdict.live[found]
                for found in (STAYING, LOST, MISSED, DIED, ORPHANED, VIOLATION)
            },
            "tokens handed out": verdict.handed_out,
            "tokens of another principal": verdict.mixed_up,
            "callers beyond their time and a second": verdict.late,
            **{f"slowest {wanted}": wait for wanted, wait in sorted(verdict.slowest.items())},
            "violations": len(self.wrong),
        }
        yield from (f"{name:<44}{value}" for name, value in rows.items())
        yield from (f"VIOLATION: {wrong}" for wrong in self.wrong[:SHOWN])
        if self.wrong:
            yield f"The event logs are in {self.folder}"

    def _troubles(self) -> dict[str, str]:
        """Return a row for each kind of trouble."""
        logouts = self.troubles.counts_of(self.logouts)
        return {
            kind: f"{count} times, {logouts[kind]} logouts meanwhile"
            for kind, count in sorted(self.troubles.counts().items())
        }
