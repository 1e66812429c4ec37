"""What a hit, an unused middleware, an import and a user cost, against something that costs next to nothing.

The numbers are ratios of the processor's time and counts of bytes, so a busy machine changes little about them, and the bounds are
about twice what was measured. `python -m benchmarks` measures the same things properly.
"""

import json
import subprocess
import sys

import pytest

from benchmarks.guard import BOUNDS
from tests.environment import environment_with


@pytest.fixture(scope="module")
def measured():
    """The numbers, from a process of its own: here coverage watches every line."""
    command = [sys.executable, "-m", "benchmarks.guard"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment_with({}))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_every_number_has_a_bound(measured):
    assert {*measured} == {*BOUNDS}


@pytest.mark.parametrize("name", BOUNDS)
def test_it_costs_no_more_than_its_bound(name, measured):
    assert 0 < measured[name] < BOUNDS[name]
