"""The pending revocations: each given to one drainer at a time, until it is settled or its token has expired."""

import pytest

from monite_auth.stores.values import Lease
from monite_auth.testing.stores.driver import HOME, StoreDriver
from monite_auth.tokens import Secret


class RevocationContract:
    """`due`, `settle` and `postpone`."""

    def test_a_revocation_is_given_to_one_drainer_at_a_time(self, driver: StoreDriver) -> None:
        driver.end("t")
        due = driver.run(driver.ops.due(10, seconds=30))
        assert [each.token for each in due.batch] == [Secret("t")]
        assert due.next_in == driver.about(30)
        assert driver.run(driver.ops.due(10, seconds=30)).batch == []
        driver.advance(30)
        assert driver.pending() == ["t"]

    def test_a_settled_revocation_is_done(self, driver: StoreDriver) -> None:
        driver.end("t")
        driver.run(driver.ops.settle(driver.run(driver.ops.due(1, seconds=30)).batch[0]))
        driver.advance(60)
        due = driver.run(driver.ops.due(10, seconds=30))
        assert (due.batch, due.next_in, due.expired) == ([], None, 0)

    def test_settling_or_postponing_a_settled_revocation_has_no_effect(self, driver: StoreDriver) -> None:
        driver.end("t")
        pending = driver.run(driver.ops.due(1, seconds=30)).batch[0]
        driver.run(driver.ops.settle(pending))
        driver.run(driver.ops.settle(pending))
        driver.run(driver.ops.postpone(pending, 0))
        assert driver.pending() == []

    def test_a_postponed_revocation_comes_back_when_it_is_time_and_knows_its_tries(
        self, driver: StoreDriver
    ) -> None:
        driver.end("t")
        driver.run(driver.ops.postpone(driver.run(driver.ops.due(1, seconds=600)).batch[0], 7))
        driver.advance(6.9)
        assert driver.run(driver.ops.due(10, seconds=30)).batch == []
        driver.advance(0.2)
        assert [each.attempts for each in driver.run(driver.ops.due(10, seconds=30)).batch] == [1]

    def test_a_revocation_whose_token_has_expired_is_dropped_and_counted(self, driver: StoreDriver) -> None:
        driver.end("t", life=100)
        driver.advance(104)
        assert len(driver.run(driver.ops.due(10, seconds=0)).batch) == 1
        driver.advance(2)
        due = driver.run(driver.ops.due(10, seconds=30))
        assert (due.batch, due.expired, due.next_in) == ([], 1, None)

    def test_no_more_than_asked_for_is_given(self, driver: StoreDriver) -> None:
        driver.end("a", "b", "c")
        due = driver.run(driver.ops.due(2, seconds=30))
        assert len(due.batch) == 2
        assert due.next_in == 0
        assert len(driver.pending()) == 1

    def test_a_revocation_that_was_put_off_twice_to_one_moment_is_given_once(
        self, driver: StoreDriver
    ) -> None:
        driver.end("t")
        (pending,) = driver.run(driver.ops.due(1, seconds=600)).batch
        for _ in range(2):
            driver.run(driver.ops.postpone(pending, 7))
        driver.advance(8)
        assert driver.pending() == ["t"]

    @pytest.mark.parametrize("days", [0.02, 30])
    def test_what_comes_so_late_that_its_token_has_expired_is_not_given_to_anybody(
        self, driver: StoreDriver, days: float
    ) -> None:
        """A process that adopts the journal of a dead one may be hours or days late."""
        driver.put("of today")
        token = driver.token("t", life=600)
        driver.advance(days * 24 * 3600)
        driver.run(driver.ops.commit(Lease.void(HOME), token))
        driver.run(driver.ops.revoke(token))
        driver.run(driver.ops.discard(HOME, token.fingerprint))
        assert "t" not in driver.pending()
        driver.put("later")
        assert driver.peek() == "later"
