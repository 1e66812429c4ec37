"""Promises 1, 3 and 5 where Monite gives a token again that it has given before."""

from monite_auth.identity import PARTNER, Principal
from monite_auth.stores.values import PARTNER_SLOT, Committed
from monite_auth.testing.stores.driver import ABROAD, AGAIN, ALICE, BOB, BOBS, HOME, StoreDriver


class SameValueContract:
    """A value that several slots hold, or that was revoked; `condemn` and `revoke`."""

    def test_a_value_that_another_slot_hands_out_is_not_revoked(self, driver: StoreDriver) -> None:
        driver.put("same")
        driver.put("same", slot=BOBS, principal=BOB)
        driver.run(driver.ops.relink("alice"))
        assert driver.condemned() in ({"same": False}, {})
        assert driver.run(driver.ops.backlog()) == 0
        assert driver.peek(BOBS, BOB) == "same"
        driver.run(driver.ops.relink("bob"))
        assert driver.condemned() == {"same": True}

    def test_a_value_is_revoked_when_no_slot_holds_it_any_more(self, driver: StoreDriver) -> None:
        driver.put("same")
        driver.put("same", slot=ABROAD)
        driver.put("same", slot=PARTNER_SLOT, principal=PARTNER)
        driver.run(driver.ops.end_user("alice"))
        assert set(driver.condemned().values()) <= {False}
        driver.run(driver.ops.relink(PARTNER))
        assert driver.condemned() == {"same": True}

    def test_a_slot_whose_token_has_expired_does_not_hold_its_value(self, driver: StoreDriver) -> None:
        driver.put("same", life=100)
        driver.put("same", slot=BOBS, principal=BOB)
        driver.advance(200)
        driver.run(driver.ops.end_user("bob"))
        assert driver.condemned() == {"same": True}

    def test_a_token_of_a_user_that_the_store_has_dropped_can_be_revoked(self, driver: StoreDriver) -> None:
        nobody = Principal("alice")
        driver.put("old", principal=nobody, life=50)
        driver.advance(60)
        lease = driver.lease(principal=nobody, seconds=5)
        driver.advance(7)
        driver.run(driver.ops.abandon(lease))
        driver.run(driver.ops.revoke(driver.token("old")))
        assert driver.pending() == ["old"]

    def test_promise_3_a_value_that_is_about_to_be_revoked_is_not_stored(self, driver: StoreDriver) -> None:
        driver.put("same")
        driver.run(driver.ops.end_session(ALICE))
        lease = driver.lease(principal=AGAIN)
        assert driver.committed(lease, "same") is Committed.DOOMED
        assert driver.peek(principal=AGAIN) is None
        assert driver.committed(lease, "new") is Committed.STORED
        assert driver.pending() == ["same"]

    def test_promise_3_a_value_that_was_revoked_is_not_stored(self, driver: StoreDriver) -> None:
        driver.put("same", life=1000)
        driver.run(driver.ops.end_session(ALICE))
        (pending,) = driver.run(driver.ops.due(1, seconds=60)).batch
        assert driver.run(driver.ops.condemn(pending)) is True
        for step in (None, driver.ops.settle):
            if step is not None:
                driver.run(step(pending))
            assert driver.committed(driver.lease(principal=AGAIN), "same") is Committed.DOOMED
        assert driver.run(driver.ops.backlog()) == 0
        driver.advance(1100)
        assert driver.committed(driver.lease(principal=AGAIN), "same") is Committed.STORED

    def test_a_condemned_token_stays_condemned_until_it_is_settled(self, driver: StoreDriver) -> None:
        driver.put("same")
        driver.run(driver.ops.end_session(ALICE))
        (pending,) = driver.run(driver.ops.due(1, seconds=60)).batch
        assert driver.run(driver.ops.condemn(pending)) is True
        driver.run(driver.ops.postpone(pending, 0))
        assert driver.condemned() == {"same": True}

    def test_a_renewal_that_brings_the_same_value_leaves_one_token(self, driver: StoreDriver) -> None:
        driver.put("same", life=100)
        driver.put("same", life=100)
        driver.run(driver.ops.relink("alice"))
        assert driver.condemned() == {"same": True}

    def test_a_rejected_value_that_comes_again_is_handed_out_again(self, driver: StoreDriver) -> None:
        driver.put("same")
        driver.run(driver.ops.discard(HOME, driver.token("same").fingerprint))
        assert driver.peek() is None
        driver.put("same")
        assert driver.peek() == "same"
        driver.run(driver.ops.relink("alice"))
        assert driver.condemned() == {"same": True}

    def test_a_slot_that_has_renewed_its_token_does_not_hold_the_old_value(self, driver: StoreDriver) -> None:
        driver.put("same")
        driver.put("same", slot=BOBS, principal=BOB)
        driver.put("new")
        driver.run(driver.ops.end_user("bob"))
        assert driver.condemned() == {"same": True}

    def test_a_slot_whose_token_was_rejected_does_not_hold_its_value(self, driver: StoreDriver) -> None:
        driver.put("same")
        driver.put("same", slot=BOBS, principal=BOB)
        driver.run(driver.ops.discard(HOME, driver.token("same").fingerprint))
        driver.run(driver.ops.end_user("bob"))
        assert driver.condemned() == {"same": True}

    def test_a_mint_in_flight_may_bring_a_value_that_is_to_be_revoked(self, driver: StoreDriver) -> None:
        driver.put("same")
        driver.put("same", slot=BOBS, principal=BOB)
        driver.put("new")
        lease = driver.lease(min_life=1e9)
        driver.run(driver.ops.end_user("bob"))
        for value, decided in driver.condemned().items():
            expected = Committed.DOOMED if decided else Committed.STORED
            assert driver.committed(lease, value) is expected

    def test_one_token_can_be_taken_away_wherever_it_is(self, driver: StoreDriver) -> None:
        driver.put("leaked")
        driver.put("leaked", slot=BOBS, principal=BOB)
        driver.put("other", slot=ABROAD)
        assert driver.run(driver.ops.revoke(driver.token("leaked"))) == 2
        assert driver.peek() is None
        assert driver.peek(BOBS, BOB) is None
        assert driver.peek(ABROAD) == "other"
        assert driver.condemned() == {"leaked": True}

    def test_a_token_that_no_slot_has_can_be_revoked_too(self, driver: StoreDriver) -> None:
        assert driver.run(driver.ops.revoke(driver.token("of somebody else"))) == 0
        assert driver.run(driver.ops.revoke(driver.token("of somebody else"))) == 0
        assert driver.condemned() == {"of somebody else": True}
