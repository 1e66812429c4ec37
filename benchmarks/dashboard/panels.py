"""What the panels of docs/monitoring/grafana.json ask, and what Prometheus answers: the queries are used as they stand in the file."""

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["DASHBOARD", "Line", "Panel", "Query", "read_panels"]

DASHBOARD = Path(__file__).parents[2] / "docs/monitoring/grafana.json"

Query = Callable[[str], list[dict[str, Any]]]
"""Asks Prometheus for the series of an expression over the time of the picture."""


@dataclass(frozen=True, slots=True)
class Line:
    """One series. `points`: by epoch seconds; what Prometheus does not know is missing."""

    name: str
    points: dict[float, float]


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel, or the title of a row of panels, which has no lines. `x`, `y`, `width`: Grafana's grid of 24 columns."""

    title: str
    x: int
    y: int
    width: int
    unit: str = ""
    is_stacked: bool = False
    lines: tuple[Line, ...] = ()
    is_row: bool = False


def read_panels(query: Query, *, rate_interval: str, file: Path = DASHBOARD) -> list[Panel]:
    """Return the dashboard's panels, each with the answers to its queries.

    `rate_interval`: what Grafana puts in the place of `$__rate_interval`: four times the interval of scrapes.
    """
    return [
        _panel(each, query, rate_interval) for each in json.loads(file.read_text(encoding="utf-8"))["panels"]
    ]


def _panel(panel: dict[str, Any], query: Query, rate_interval: str) -> Panel:
    place = panel["gridPos"]
    if panel["type"] == "row":
        return Panel(panel["title"], place["x"], place["y"], place["w"], is_row=True)
    settings = panel["fieldConfig"]["defaults"]
    lines = [
        Line(_legend(target["legendFormat"], series["metric"]), _points(series["values"]))
        for target in panel["targets"]
        for series in query(target["expr"].replace("$__rate_interval", rate_interval))
    ]
    is_stacked = settings["custom"]["stacking"]["mode"] == "normal"
    return Panel(
        panel["title"], place["x"], place["y"], place["w"], settings["unit"], is_stacked, tuple(lines)
    )


def _legend(form: str, labels: dict[str, str]) -> str:
    return re.sub(r"{{(\w+)}}", lambda found: labels.get(found[1], ""), form)


def _points(values: list[tuple[float, str]]) -> dict[float, float]:
    numbers = {at: float(text) for at, text in values}
    return {at: number for at, number in numbers.items() if math.isfinite(number)}
