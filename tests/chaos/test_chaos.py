"""Proof by violence: eight processes, a store and Monite, none of which can be relied on, and the ledger judges.

The short form. `python -m tests.chaos --seconds 600 --store redis` is the long one. CHAOS_SEED repeats the violence
of an earlier run.
"""

import os
import random

import pytest

from tests.chaos.orchestra import SHORT, perform


@pytest.mark.timeout(400)  # each part has a limit of its own, and says which one it was
@pytest.mark.parametrize("store", ["sqlite", "redis"])
def test_promises_1_3_5_and_6_no_token_of_an_ended_session_outlives_the_chaos(store, tmp_path, tell):
    seed = int(os.environ.get("CHAOS_SEED") or random.randrange(1_000_000))
    report = perform(store, seed, SHORT, tmp_path)
    tell(report)
    assert report.wrong == []
    # It was as bad as it should have been.
    assert report.logouts >= SHORT.logouts
    assert report.kills >= SHORT.kills
    assert report.blows >= SHORT.blows
    assert report.hits.total() >= SHORT.faults
