"""Runs the story, asks Prometheus what the dashboard's panels ask, and draws the answers; prints the alerts that fired."""

import argparse
import asyncio
import tempfile
import time
from pathlib import Path

from benchmarks.dashboard.ground import ROOT, SCRAPED_EVERY, open_ground
from benchmarks.dashboard.panels import read_panels
from benchmarks.dashboard.picture import draw
from benchmarks.dashboard.story import Story

TITLE = "monite-auth: a storm of logins, an outage of the token store, and one of Monite"


def main() -> None:
    """Draw the picture."""
    options = argparse.ArgumentParser(prog="python -m benchmarks.dashboard", description=__doc__)
    options.add_argument("--output", type=Path, default=ROOT / "docs/images/dashboard.svg", help="the file")
    file: Path = options.parse_args().output
    with tempfile.TemporaryDirectory() as folder, open_ground(Path(folder)) as ground:
        story = Story(ground)
        begin = time.time()
        asyncio.run(story.tell())
        end = time.time()
        panels = read_panels(
            lambda expression: ground.prometheus.series(expression, begin, end, SCRAPED_EVERY),
            rate_interval=f"{4 * SCRAPED_EVERY}s",
        )
        fired = ground.prometheus.series('ALERTS{alertstate="firing"}', begin, end, SCRAPED_EVERY)
    alerts = {alert["metric"]["alertname"]: alert["values"][0][0] for alert in fired}
    picture = draw(TITLE, panels, story.chapters, (begin, end, SCRAPED_EVERY), alerts)
    file.write_text(picture, encoding="utf-8")
    for name, at in alerts.items():
        _say(f"The alert {name} fired {at - begin:.0f} s after the beginning.")
    for panel in panels:
        if not panel.is_row and not panel.lines:
            _say(f"The panel {panel.title!r} has nothing to show.")


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - this is a command


if __name__ == "__main__":
    main()
