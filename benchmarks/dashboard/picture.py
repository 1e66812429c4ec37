"""Draws panels as one SVG, in the places that they have in Grafana. It stands alone: no script, no font, no address."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from itertools import pairwise

from benchmarks.dashboard.panels import Line, Panel
from benchmarks.dashboard.story import Chapter

__all__ = ["draw"]

WIDTH, GAP = 1320, 10
HEIGHTS = {True: 34, False: 206}
"""Pixels of the title of a row, and of a panel."""

LINES = ("#73bf69", "#5794f2", "#ff9830", "#f2495c", "#b877d9", "#fade2a", "#8ab8ff", "#ff7383")
BANDS = ("#5794f2", "#f2495c", "#ff9830")
STYLE = """
text { font: 11px system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; fill: #9fa7b3 }
.title { font-size: 13px; font-weight: 600; fill: #d8dae0 }
.head { font-size: 17px; font-weight: 600; fill: #ffffff }
.panel { fill: #181b1f; stroke: #2c3235 }
.grid { stroke: #2c3235; stroke-width: 1 }
.line { fill: none; stroke-width: 1.6; stroke-linejoin: round }
.end { text-anchor: end } .middle { text-anchor: middle }
"""

UNITS = {"reqps": (1, "/s"), "s": (1, " s"), "percentunit": (100, " %"), "short": (1, "")}
"""What a value is multiplied with, and what stands after it, by Grafana's name of the unit."""


def draw(
    title: str,
    panels: Sequence[Panel],
    chapters: Sequence[Chapter],
    times: tuple[float, float, float],
    alerts: Mapping[str, float],
) -> str:
    """Return the picture. `times`: begin, end and step, in epoch seconds. `alerts`: when each that fired began to."""
    tops, top = {}, 84.0
    for y in sorted({each.y for each in panels}):
        tops[y] = top
        top += HEIGHTS[next(each.is_row for each in panels if each.y == y)]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top:.0f}" role="img">',
        f"<title>{escape(title)}</title><style>{STYLE}</style>",
        f'<rect width="{WIDTH}" height="{top:.0f}" fill="#111217"/>',
        f'<text class="head" x="{GAP}" y="34">{escape(title)}</text>',
        *_legend([each.title for each in chapters], BANDS, GAP, 62, squares=12),
        *_alerts(alerts, times[0]),
    ]
    for each in panels:
        parts += _row(each, tops[each.y]) if each.is_row else _panel(each, tops[each.y], chapters, times)
    return "\n".join([*parts, "</svg>\n"])


def _alerts(alerts: Mapping[str, float], begin: float) -> Iterable[str]:
    said = [
        f"{name} fires at {int(at - begin) // 60}:{int(at - begin) % 60:02d}" for name, at in alerts.items()
    ]
    yield f'<text class="end" x="{WIDTH - GAP}" y="62">{escape("; ".join(said))}</text>'


def _row(panel: Panel, top: float) -> Iterable[str]:
    yield f'<text class="title" x="{GAP}" y="{top + 21}">{escape(panel.title)}</text>'


def _panel(
    panel: Panel, top: float, chapters: Sequence[Chapter], times: tuple[float, float, float]
) -> Iterable[str]:
    begin, end, step = times
    cell = (WIDTH - GAP) / 24
    left, right = GAP + panel.x * cell, (panel.x + panel.width) * cell
    height = HEIGHTS[False] - GAP
    x0, x1, y0, y1 = left + 48, right - 12, top + height - 44, top + 34
    floors, roofs = (
        _stacked(panel.lines)
        if panel.is_stacked
        else ([{} for _ in panel.lines], [each.points for each in panel.lines])
    )
    most, ticks = _scale(max((value for roof in roofs for value in roof.values()), default=0.0))

    def x(at: float) -> float:
        return x0 + (x1 - x0) * (at - begin) / (end - begin)

    def y(value: float) -> float:
        return y0 + (y1 - y0) * value / most

    yield f'<rect class="panel" x="{left:.1f}" y="{top:.1f}" width="{right - left:.1f}" height="{height}" rx="3"/>'
    yield f'<text class="title" x="{left + 10:.1f}" y="{top + 20:.1f}">{escape(panel.title)}</text>'
    for chapter, color in zip(chapters, BANDS, strict=False):
        yield (
            f'<rect x="{x(chapter.begin):.1f}" y="{y1:.1f}" width="{x(chapter.end) - x(chapter.begin):.1f}" '
            f'height="{y0 - y1:.1f}" fill="{color}" opacity="0.13"/>'
        )
    factor, unit = UNITS[panel.unit]
    for tick in ticks:
        yield f'<path class="grid" d="M{x0:.1f} {y(tick):.1f}H{x1:.1f}"/>'
        yield f'<text class="end" x="{x0 - 6:.1f}" y="{y(tick) + 4:.1f}">{tick * factor:g}{unit}</text>'
    for minute in range(int(end - begin) // 60 + 1):
        at = x(begin + 60 * minute)
        yield f'<text class="middle" x="{at:.1f}" y="{y0 + 15:.1f}">{minute}:00</text>'
    if not any(roofs):
        yield f'<text class="middle" x="{(x0 + x1) / 2:.1f}" y="{(y0 + y1) / 2:.1f}">nothing of this kind</text>'
    # The first line is drawn last: what stands on it in a stack begins where it ends.
    for number, (floor, roof) in reversed(list(enumerate(zip(floors, roofs, strict=True)))):
        color = LINES[number % len(LINES)]
        for run in _runs(roof, step):
            path = "L".join(f"{x(at):.1f} {y(roof[at]):.1f}" for at in run)
            base = "L".join(f"{x(at):.1f} {y(floor.get(at, 0.0)):.1f}" for at in reversed(run))
            yield f'<path d="M{path}L{base}Z" fill="{color}" opacity="0.16"/>'
            yield f'<path class="line" d="M{path}" stroke="{color}"/>'
    yield from _legend([each.name for each in panel.lines], LINES, left + 12, y0 + 34, squares=8)


def _stacked(lines: Sequence[Line]) -> tuple[list[dict[float, float]], list[dict[float, float]]]:
    """Return where each line's area begins and where it ends, if each stands on those before it."""
    floors, roofs, sums = list[dict[float, float]](), list[dict[float, float]](), dict[float, float]()
    for line in lines:
        floors.append(dict(sums))
        sums |= {at: sums.get(at, 0.0) + value for at, value in line.points.items()}
        roofs.append({at: sums[at] for at in line.points})
    return floors, roofs


def _scale(highest: float) -> tuple[float, list[float]]:
    """Return the value at the top of a panel, and the values that have a line: at most five, and round."""
    if highest <= 0:
        return 1.0, [0.0, 0.5, 1.0]
    size = 1e-6
    while True:
        for step in (size, 2 * size, 5 * size):
            if step * 4 >= highest:
                count = max(2, -int(-highest // step))
                return step * count, [step * n for n in range(count + 1)]
        size *= 10


def _runs(points: dict[float, float], step: float) -> Iterable[list[float]]:
    """Return the times of each part of a line that has no gap in it."""
    times = sorted(points)
    run = times[:1]
    for before, at in pairwise(times):
        if at - before > 1.5 * step:
            yield run
            run = []
        run.append(at)
    if run:
        yield run


def _legend(
    names: Sequence[str], colors: Sequence[str], left: float, base: float, *, squares: int
) -> Iterable[str]:
    at = left
    for number, name in enumerate(names):
        color = colors[number % len(colors)]
        yield f'<rect x="{at:.1f}" y="{base - squares:.1f}" width="{squares}" height="{squares}" rx="2" fill="{color}"/>'
        yield f'<text x="{at + squares + 5:.1f}" y="{base:.1f}">{escape(name)}</text>'
        at += squares + 14 + 6.1 * len(name)
