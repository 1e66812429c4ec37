"""What a store says to people who look after the application."""

from monite_auth.testing.stores.driver import ABROAD, BOB, BOBS, StoreDriver


class StatusContract:
    """`status` and `backlog`."""

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
