"""What happened during a trouble is counted: from when it began until it was over."""

from tests.chaos.troubles import Trouble, Troubles


def test_a_logout_counts_once_for_each_kind_that_it_met():
    troubles = Troubles([Trouble("full", 10, 12), Trouble("full", 11, 13), Trouble("paused", 20, 21)])
    logouts = [(9.0, 9.5), (9.5, 10.5), (11.5, 20.5), (21.5, 22.0)]
    assert troubles.counts() == {"full": 2, "paused": 1}
    assert troubles.counts_of(logouts) == {"full": 2, "paused": 1}


def test_a_trouble_lasts_as_long_as_its_block():
    troubles = Troubles()
    with troubles.during("full"):
        assert troubles == []
    (full,) = troubles
    assert full.kind == "full"
    assert full.began <= full.ended
