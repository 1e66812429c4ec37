"""What a store remembers of one user is bounded, and no session that has ended comes back to life by it."""

from monite_auth.identity import Principal
from monite_auth.stores.bounds import MOST_ENDINGS, MOST_SESSIONS
from monite_auth.stores.values import Claimed
from monite_auth.testing.stores.driver import BOB, BOBS, StoreDriver


class BoundContract:
    """Users with more sessions, or more endings, than a store keeps by their names."""

    def test_promise_5_sessions_that_are_too_many_to_be_known_end_with_the_user(
        self, driver: StoreDriver
    ) -> None:
        dated, undated = driver.dated(10, "dated"), Principal("alice", session_id="undated")
        for first in (dated, undated):
            driver.claim(principal=first)
        driver.advance(1)
        for number in range(MOST_SESSIONS):
            driver.run(driver.ops.begin_session(driver.dated(0, f"s-{number}")))
        driver.advance(1)  # whose clock says when the user ended is left to the store
        driver.run(driver.ops.end_user("alice"))
        driver.advance(1)
        for ended in (dated, undated, driver.dated(2, "s-0")):
            assert driver.has_ended(ended)
        assert isinstance(driver.claim(principal=driver.dated(0, "new")), Claimed)
        reported = Principal("alice", session_id="reported")
        driver.run(driver.ops.begin_session(reported))
        assert isinstance(driver.claim(principal=reported), Claimed)

    def test_promise_5_endings_that_are_too_many_to_be_remembered_hold_by_their_dates(
        self, driver: StoreDriver
    ) -> None:
        dated, undated = driver.dated(10, "dated"), Principal("alice", session_id="undated")
        for ended in (BOB, dated, undated):
            driver.run(driver.ops.end_session(ended))
        driver.advance(1)
        for number in range(MOST_ENDINGS):
            driver.run(driver.ops.end_session(driver.dated(0, f"s-{number}")))
        for ended in (dated, undated, driver.dated(0, f"s-{MOST_ENDINGS - 1}")):
            assert driver.has_ended(ended)
        assert driver.has_ended(BOB, BOBS)
        assert isinstance(driver.claim(principal=driver.dated(0, "new")), Claimed)
