"""The request budget (promise 8)."""

from monite_auth.stores.budget import HEADROOM, Priority, Ticket
from monite_auth.testing.stores.driver import StoreDriver


class BudgetContract:
    """`admit` and `hold`."""

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
        again = driver.admit(ticket=Ticket(sent.ticket.moment))
        assert again.wait == driver.about(20)
        driver.advance(20.001)
        assert driver.admit(ticket=again.ticket).wait == 0

    def test_promise_8_a_user_goes_before_a_renewal_and_that_before_a_revocation(
        self, driver: StoreDriver
    ) -> None:
        driver.admit()
        assert driver.admit().wait > 0
        assert not driver.admit(Priority.RENEWAL).admitted
        assert not driver.admit(Priority.REVOCATION).admitted
        driver.advance(1)
        assert driver.admit(Priority.RENEWAL).admitted
