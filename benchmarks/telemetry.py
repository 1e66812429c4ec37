"""Measures what telemetry and events cost a hit: while nobody listens, and with OpenTelemetry's SDK and a sink of events."""

import subprocess
import sys
from functools import partial

from benchmarks.ground import Ground
from benchmarks.people import ANNA, broker_for
from benchmarks.report import Report
from benchmarks.timing import microseconds
from monite_auth.events import Sink
from monite_auth.telemetry.counts import Counter

__all__ = ["run"]


def run(ground: Ground, report: Report) -> None:
    """Print the cost of a hit in each store, and of counting it."""
    counting = microseconds(Counter().add, seconds=ground.seconds)
    rows = []
    for name, url in ground.stores.items():
        alone, heard = (_hit(ground, url, listens) for listens in ("nobody", "all"))
        rows.append((name, alone, heard, f"{heard / alone:.2f}", f"{100 * counting / alone:.1f} %"))
    report.table(
        "A hit with telemetry, in microseconds: while nobody listens; with OpenTelemetry's SDK and a sink of events",
        ["store", "nobody", "all", "all / nobody", "to count it"],
        rows,
    )


def _hit(ground: Ground, store_url: str, listens: str) -> float:
    """Measure in a process of its own, since an SDK can be set up once in each."""
    arguments = (ground.emulator.api_url, store_url, listens, str(ground.seconds))
    command = [sys.executable, "-m", "benchmarks.telemetry", *arguments]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)  # noqa: S603 - ourselves


def _set_up_sdk() -> None:
    from opentelemetry import metrics, trace  # noqa: PLC0415 - an extra
    from opentelemetry.sdk.metrics import MeterProvider  # noqa: PLC0415
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415

    metrics.set_meter_provider(MeterProvider([InMemoryMetricReader()]))
    trace.set_tracer_provider(TracerProvider())


def main(api_url: str, store_url: str, listens: str, seconds: str) -> None:
    """Measure one broker, and print what a hit takes."""
    sinks: list[Sink] = []
    if listens == "all":
        _set_up_sdk()
        sinks.append(lambda _: None)
    with broker_for(api_url, store_url, events=sinks) as broker:
        took = microseconds(partial(broker.token, ANNA), seconds=float(seconds))
        sys.stdout.write(f"{took}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
