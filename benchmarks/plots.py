"""Draws a table as bars in an SVG, with pygal (the dependency group `benchmarks`). The file stands alone, and runs no script."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pygal
from pygal.style import CleanStyle

__all__ = ["bars"]

FAR_APART = 30.0
"""From this ratio between the longest bar and the shortest on, a linear scale hides the short ones."""


def bars(
    file: Path, title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], plotted: Sequence[str]
) -> None:
    """Write a chart with one group of bars for each row, and one bar in it for each column that is plotted."""
    numbers = {name: [_number(row[columns.index(name)]) for row in rows] for name in plotted}
    found = [each for values in numbers.values() for each in values if each is not None and each > 0]
    is_wide = bool(found) and max(found) / min(found) > FAR_APART
    chart = pygal.HorizontalBar(
        style=CleanStyle,
        js=[],
        title=title,
        print_values=True,
        value_formatter=lambda value: "" if value is None else f"{value:,.3g}",
        logarithmic=is_wide,
        range=(min(found) / 2, max(found) * 1.2) if is_wide else None,  # else the shortest bar has no length
        truncate_label=-1,
        legend_at_bottom=True,
        height=180 + 26 * len(rows) * len(plotted),
        width=1000,
        disable_xml_declaration=False,
    )
    chart.x_labels = [", ".join(_names(columns, row)) for row in reversed(rows)]
    for name, values in numbers.items():
        chart.add(name, list(reversed(values)))
    chart.render_to_file(str(file))


def _names(columns: Sequence[str], row: Sequence[Any]) -> list[str]:
    """Return what names a row: its cells up to the first number."""
    names = []
    for _, cell in zip(columns, row, strict=True):
        if isinstance(cell, float):
            break
        names.append(str(cell))
    return names


def _number(cell: Any) -> float | None:
    return float(cell) if isinstance(cell, int | float) else None
