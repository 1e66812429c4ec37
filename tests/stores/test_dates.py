"""Promise 5 for sessions that say when they began: which are known, which are too old, and what a second is."""

import pytest

from monite_auth import Principal
from monite_auth.stores import Claimed, Ended, Hit
from tests.stores.harness import ALICE, HOME

DAY = 24 * 3600.0


@pytest.fixture
def driver(ground, form, drive):
    return drive(ground, form, session_memory=14 * DAY)


def dated(driver, ago, session="s", user="alice"):
    return Principal(user, session_id=session, authenticated_at=driver.now - ago)


def test_a_session_that_the_store_does_not_know_and_that_began_before_the_endings_is_over(driver):
    driver.put("t")
    driver.run(driver.ops.end_user("alice"))
    assert driver.has_ended(dated(driver, 0.5, "before"))
    driver.advance(1.5)
    assert not driver.has_ended(dated(driver, 0.5, "after"))


def test_a_session_that_was_begun_is_judged_by_its_name_and_not_by_its_date(driver):
    driver.run(driver.ops.end_user("alice"))
    behind = dated(driver, 300, "of a host whose clock is behind")
    assert driver.has_ended(behind)
    driver.run(driver.ops.begin_session(behind))
    assert isinstance(driver.claim(principal=behind), Claimed)
    driver.put("t", principal=behind)
    assert driver.peek(principal=behind) == "t"


def test_a_session_that_was_begun_ends_with_all_others_whatever_its_date_says(driver):
    ahead = dated(driver, -299, "of a host whose clock is ahead")
    driver.run(driver.ops.begin_session(ahead))
    driver.run(driver.ops.end_user("alice"))
    assert driver.has_ended(ahead)


def test_to_begin_is_not_to_begin_anew(driver):
    session = dated(driver, 0)
    driver.run(driver.ops.begin_session(session))
    driver.run(driver.ops.end_session(session))
    driver.run(driver.ops.begin_session(session))
    driver.put("of another session")
    assert driver.peek(principal=session) is None
    assert driver.has_ended(session)
    driver.put("t", principal=dated(driver, 0, "another"))
    assert driver.peek(principal=session) is None


def test_a_session_without_an_id_has_nothing_to_be_known_by(driver):
    driver.run(driver.ops.begin_session(Principal("alice")))
    driver.run(driver.ops.begin_session(Principal("alice", authenticated_at=driver.now)))
    driver.run(driver.ops.end_user("alice"))
    assert not driver.has_ended(Principal("alice"))


@pytest.mark.parametrize("session", ["s", None])
def test_who_logs_in_within_the_second_of_an_ending_is_let_in(driver, session):
    driver.advance(0.4 - driver.now % 1)
    driver.advance(1)
    driver.run(driver.ops.end_user("alice"))
    assert not driver.has_ended(Principal("alice", session_id=session, authenticated_at=int(driver.now)))
    for seconds in (int(driver.now) - 1, driver.now - 0.2):
        other = session and f"began at {seconds}"
        assert driver.has_ended(Principal("alice", session_id=other, authenticated_at=seconds))


def test_a_logout_within_the_second_of_its_login_is_final_all_the_same(driver):
    for principal in (
        Principal("alice", session_id="s", authenticated_at=int(driver.now)),
        Principal("alice", authenticated_at=int(driver.now)),
    ):
        driver.put(f"t {principal.session_id}", principal=principal)
        driver.run(driver.ops.end_session(principal))
        assert driver.has_ended(principal)
        assert driver.peek(principal=principal) is None
        driver.put(f"u {principal.session_id}", principal=Principal("alice", session_id="another"))
        assert driver.peek(principal=principal) is None


@pytest.mark.parametrize("session", ["s", None])
def test_an_unknown_session_from_before_endings_are_remembered_has_to_log_in_again(driver, session):
    old = Principal("alice", session_id=session, authenticated_at=driver.now - 14 * DAY - 5)
    assert driver.claim(principal=old) == Ended(too_old=True)
    driver.put("t")
    assert driver.peek(principal=old) is None
    young = Principal("alice", session_id=session, authenticated_at=driver.now - 14 * DAY + 5)
    assert isinstance(driver.claim(principal=young), Hit)
    assert driver.peek(principal=young) == "t"


def test_a_session_that_is_used_goes_on_beyond_that(driver):
    session = dated(driver, 0)
    for _ in range(5):
        driver.put("t", principal=session)
        driver.advance(5 * DAY)
    assert isinstance(driver.claim(principal=session), Claimed)


def test_a_cookie_that_is_kept_fresh_does_not_outlive_the_memory_of_its_logout(driver):
    session = dated(driver, 0)
    driver.put("t", principal=session)
    driver.run(driver.ops.end_session(session))
    for _ in range(20):
        driver.advance(DAY)
        assert driver.has_ended(session)


@pytest.mark.parametrize("session", ["s", None])
def test_nor_does_one_whose_date_is_ahead_of_ours(driver, session):
    ahead = dated(driver, -299, session)
    driver.put("t", principal=ahead)
    driver.run(driver.ops.end_session(ahead))
    driver.advance(14 * DAY + 200)
    assert driver.has_ended(ahead)
    driver.advance(200)
    assert driver.claim(principal=ahead) == Ended(too_old=True)


@pytest.mark.parametrize("ending", ["end_user", "end_everything"])
def test_nor_one_from_before_all_sessions_were_ended(driver, ending):
    unused = dated(driver, 60)
    driver.put("t")
    driver.run(driver.ops.end_user("alice") if ending == "end_user" else driver.ops.end_everything())
    for _ in range(20):
        driver.advance(DAY)
        assert driver.has_ended(unused)
    assert not driver.has_ended(dated(driver, 60, "new"))


def test_after_everything_has_ended_new_sessions_are_let_in(driver):
    driver.put("t")
    driver.run(driver.ops.end_everything())
    assert driver.has_ended(ALICE)
    assert driver.has_ended(dated(driver, 2, "old", user="carol"))
    driver.advance(2)
    assert not driver.has_ended(dated(driver, 0, "new", user="carol"))
    driver.put("u", principal=dated(driver, 0, "new"))
    assert driver.peek(HOME, dated(driver, 0, "new")) == "u"
