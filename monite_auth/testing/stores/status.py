"""What a store says to people who look after the application."""

from monite_auth.testing.stores.driver import ABROAD, BOB, BOBS, StoreDriver


class StatusContract:
    """`status`, `backlog` and `overview`."""

    def test_status_counts_a_users_live_tokens_and_backlog_everybodys_pending_ones(
        self, driver: StoreDriver
    ) -> None:
        assert driver.run(driver.ops.status("alice")).live == 0
        assert driver.run(driver.ops.status("alice")).expires_at is None
        driver.put("first")
        driver.put("second", life=1000)
        driver.put("abroad", slot=ABROAD, life=500)
        driver.put("bobs", slot=BOBS, principal=BOB)
        status = driver.run(driver.ops.status("alice"))
        assert status.live == 2
        assert status.expires_at == driver.about(driver.now + 1000)
        assert driver.run(driver.ops.backlog()) == 0
        driver.advance(600)
        assert driver.run(driver.ops.status("alice")).live == 1
        driver.run(driver.ops.end_user("alice"))
        driver.run(driver.ops.end_user("bob"))
        assert driver.run(driver.ops.status("alice")).live == 0
        assert driver.run(driver.ops.backlog()) == 3

    def test_overview_counts_everybodys_tokens_and_tells_the_age_of_the_oldest_revocation(
        self, driver: StoreDriver
    ) -> None:
        nothing = driver.run(driver.ops.overview())
        assert (nothing.live, nothing.pending, nothing.oldest) == (0, 0, None)
        driver.put("first")
        driver.put("abroad", slot=ABROAD, life=500)
        driver.put("bobs", slot=BOBS, principal=BOB)
        assert driver.run(driver.ops.overview()).live == 3
        driver.run(driver.ops.end_user("alice"))
        some = driver.run(driver.ops.overview())
        assert (some.live, some.pending, some.oldest) == (1, 2, driver.about(0))
        driver.advance(100)
        driver.run(driver.ops.end_user("bob"))
        more = driver.run(driver.ops.overview())
        assert (more.live, more.pending, more.oldest) == (0, 3, driver.about(100))
        for each in driver.run(driver.ops.due(10, seconds=60)).batch:
            driver.run(driver.ops.postpone(each, 30))
        # A failed try makes it no younger.
        assert driver.run(driver.ops.overview()).oldest == driver.about(100)
        driver.advance(40)
        for each in driver.run(driver.ops.due(10, seconds=60)).batch:
            driver.run(driver.ops.settle(each))
        assert driver.run(driver.ops.overview()).oldest is None

    def test_overview_counts_no_live_tokens_where_nobody_asks(self, driver: StoreDriver) -> None:
        driver.put("first")
        driver.run(driver.ops.end_user("alice"))
        driver.put("bobs", slot=BOBS, principal=BOB)
        found = driver.run(driver.ops.overview(count_live=False))
        assert (found.live, found.pending, found.oldest) == (None, 1, driver.about(0))

    def test_overview_tells_how_the_request_budget_stands(self, driver: StoreDriver) -> None:
        calm = driver.run(driver.ops.overview())
        assert (calm.held_for, calm.rate) == (0, driver.about(30))
        driver.run(driver.ops.lower_limit(10))
        driver.run(driver.ops.hold(5))
        held = driver.run(driver.ops.overview())
        assert (held.held_for, held.rate) == (driver.about(5), driver.about(10))
        driver.advance(6)
        assert driver.run(driver.ops.overview()).held_for == 0
