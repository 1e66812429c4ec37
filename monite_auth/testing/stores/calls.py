"""What a call within the request budget asks, at one moment (promises 5 and 8)."""

from monite_auth.identity import PARTNER
from monite_auth.stores.budget import Priority
from monite_auth.testing.stores.driver import ALICE, StoreDriver


class CallContract:
    """`peek_in_turn`, whether the store takes the turn with it or only peeks."""

    def test_a_call_finds_the_token_that_a_peek_finds(self, driver: StoreDriver) -> None:
        driver.put("t")
        found = driver.peek_in_turn().token
        assert found is not None
        assert found.value.reveal() == driver.peek() == "t"
        driver.advance(1801)
        assert driver.peek_in_turn() == (None, None)

    def test_promise_5_a_call_of_a_session_that_has_ended_finds_nothing(self, driver: StoreDriver) -> None:
        driver.put("t")
        driver.run(driver.ops.end_session(ALICE))
        assert driver.peek_in_turn() == (None, None)
        dated = driver.dated(100, None)
        driver.put("u", principal=dated)
        assert driver.peek_in_turn(dated).token is not None
        driver.run(driver.ops.end_user("alice"))
        assert driver.peek_in_turn(dated) == (None, None)

    def test_promise_8_a_call_that_finds_no_token_takes_no_turn(self, driver: StoreDriver) -> None:
        for _ in range(100):
            driver.peek_in_turn()
        assert driver.admit().wait == 0

    def test_promise_8_a_turn_that_comes_with_a_token_is_that_of_a_call(self, driver: StoreDriver) -> None:
        driver.put("t")
        turns = [driver.peek_in_turn().admission for _ in range(20)]
        if None in turns:
            assert turns == [None] * 20
            return
        assert [turn.wait for turn in turns[:10] if turn is not None] == [0] * 10
        last = turns[-1]
        assert last is not None
        assert last.wait > 0
        assert driver.admit().wait == 0
        assert not driver.admit(Priority.RENEWAL).admitted
        driver.advance(last.wait + 1)
        assert driver.admit(Priority.CALL, last.ticket).wait == 0

    def test_promise_8_a_turn_that_comes_too_late_for_a_call_is_not_booked(self, driver: StoreDriver) -> None:
        driver.put("t", principal=ALICE)
        driver.run(driver.ops.hold(20))
        turn = driver.peek_in_turn(patience=10).admission
        assert turn is None or not turn.admitted
        assert driver.peek_in_turn(PARTNER, patience=60) == (None, None)
