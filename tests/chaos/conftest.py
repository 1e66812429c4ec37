"""Prints the reports of the experiments at the end of every run, passed or failed."""

from collections.abc import Callable

import pytest

from tests.chaos.report import Report

REPORTS = pytest.StashKey[list[Report]]()


@pytest.fixture
def tell(request: pytest.FixtureRequest) -> Callable[[Report], None]:
    """Return a function that has a report printed at the end of the run."""
    return request.config.stash.setdefault(REPORTS, []).append


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for report in config.stash.get(REPORTS, []):
        terminalreporter.section(f"chaos over {report.store}")
        for line in report.lines():
            terminalreporter.write_line(line)
