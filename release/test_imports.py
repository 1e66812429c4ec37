"""What an import of the installed package costs, against an import of httpx, on which it stands."""

import statistics

import pytest

from release.environments import PYTHONS, fresh_environment

ROUNDS = 9

MOST = 5.0
"""Times the import of httpx. docs/benchmarks.md has the number as measured; this bound is far enough from it that noise is no failure."""

MEASURE = "import time; began = time.process_time(); import {module}; print(time.process_time() - began)"
"""The processor's time and not the clock's: a busy machine takes the processor away, and the clock goes on."""


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("version", PYTHONS)
def test_an_import_costs_little_more_than_that_of_httpx(version, wheel, tmp_path):
    with fresh_environment(PYTHONS[version], tmp_path / "environment", str(wheel)) as environment:
        took: dict[str, list[float]] = {"httpx": [], "monite_auth": []}
        for _ in range(ROUNDS):
            for module, times in took.items():
                times.append(float(environment.run("-c", MEASURE.format(module=module))))
    ratio = statistics.median(took["monite_auth"]) / statistics.median(took["httpx"])
    assert ratio < MOST
