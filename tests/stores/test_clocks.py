"""A host whose wall clock is set while it runs, on every kind of store: nothing lasts longer, and endings stand."""

import pytest

from monite_auth import Principal
from monite_auth.stores import Claimed, Cooldown, CoolingDown
from tests.stores.harness import MemoryGround, PostgresGround, RedisGround, SQLiteGround

HOUR = 3600.0
STEPS = [-HOUR, -60.0, 60.0, 2 * HOUR]
GROUNDS = {"memory": MemoryGround, "sqlite": SQLiteGround, "redis": RedisGround, "postgres": PostgresGround}


@pytest.fixture(params=list(GROUNDS))
def driver(request, tmp_path, drive):
    return drive(GROUNDS[request.param](tmp_path), "blocking")


@pytest.mark.parametrize("step", STEPS)
def test_leases_cooldowns_and_revocations_last_as_long_as_they_are(driver, step):
    driver.end("t")
    driver.run(driver.ops.due(1, seconds=30))
    driver.lease(owner="dead")
    driver.ground.wall_is_ahead = step
    assert driver.is_busy(owner="other")
    driver.advance(5)
    lease = driver.lease(owner="other")
    driver.run(driver.ops.abandon(lease, Cooldown(30, "monite_unavailable", "x")))
    driver.ground.wall_is_ahead = 0.0
    assert isinstance(driver.claim(), CoolingDown)
    driver.advance(31)
    assert isinstance(driver.claim(), Claimed)
    assert driver.pending() == ["t"]


@pytest.mark.parametrize("step", STEPS)
def test_promise_3_no_token_outlives_its_end(driver, step):
    driver.ground.wall_is_ahead = step
    driver.put("t", life=100)
    driver.ground.wall_is_ahead = 0.0
    driver.advance(100)
    assert driver.peek() is None
    driver.put("u", life=100)
    driver.ground.wall_is_ahead = step
    driver.advance(100)
    assert driver.peek() is None


@pytest.mark.parametrize("session", ["before", None])
@pytest.mark.parametrize("step", STEPS)
def test_promise_5_after_an_ending_a_new_login_gets_in_and_an_older_one_does_not(driver, step, session):
    before = driver.dated(1, session)
    driver.run(driver.ops.end_user("alice"))
    driver.ground.wall_is_ahead = step
    driver.advance(0.5)
    assert driver.has_ended(before)
    after = Principal("alice", session_id=session and "after", authenticated_at=driver.ground.wall_clock())
    assert not driver.has_ended(after)
    driver.advance(2)
    whole = int(driver.ground.wall_clock())
    assert not driver.has_ended(
        Principal("alice", session_id=session and "whole second", authenticated_at=whole)
    )


@pytest.mark.parametrize("step", STEPS)
def test_a_logout_while_the_clock_is_wrong_is_carried_out_when_it_is_right_again(driver, step):
    driver.put("t")
    driver.ground.wall_is_ahead = step
    driver.run(driver.ops.end_user("alice"))
    driver.ground.wall_is_ahead = 0.0
    assert driver.pending() == ["t"]


@pytest.mark.parametrize("session", ["before", None])
@pytest.mark.parametrize("step", [-HOUR, -60.0])
def test_promise_5_a_session_from_before_an_ending_is_no_younger_once_the_clock_is_set_back(
    driver, step, session
):
    before = driver.dated(30, session)
    driver.run(driver.ops.end_user("alice"))
    driver.advance(HOUR + 600)
    driver.ground.wall_is_ahead = step
    assert driver.has_ended(before)
    driver.put("t", principal=Principal("alice", session_id="another"))
    assert driver.peek(principal=before) is None
    driver.advance(HOUR)
    assert driver.has_ended(before)


@pytest.mark.parametrize("session", ["before", None])
@pytest.mark.parametrize("step", [60.0, 2 * HOUR])
def test_promise_5_a_login_that_was_dated_while_the_clock_was_ahead_counts_as_then(driver, step, session):
    driver.ground.wall_is_ahead = step
    before = Principal("alice", session_id=session, authenticated_at=driver.ground.wall_clock())
    assert not driver.has_ended(Principal("alice"))
    driver.advance(10)
    driver.run(driver.ops.end_user("alice"))
    driver.ground.wall_is_ahead = 0.0
    driver.advance(5)
    assert driver.has_ended(before)
    after = Principal("alice", session_id=session and "after", authenticated_at=driver.ground.wall_clock())
    assert not driver.has_ended(after)
