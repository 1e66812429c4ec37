"""Chaos, the short form: faults in eight processes, their store and Monite at once, judged by Monite's own ledger.

`python -m tests.chaos --seconds 600 --store redis` is the long form. CHAOS_SEED repeats the faults of an earlier run.
"""

import os
import random

import pytest

from tests.chaos.experiment import run_experiment
from tests.chaos.profile import SHORT


@pytest.mark.timeout(900)  # each part has a limit of its own, and says which one it was
@pytest.mark.parametrize(
    "store", ["sqlite", "redis", pytest.param("cluster", id="redis-cluster"), "postgres"]
)
def test_promises_1_3_5_6_and_7_no_token_of_an_ended_session_outlives_the_chaos(store, tmp_path, tell):
    seed = int(os.environ.get("CHAOS_SEED") or random.randrange(1_000_000))
    report = run_experiment(store, seed, SHORT, tmp_path)
    tell(report)
    assert report.wrong == []
    # There were as many faults as there should be.
    assert len(report.logouts) >= SHORT.logouts
    assert report.troubles.counts()["worker killed"] >= SHORT.kills
    assert report.outages >= SHORT.outages
    assert report.hits.total() >= SHORT.faults
