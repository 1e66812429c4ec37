"""Clocks that are set: the Redis server's, and those of the hosts. Each test moves one of them while everything runs."""

import pytest

from monite_auth import Principal
from monite_auth.stores import Busy, Claimed, Cooldown, CoolingDown, Hit, Priority
from tests.stores.harness import ABROAD, AGAIN, ALICE, BOB, BOBS, HOME

HOUR = 3600.0
BACK = [-60.0, -HOUR]


@pytest.mark.parametrize("back", BACK)
def test_promise_2_a_dead_leaders_lease_is_over_after_its_own_length(timed, back):
    timed.lease(owner="dead")
    timed.advance(1)
    timed.ground.set_server(back)
    claim = timed.claim(owner="other")
    assert isinstance(claim, Busy)  # it may be alive
    assert claim.retry_in == timed.about(5)
    timed.advance(5)
    assert not timed.is_busy(owner="other")


@pytest.mark.parametrize("back", BACK)
def test_promise_2_a_leader_commits_across_the_step(timed, back):
    lease = timed.lease(owner="leader")
    timed.ground.set_server(back)
    assert timed.is_busy(owner="other")
    assert timed.commit(lease, "t")
    assert timed.peek() == "t"


@pytest.mark.parametrize("back", BACK)
@pytest.mark.parametrize("everyone", [False, True])
def test_a_cooldown_from_before_the_step_is_over(timed, back, everyone):
    cooldown = Cooldown(30, "credentials_rejected", "x", everyone=everyone)
    timed.run(timed.ops.abandon(timed.lease(), cooldown))
    assert isinstance(timed.claim(), CoolingDown)
    timed.ground.set_server(back)
    assert isinstance(timed.claim(), Claimed)


@pytest.mark.parametrize("back", BACK)
def test_promise_3_a_token_from_the_future_is_not_handed_out(timed, back):
    timed.put("t", life=20)
    timed.put("of the partner's", slot=ABROAD)
    timed.ground.set_server(back)
    timed.advance(21)
    assert timed.peek() is None
    assert timed.run(timed.ops.status("alice")).live == 0
    timed.put("new")
    assert timed.peek() == "new"
    timed.run(timed.ops.end_session(ALICE))
    assert timed.pending() == ["new", "of the partner's", "t"]


def test_promise_6_a_revocation_that_was_given_away_is_due_again_soon(timed):
    timed.end("t")
    timed.run(timed.ops.due(1, seconds=30))
    timed.ground.set_server(-HOUR)
    assert timed.pending() == ["t"]
    timed.advance(61)
    assert timed.pending() == ["t"]


def test_promise_6_a_revocation_from_before_a_small_step_waits_longer_by_that(timed):
    timed.end("t")
    timed.run(timed.ops.due(1, seconds=30))
    timed.ground.set_server(-60)
    assert timed.run(timed.ops.due(1, seconds=30)).next_in == timed.about(90)
    timed.advance(91)
    assert timed.pending() == ["t"]


@pytest.mark.parametrize("ahead", [2 * HOUR, 20 * HOUR])
def test_promise_6_what_is_logged_out_while_the_servers_clock_is_ahead_is_revoked(timed, ahead):
    timed.put("a")
    timed.put("b", slot=BOBS, principal=BOB)
    timed.run(timed.ops.end_session(BOB))
    timed.run(timed.ops.due(1, seconds=30))
    timed.ground.set_server(ahead)
    due = timed.run(timed.ops.due(1, seconds=30))
    assert ([each.token.reveal() for each in due.batch], due.expired) == (["b"], 0)
    timed.run(timed.ops.postpone(due.batch[0], 10))
    timed.ground.set_server(0)
    timed.advance(11)
    assert timed.pending() == ["b"]


def test_promise_5_a_logout_while_the_servers_clock_is_ahead_revokes_what_seems_to_have_expired(timed):
    timed.put("a", life=1000)
    timed.put("other", slot=ABROAD, life=1000)
    timed.ground.set_server(2000)
    assert timed.peek() is None
    timed.put("new")  # what has expired is deleted at times like this
    timed.run(timed.ops.end_session(ALICE))
    assert timed.pending() == ["a", "new", "other"]
    timed.ground.set_server(0)
    timed.advance(61)
    assert timed.pending() == ["a", "new", "other"]
    timed.advance(1800)
    assert timed.pending() == ["new"]  # which was minted by the clock that was ahead
    timed.advance(2000)
    assert timed.pending() == []


def test_promise_5_what_was_minted_while_the_servers_clock_was_behind_is_revoked(timed):
    timed.ground.set_server(-HOUR)
    timed.put("a", life=1000)
    timed.put("b", slot=BOBS, principal=BOB, life=1000)
    timed.run(timed.ops.end_session(BOB))
    timed.run(timed.ops.due(1, seconds=30))
    timed.ground.set_server(-1100)
    due = timed.run(timed.ops.due(1, seconds=30))
    assert ([each.token.reveal() for each in due.batch], due.expired) == (["b"], 0)
    assert due.batch[0].expires_at >= timed.ground.now + 1000
    timed.run(timed.ops.postpone(due.batch[0], 10))
    timed.ground.set_server(0)
    assert timed.peek() is None
    timed.put("new")  # what has expired is deleted at times like this
    timed.run(timed.ops.end_session(ALICE))
    assert timed.pending() == ["a", "b", "new"]
    timed.advance(1100)
    assert timed.pending() == ["new"]


def test_promise_5_what_a_host_has_stored_whose_clock_is_behind_is_revoked_while_the_servers_is_ahead(
    timed, drive
):
    ground = timed.ground
    elsewhere = drive(ground, timed.form, clock=lambda: ground.now - HOUR)
    elsewhere.put("a", life=1000)
    ground.set_server(HOUR)
    timed.run(timed.ops.end_session(ALICE))
    assert timed.pending() == ["a"]


def test_promise_5_all_is_found_when_everything_ends_after_the_servers_clock_was_behind(timed):
    timed.ground.set_server(-HOUR)
    unnamed = Principal("alice")
    timed.put("a", principal=unnamed, life=1000)
    timed.ground.set_server(0)
    timed.put("b", slot=BOBS, principal=Principal("bob"))
    assert timed.run(timed.ops.end_everything()).tokens == 2


def test_promise_5_all_is_found_when_everything_ends_while_the_servers_clock_is_ahead(timed):
    unnamed = Principal("alice")
    timed.put("a", principal=unnamed, life=1000)
    timed.ground.set_server(2000)
    timed.put("b", slot=BOBS, principal=Principal("bob"))
    assert timed.run(timed.ops.end_everything()).tokens == 2
    assert timed.pending() == ["a", "b"]


@pytest.mark.parametrize("ending", ["end_user", "end_everything"])
@pytest.mark.parametrize("back", BACK)
def test_promise_5_a_new_login_gets_in_and_older_ones_do_not(timed, back, ending):
    timed.put("t", principal=timed.dated(60, "old"))
    before, unused = timed.now - 1, timed.dated(300, "unused")
    timed.run(timed.ops.end_user("alice") if ending == "end_user" else timed.ops.end_everything())
    timed.ground.set_server(back)
    timed.advance(0.5)
    assert timed.has_ended(timed.dated(60.5, "old"))
    assert timed.has_ended(unused)
    new = timed.dated(0.1, "new")
    assert not timed.has_ended(new)
    timed.advance(90)
    assert not timed.has_ended(new)
    assert timed.has_ended(Principal("alice", session_id="before", authenticated_at=before))
    assert timed.has_ended(unused)
    timed.run(timed.ops.end_user("alice"))  # and so on
    timed.advance(1)
    assert timed.has_ended(timed.dated(2, "older"))
    assert not timed.has_ended(timed.dated(0.5, "newer"))


@pytest.mark.parametrize("behind", [-HOUR, -300.0, 300.0, HOUR])
def test_promise_5_a_host_whose_clock_differs_agrees_with_the_others_on_its_own_logins(timed, drive, behind):
    ground = timed.ground
    elsewhere = drive(ground, timed.form, clock=lambda: ground.now + behind)

    def dated_there(ago, session):
        return Principal("alice", session_id=session, authenticated_at=ground.now + behind - ago)

    timed.run(timed.ops.end_user("alice"))
    timed.advance(2)
    assert elsewhere.has_ended(dated_there(3, "before"))
    after = dated_there(1, "after")
    assert not elsewhere.has_ended(after)
    assert isinstance(timed.claim(principal=after), Claimed | Busy)  # and it is known now


@pytest.mark.parametrize("step", [-HOUR, -60.0, 60.0, HOUR])
def test_promise_8_the_budget_goes_on(timed, step):
    timed.admit()
    waiting = timed.admit()
    timed.run(timed.ops.hold(20))
    timed.ground.set_server(step)
    assert timed.admit(ticket=waiting.ticket).wait < 21
    timed.ground.set_server(0)
    assert timed.admit(Priority.USER).wait < 22


def test_a_lease_of_another_slot_is_not_touched(timed):
    timed.lease(slot=HOME, owner="one")
    timed.lease(slot=ABROAD, owner="two")
    timed.ground.set_server(-HOUR)
    assert timed.is_busy(slot=HOME, owner="x")
    timed.advance(5)
    assert not timed.is_busy(slot=HOME, owner="x")
    assert timed.is_busy(slot=ABROAD, owner="y")


FORWARD = [60.0, HOUR]


def clocks_that_were_set(ground):
    return [key for key in ground.server.content() if key.endswith(b":clock")]


@pytest.mark.parametrize("ending", ["end_user", "end_everything"])
@pytest.mark.parametrize("forward", FORWARD)
def test_promise_5_a_session_from_before_an_ending_stays_out_when_the_servers_clock_is_set_forward(
    timed, forward, ending
):
    assert not timed.has_ended(timed.dated(10, "seen"))  # the process knows the clock from its first date on
    before = timed.dated(5, "before")
    timed.run(timed.ops.end_user("alice") if ending == "end_user" else timed.ops.end_everything())
    timed.advance(2)
    after = timed.dated(1, "after")
    timed.ground.set_server(forward)
    assert timed.has_ended(before)
    assert not timed.has_ended(after)
    assert timed.peek(principal=before) is None
    timed.advance(forward + 60)
    assert timed.has_ended(before)
    timed.run(timed.ops.end_user("alice"))  # and so on
    timed.advance(2)
    assert timed.has_ended(timed.dated(3, "older"))
    assert not timed.has_ended(timed.dated(1, "newer"))


@pytest.mark.parametrize("forward", FORWARD)
def test_promise_5_a_process_that_starts_after_the_step_hears_of_it(timed, drive, forward):
    before = timed.dated(5, "before")
    timed.run(timed.ops.end_user("alice"))
    timed.pending()  # as every process asks every ten seconds
    timed.advance(10)
    timed.ground.set_server(forward)
    timed.pending()
    later = drive(timed.ground, timed.form)
    assert later.has_ended(before)
    assert not later.has_ended(later.dated(1, "after"))


def test_promise_5_a_step_that_several_processes_see_counts_once(timed, drive):
    processes = [timed, *(drive(timed.ground, timed.form) for _ in range(3))]
    for each in processes:
        each.pending()
    timed.run(timed.ops.end_user("alice"))
    before = timed.dated(1, "before")
    timed.advance(HOUR)
    after = timed.dated(HOUR - 5, "after")
    timed.ground.set_server(HOUR)
    for each in processes:
        each.pending()
    timed.advance(HOUR)
    assert not any(each.has_ended(after) for each in processes)
    assert all(each.has_ended(before) for each in processes)


def test_promise_5_a_clock_that_is_set_forward_and_back_leaves_sessions_where_they_were(timed):
    timed.pending()
    before = timed.dated(1, "before")
    timed.run(timed.ops.end_user("alice"))
    timed.advance(10)
    for number, ahead in enumerate((HOUR, 0, HOUR, -HOUR, 0)):
        timed.ground.set_server(ahead)
        assert timed.has_ended(before)
        assert not timed.has_ended(timed.dated(5 + number, f"after {number}"))
        timed.advance(1)


def test_promise_5_another_ending_after_the_step_does_not_let_earlier_sessions_in(timed):
    timed.pending()
    timed.advance(600)
    between = timed.dated(200, "between")
    timed.run(timed.ops.end_user("alice"))
    timed.advance(10)
    timed.ground.set_server(HOUR)
    timed.run(
        timed.ops.end_user("alice", ago=300.0)
    )  # which happened in an outage, and is the older of the two
    assert timed.has_ended(between)
    assert not timed.has_ended(timed.dated(1, "after"))


def test_promise_5_a_login_of_an_outage_is_older_than_an_ending_from_before_the_step(timed):
    timed.pending()
    timed.advance(600)
    timed.run(timed.ops.end_user("alice"))
    timed.advance(10)
    timed.ground.set_server(HOUR)
    early, late = (Principal("alice", session_id=name) for name in ("early", "late"))
    timed.run(timed.ops.begin_session(early, ago=60.0))
    timed.run(timed.ops.begin_session(late, ago=5.0))
    assert timed.has_ended(early)
    assert not timed.has_ended(late)


def test_promise_5_a_clock_that_is_put_right_little_by_little_leaves_sessions_where_they_were(timed):
    timed.pending()
    before = timed.dated(3.5, "before")
    timed.run(timed.ops.end_user("alice"))
    for passed in range(1, 21):
        timed.advance(10)
        timed.ground.set_server(timed.ground.server_is_ahead + 0.5)
        timed.pending()
        assert timed.has_ended(before)
        assert not timed.has_ended(timed.dated(10 * passed - 1, f"after {passed}"))


def test_a_clock_that_differs_by_less_than_a_second_was_not_set(timed):
    timed.pending()
    timed.run(timed.ops.end_user("alice"))
    timed.advance(1)
    for passed, ahead in enumerate((0.9, -0.9, 0.5, 0.0)):
        timed.ground.set_server(ahead)
        timed.pending()
        assert not timed.has_ended(timed.dated(passed, f"after {passed}"))
        timed.advance(1)
    assert not clocks_that_were_set(timed.ground)


def test_a_command_that_was_stopped_on_its_way_has_seen_no_step(timed, drive):
    ground, stops = timed.ground, []

    def wall_clock():
        now = ground.now
        if stops:
            ground.advance(stops.pop())
        return now

    stopped = drive(ground, timed.form, clock=wall_clock)
    stopped.pending()
    stopped.run(stopped.ops.end_user("alice"))
    stopped.advance(2)
    after = stopped.dated(1, "after")
    stops.append(5.0)
    assert not stopped.has_ended(after)
    assert not stops
    assert not clocks_that_were_set(ground)


def test_hosts_whose_clocks_differ_agree_on_how_long_a_token_lives(timed, drive):
    ground = timed.ground
    late = drive(ground, timed.form, token_clock=lambda: ground.now - 3600)
    early = drive(ground, timed.form, token_clock=lambda: ground.now + 3600)
    timed.put("t", life=100)
    for driver, offset in ((late, -3600), (early, 3600)):
        driver.claim(principal=AGAIN)
        token = driver.run(driver.ops.peek(HOME, AGAIN))
        assert token.expires_at == driver.about(ground.now + offset + 100)
        assert token.expires_in == driver.about(100)
    assert isinstance(late.claim(min_life=99), Hit)
    assert isinstance(early.claim(min_life=99), Hit)
    timed.advance(100)
    assert late.peek(principal=AGAIN) is early.peek(principal=AGAIN) is None
    lease = early.lease(owner="early")
    assert late.is_busy(owner="late")
    timed.advance(5)
    late.lease(owner="late")
    assert not early.commit(lease, "too late")
