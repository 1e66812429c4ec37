"""The same token in several rows of SQLite is revoked once, and stored by nobody afterwards."""

from monite_auth.stores import Committed, Slot
from tests.stores.harness import ABROAD, ALICE, BOB, BOBS


def twice(driver):
    """Make one value pending in two rows."""
    driver.put("same")
    driver.put("same", slot=ABROAD)
    driver.put("other", slot=Slot("alice", "third", None))
    driver.run(driver.ops.end_user("alice"))


def test_a_value_that_is_pending_twice_is_revoked_once(driver, raw):
    twice(driver)
    assert driver.run(driver.ops.backlog()) == 2
    batch = driver.run(driver.ops.due(10, seconds=30)).batch
    assert sorted(each.token.reveal() for each in batch) == ["other", "same"]
    assert driver.run(driver.ops.due(10, seconds=30)).batch == []
    for pending in batch:
        driver.run(driver.ops.postpone(pending, 7))
    driver.advance(7)
    batch = driver.run(driver.ops.due(10, seconds=30)).batch
    assert sorted((each.token.reveal(), each.attempts) for each in batch) == [("other", 1), ("same", 1)]
    for pending in batch:
        assert driver.run(driver.ops.condemn(pending)) is True
        driver.run(driver.ops.settle(pending))
    assert driver.run(driver.ops.backlog()) == 0
    assert raw().execute("SELECT count(*) FROM tokens").fetchone() == (0,)


def test_drainers_that_take_one_at_a_time_do_not_share_a_value(driver):
    twice(driver)
    taken = [driver.run(driver.ops.due(1, seconds=30)).batch for _ in range(3)]
    assert sorted(each.token.reveal() for batch in taken for each in batch) == ["other", "same"]


def test_promise_3_what_one_process_revokes_the_other_does_not_store(ground, form, drive):
    one, other = drive(ground, form), drive(ground, form)
    one.put("same")
    one.run(one.ops.end_session(ALICE))
    (pending,) = one.run(one.ops.due(1, seconds=60)).batch
    one.run(one.ops.condemn(pending))
    one.run(one.ops.settle(pending))
    one.close_store()
    assert other.committed(other.lease(slot=BOBS, principal=BOB), "same") is Committed.DOOMED
    assert other.peek(BOBS, BOB) is None


def test_a_superseded_copy_of_a_value_that_is_revoked_goes_with_it(driver, raw):
    driver.put("same")
    driver.put("new")
    driver.put("same", slot=BOBS, principal=BOB)
    driver.run(driver.ops.relink("bob"))
    (pending,) = driver.run(driver.ops.due(9, seconds=60)).batch
    assert driver.run(driver.ops.condemn(pending)) is True
    driver.run(driver.ops.settle(pending))
    assert driver.run(driver.ops.end_session(ALICE)) == 1
    assert driver.pending() == ["new"]
