"""The report of an experiment: a table of what was measured, and the violations."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.judge import DIED, LOST, MISSED, ORPHANED, STAYING, VIOLATION, Verdict

SHOWN = 20
"""Violations that are written out; the first ones tell what is the matter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The outcome. `folder`: where the event logs are. `complaints`: what went wrong beside the verdict."""

    store: str
    seed: int
    folder: Path
    verdict: Verdict
    complaints: list[str]
    logouts: int
    kills: int
    outages: int
    hits: Counter[str]
    numbers: dict[str, object]

    @property
    def wrong(self) -> list[str]:
        return [*self.complaints, *self.verdict.violations]

    def lines(self) -> Iterator[str]:
        faults = ", ".join(f"{kind} {count}" for kind, count in self.hits.most_common())
        live = self.verdict.live
        rows = {
            "seed": self.seed,
            **self.numbers,
            "faults of Monite that hit": f"{self.hits.total()} ({faults})",
            "tokens handed out during an outage": self.verdict.during_outage,
            "dead tokens handed out, commit interrupted": self.verdict.interrupted,
            **{
                f"live at the end, {found}": live[found]
                for found in (STAYING, LOST, MISSED, DIED, ORPHANED, VIOLATION)
            },
            "violations": len(self.wrong),
        }
        yield from (f"{name:<44}{value}" for name, value in rows.items())
        yield from (f"VIOLATION: {wrong}" for wrong in self.wrong[:SHOWN])
        if self.wrong:
            yield f"The event logs are in {self.folder}"
