"""Promises 1, 3 and 5 where Monite gives a token again that it has given before."""

from monite_auth import Principal
from monite_auth.identity import PARTNER
from monite_auth.stores import PARTNER_SLOT, Committed
from tests.stores.harness import ABROAD, AGAIN, ALICE, BOB, BOBS, HOME


def condemned(driver):
    """Take all that is due, and decide about each."""
    return {
        each.token.reveal(): driver.run(driver.ops.condemn(each))
        for each in driver.run(driver.ops.due(1000, seconds=60)).batch
    }


def test_a_value_that_another_slot_hands_out_is_not_revoked(driver):
    driver.put("same")
    driver.put("same", slot=BOBS, principal=BOB)
    driver.run(driver.ops.relink("alice"))
    assert condemned(driver) in ({"same": False}, {})
    assert driver.run(driver.ops.backlog()) == 0
    assert driver.peek(BOBS, BOB) == "same"
    driver.run(driver.ops.relink("bob"))
    assert condemned(driver) == {"same": True}


def test_it_is_revoked_when_nobody_holds_it_any_more(driver):
    driver.put("same")
    driver.put("same", slot=ABROAD)
    driver.put("same", slot=PARTNER_SLOT, principal=PARTNER)
    driver.run(driver.ops.end_user("alice"))
    assert set(condemned(driver).values()) <= {False}
    driver.run(driver.ops.relink(PARTNER))
    assert condemned(driver) == {"same": True}


def test_whose_token_has_expired_holds_it_no_more(driver):
    driver.put("same", life=100)
    driver.put("same", slot=BOBS, principal=BOB)
    driver.advance(200)
    driver.run(driver.ops.end_user("bob"))
    assert condemned(driver) == {"same": True}


def test_a_token_can_be_revoked_whose_user_is_of_no_use_any_more(driver):
    nobody = Principal("alice")
    driver.put("old", principal=nobody, life=50)
    driver.advance(60)
    lease = driver.lease(principal=nobody, seconds=5)
    driver.advance(7)
    driver.run(driver.ops.abandon(lease))
    driver.run(driver.ops.revoke(driver.token("old")))
    assert driver.pending() == ["old"]


def test_promise_3_a_value_that_is_about_to_be_revoked_is_not_stored(driver):
    driver.put("same")
    driver.run(driver.ops.end_session(ALICE))
    lease = driver.lease(principal=AGAIN)
    assert driver.committed(lease, "same") is Committed.DOOMED
    assert driver.peek(principal=AGAIN) is None
    assert driver.committed(lease, "new") is Committed.STORED
    assert driver.pending() == ["same"]


def test_promise_3_a_value_that_was_revoked_is_not_stored(driver):
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


def test_who_was_condemned_stays_so_until_it_is_settled(driver):
    driver.put("same")
    driver.run(driver.ops.end_session(ALICE))
    (pending,) = driver.run(driver.ops.due(1, seconds=60)).batch
    assert driver.run(driver.ops.condemn(pending)) is True
    driver.run(driver.ops.postpone(pending, 0))
    assert condemned(driver) == {"same": True}


def test_a_renewal_that_brings_the_same_value_leaves_one_token(driver):
    driver.put("same", life=100)
    driver.put("same", life=100)
    driver.run(driver.ops.relink("alice"))
    assert condemned(driver) == {"same": True}


def test_a_rejected_value_that_comes_again_is_handed_out_again(driver):
    driver.put("same")
    driver.run(driver.ops.discard(HOME, driver.token("same").fingerprint))
    assert driver.peek() is None
    driver.put("same")
    assert driver.peek() == "same"
    driver.run(driver.ops.relink("alice"))
    assert condemned(driver) == {"same": True}


def test_who_has_renewed_it_does_not_keep_another_from_revoking_it(driver):
    driver.put("same")
    driver.put("same", slot=BOBS, principal=BOB)
    driver.put("new")
    driver.run(driver.ops.end_user("bob"))
    assert condemned(driver) == {"same": True}


def test_nor_does_who_has_had_it_rejected(driver):
    driver.put("same")
    driver.put("same", slot=BOBS, principal=BOB)
    driver.run(driver.ops.discard(HOME, driver.token("same").fingerprint))
    driver.run(driver.ops.end_user("bob"))
    assert condemned(driver) == {"same": True}


def test_who_is_minting_may_be_about_to_hold_it(driver):
    driver.put("same")
    driver.put("same", slot=BOBS, principal=BOB)
    driver.put("new")
    lease = driver.lease(min_life=1e9)
    driver.run(driver.ops.end_user("bob"))
    for value, decided in condemned(driver).items():
        expected = Committed.DOOMED if decided else Committed.STORED
        assert driver.committed(lease, value) is expected


def test_one_token_can_be_taken_away_wherever_it_is(driver):
    driver.put("leaked")
    driver.put("leaked", slot=BOBS, principal=BOB)
    driver.put("other", slot=ABROAD)
    assert driver.run(driver.ops.revoke(driver.token("leaked"))) == 2
    assert driver.peek() is None
    assert driver.peek(BOBS, BOB) is None
    assert driver.peek(ABROAD) == "other"
    assert condemned(driver) == {"leaked": True}


def test_a_token_that_no_slot_has_can_be_revoked_too(driver):
    assert driver.run(driver.ops.revoke(driver.token("of somebody else"))) == 0
    assert driver.run(driver.ops.revoke(driver.token("of somebody else"))) == 0
    assert condemned(driver) == {"of somebody else": True}
