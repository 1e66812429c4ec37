"""Prints tables and ratios, and keeps them: `write` leaves all of them as one JSON file, and each plot as an SVG."""

import json
import os
import platform
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

__all__ = ["Report"]


@dataclass(frozen=True, slots=True)
class Table:
    """One table. `plotted`: which of its columns are drawn, if any."""

    title: str
    columns: list[str]
    rows: list[list[Any]]
    plotted: list[str]


@dataclass(frozen=True, slots=True)
class Ratio:
    """One ratio. `target`: what it should be at the most, if somebody has said so."""

    name: str
    value: float
    target: float | None


@dataclass(slots=True)
class Report:
    """What one run has found."""

    tables: list[Table] = field(default_factory=list)
    ratios: list[Ratio] = field(default_factory=list)

    def say(self, text: str) -> None:
        """Print at once, also into a pipe."""
        print(text, flush=True)  # noqa: T201 - this is a command

    def table(
        self,
        title: str,
        columns: Sequence[str],
        rows: Sequence[Sequence[Any]],
        *,
        plotted: Sequence[str] = (),
    ) -> None:
        """Print rows under a title, and keep them. The first column is aligned to the left, the others to the right.

        `plotted`: the columns with numbers that are worth a picture; the columns of text name each bar.
        """
        self.tables.append(Table(title, list(columns), [list(row) for row in rows], list(plotted)))
        texts = [[_text(cell) for cell in row] for row in rows]
        widths = [max(len(line[n]) for line in [list(columns), *texts]) for n in range(len(columns))]
        self.say(f"\n{title}\n")
        for line in [list(columns), ["-" * width for width in widths], *texts]:
            first, *others = (
                cell.ljust(width) if n == 0 else cell.rjust(width)
                for n, (cell, width) in enumerate(zip(line, widths, strict=True))
            )
            self.say("  ".join([first, *others]))

    def ratio(self, name: str, value: float, *, target: float | None = None) -> None:
        """Keep a ratio; `say_ratios` prints all of them together."""
        self.ratios.append(Ratio(name, value, target))

    def say_ratios(self) -> None:
        """Print all ratios, and which of them reach their targets. Each is worth more than a time."""
        rows = [(each.name, f"{each.value:.2f}", *_judged(each.value, each.target)) for each in self.ratios]
        if rows:
            self.table("Ratios", ["ratio", "measured", "target", "reached"], rows)

    def write(self, folder: Path) -> None:
        """Write `results.json` and a plot for each table that has one."""
        folder.mkdir(parents=True, exist_ok=True)
        found = {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": {
                "cores": os.cpu_count(),
                "load": os.getloadavg(),
                "python": platform.python_version(),
                "system": platform.platform(),
            },
            "version": version("monite-auth"),
            "ratios": [asdict(each) for each in self.ratios],
            "tables": [asdict(each) for each in self.tables],
        }
        (folder / "results.json").write_text(
            json.dumps(found, indent=2, default=str) + "\n", encoding="utf-8"
        )
        from benchmarks import plots  # noqa: PLC0415 - a group of its own brings pygal, and only this needs it

        for each in self.tables:
            if each.plotted:
                name = re.sub(r"\W+", "-", each.title.partition(",")[0].lower()).strip("-")
                plots.bars(folder / f"{name}.svg", each.title, each.columns, each.rows, each.plotted)
        self.say(f"\nWritten to {folder}/.")


def _judged(value: float, target: float | None) -> tuple[str, str]:
    return ("", "") if target is None else (f"{target:g}", "yes" if value <= target else "no")


def _text(cell: Any) -> str:
    return f"{cell:.1f}" if isinstance(cell, float) else str(cell)
