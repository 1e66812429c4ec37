"""The workers that the tests of the simulation share, and the tables at the end of the run."""

import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor

import pytest

from tests.simulation.report import Report
from tests.simulation.work import workers

WORKERS = min(2, os.cpu_count() or 1)
"""Processes that simulate: few, since servers and browsers may run beside them."""

_REPORT = pytest.StashKey[Report]()


def pytest_configure(config: pytest.Config) -> None:
    """Prepare the report that the tests fill in."""
    config.stash[_REPORT] = Report()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the report, whether the tests passed or failed."""
    report = config.stash.get(_REPORT, None)
    lines = report.lines() if report is not None else []
    if lines:
        terminalreporter.section("simulation")
        for line in lines:
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def report(request: pytest.FixtureRequest) -> Report:
    """The tables that are printed at the end."""
    return request.config.stash.setdefault(_REPORT, Report())


@pytest.fixture(scope="session")
def pool() -> Iterator[ProcessPoolExecutor]:
    """Processes that simulate."""
    with workers(WORKERS) as running:
        yield running
        running.shutdown(cancel_futures=True)
