"""What a verb found out: once for programs, as JSON, and once for people, as sentences and tables. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

__all__ = ["DIFFERS", "FAILED", "Part", "Result", "Table", "plain_text"]

FAILED = 1
"""The exit code where something failed."""

DIFFERS = 2
"""The exit code where nothing failed, and something differs or would change: CI may watch for it."""


class Table(NamedTuple):
    """Rows under a heading each."""

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]

    @property
    def printable_rows(self) -> list[list[str]]:
        """The rows in one line each. Names come from people, who must not move a terminal's cursor with them."""
        return [
            ["".join(sign if sign.isprintable() else " " for sign in cell) for cell in row]
            for row in self.rows
        ]

    @classmethod
    def of(cls, records: Iterable[Mapping[str, Any]], *names: str) -> "Table":
        """Return the table of these fields of records; None shows as nothing."""
        return cls(
            names, [["" if each[name] is None else str(each[name]) for name in names] for each in records]
        )


Part = str | Table
"""A sentence, or a table."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a verb found out.

    `data`: what `--json` prints. `parts`: the same for people. `code`: the exit code.
    """

    data: Mapping[str, Any]
    parts: Sequence[Part] = ()
    code: int = 0


def plain_text(part: Part) -> str:
    """Return a sentence as it is, and a table with aligned columns."""
    if isinstance(part, str):
        return part
    rows = [part.headings, *part.printable_rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(part.headings))]
    lines = ["  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)) for row in rows]
    return "\n".join(line.rstrip() for line in lines)
