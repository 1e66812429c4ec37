"""The request budget (promise 8)."""

from monite_auth.stores.budget import HEADROOM, LIMIT_AGE, PROBE, RECOVERY, SLOWER, Admission, Priority
from monite_auth.stores.window import JITTER
from monite_auth.testing.stores.driver import StoreDriver


class BudgetContract:
    """`admit`, `hold` and `lower_limit`."""

    def test_promise_8_requests_are_spaced_and_a_ticket_is_good_at_its_moment(
        self, driver: StoreDriver
    ) -> None:
        first, second = driver.admit(), driver.admit()
        assert (first.admitted, first.wait) == (True, 0)
        assert second.admitted
        assert second.wait == driver.about(1 / (30 * HEADROOM))
        driver.advance(second.wait + 0.001)
        assert driver.admit(ticket=second.ticket).wait == 0

    def test_promise_8_a_caller_that_cannot_wait_so_long_books_nothing(self, driver: StoreDriver) -> None:
        driver.run(driver.ops.hold(20))
        refused = driver.admit(patience=10)
        assert not refused.admitted
        assert refused.wait == driver.about(20)
        assert driver.admit(patience=30).wait == driver.about(20)

    def test_promise_8_everybody_holds_and_then_goes_on(self, driver: StoreDriver) -> None:
        driver.run(driver.ops.hold(20))
        driver.run(driver.ops.hold(5))
        waiting = driver.admit()
        assert waiting.wait == driver.about(20)
        driver.advance(20.001)
        assert driver.admit(ticket=waiting.ticket).wait == 0

    def test_promise_8_a_request_that_a_hold_overtook_waits_for_its_end_too(
        self, driver: StoreDriver
    ) -> None:
        sent = driver.admit()
        driver.advance(3)  # Monite's answer took so long, and says that it was one request too many
        driver.run(driver.ops.hold(20))
        assert sent.ticket is not None
        again = driver.admit(ticket=sent.ticket)
        assert again.wait == driver.about(20)
        driver.advance(20.001)
        assert driver.admit(ticket=again.ticket).wait == 0

    def test_promise_8_callers_who_come_late_are_let_through_as_far_as_the_limit_goes(
        self, driver: StoreDriver
    ) -> None:
        booked = [driver.admit() for _ in range(40)]
        driver.advance(100)
        late = [driver.admit(ticket=each.ticket) for each in booked[1:]]
        assert [each.wait for each in late[:30]] == [0] * 30
        assert all(each.wait > 1 + JITTER for each in late[30:])
        driver.advance(late[-1].wait + 0.001)
        assert [driver.admit(ticket=each.ticket).wait for each in late[30:]] == [0] * 9

    def test_promise_8_after_a_429_everybody_goes_on_at_a_lower_pace_which_recovers(
        self, driver: StoreDriver
    ) -> None:
        usual = self._distance(driver)
        driver.run(driver.ops.hold(1, throttled=True))
        driver.run(driver.ops.hold(1, throttled=True))  # of a request that was under way with the first
        self._probe(driver)
        slower = self._distance(driver)
        assert usual / slower < SLOWER + 0.05
        assert usual / slower > SLOWER - 0.05
        driver.advance((1 - SLOWER) / RECOVERY)
        assert self._distance(driver) == driver.about(usual)

    def test_promise_8_a_hold_alone_does_not_change_the_pace(self, driver: StoreDriver) -> None:
        usual = self._distance(driver)
        driver.run(driver.ops.hold(1))
        self._probe(driver)
        assert self._distance(driver) == driver.about(usual)

    def test_promise_8_the_lowest_limit_that_answers_have_named_counts_for_a_while(
        self, driver: StoreDriver
    ) -> None:
        usual = self._distance(driver)
        driver.run(driver.ops.lower_limit(10))
        driver.run(driver.ops.lower_limit(20))
        driver.advance(2)
        assert self._distance(driver) == driver.about(3 * usual)
        driver.advance(LIMIT_AGE - 3)
        driver.run(driver.ops.lower_limit(10))
        driver.advance(LIMIT_AGE - 3)
        assert self._distance(driver) == driver.about(3 * usual)
        driver.advance(LIMIT_AGE)
        assert self._distance(driver) == driver.about(usual)

    def test_promise_8_no_answer_raises_the_limit(self, driver: StoreDriver) -> None:
        usual = self._distance(driver)
        driver.run(driver.ops.lower_limit(1000))
        driver.advance(2)
        assert self._distance(driver) == driver.about(usual)

    def _distance(self, driver: StoreDriver) -> float:
        """Return the seconds between two bookings."""
        first, second = driver.admit(), driver.admit()
        driver.advance(second.wait + 0.001)
        self._use(driver, second)
        assert first.admitted
        return second.wait - first.wait

    def _probe(self, driver: StoreDriver) -> None:
        """Wait for the end of a hold, and of its probe."""
        driver.advance(2)
        assert driver.admit().wait == 0
        driver.advance(PROBE)

    def _use(self, driver: StoreDriver, admission: Admission) -> None:
        """Send, with a ticket whose moment has come."""
        assert driver.admit(ticket=admission.ticket).wait == 0

    def test_promise_8_a_user_goes_before_a_renewal_and_that_before_a_revocation(
        self, driver: StoreDriver
    ) -> None:
        driver.admit()
        assert driver.admit().wait > 0
        assert not driver.admit(Priority.RENEWAL).admitted
        assert not driver.admit(Priority.REVOCATION).admitted
        driver.advance(1)
        assert driver.admit(Priority.RENEWAL).admitted

    def test_promise_8_a_call_goes_after_a_user_and_before_a_renewal_and_a_revocation(
        self, driver: StoreDriver
    ) -> None:
        calls = [driver.admit(Priority.CALL) for _ in range(20)]
        assert [call.wait for call in calls[:10]] == [0] * 10
        waiting = calls[-1]
        assert waiting.admitted
        assert waiting.wait > 0
        assert not driver.admit(Priority.RENEWAL).admitted
        assert not driver.admit(Priority.REVOCATION).admitted
        assert not driver.admit(Priority.CALL, patience=waiting.wait / 2).admitted
        assert driver.admit().wait == 0
        users = [driver.admit() for _ in range(10)]
        assert users[-1].wait > waiting.wait
        driver.advance(waiting.wait + 0.001)
        back = driver.admit(Priority.CALL, waiting.ticket)
        assert back.wait == driver.about(users[-1].wait - waiting.wait - 0.001 + 1 / (30 * HEADROOM))
        driver.advance(back.wait + 0.001)
        assert driver.admit(Priority.CALL, waiting.ticket).wait == 0
        driver.advance(1)
        assert driver.admit(Priority.RENEWAL).admitted
