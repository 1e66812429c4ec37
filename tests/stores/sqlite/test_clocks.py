"""A wall clock that is set: forward, back, and while the host was off. Times in the file are counted by the boot's clock."""

import pytest

from monite_auth import Principal
from monite_auth.processes.boot_clock import BootClock, this_boot
from monite_auth.stores import Claimed, Cooldown, CoolingDown, Priority
from tests.stores.harness import ALICE, BOB, BOBS, HOME, SQLiteGround
from tests.stores.sqlite.steps import output

HOUR = 3600.0
STEPS = [-HOUR, -60.0, 60.0, 2 * HOUR]


@pytest.fixture
def restarted(ground, form, drive):
    """Return a function that starts the host again, `off` seconds later, with the wall clock wrong by `wrong` seconds."""

    def restart(off=120.0, wrong=0.0):
        again = SQLiteGround(ground.place)
        again.boot, again.now, again.wall_is_ahead = "second", ground.now + off, wrong
        return drive(again, form)

    return restart


@pytest.mark.parametrize("step", STEPS)
def test_promise_2_a_lease_lasts_as_long_as_it_is_whatever_becomes_of_the_wall_clock(ground, driver, step):
    driver.lease(owner="dead")
    ground.wall_is_ahead = step
    assert driver.is_busy(owner="other")
    driver.advance(5)
    assert not driver.is_busy(owner="other")


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("everyone", [False, True])
def test_a_cooldown_lasts_as_long_as_it_is(ground, driver, step, everyone):
    cooldown = Cooldown(30, "credentials_rejected", "x", everyone=everyone)
    driver.run(driver.ops.abandon(driver.lease(), cooldown))
    ground.wall_is_ahead = step
    assert isinstance(driver.claim(), CoolingDown)
    driver.advance(31)
    assert isinstance(driver.claim(), Claimed)


@pytest.mark.parametrize("step", STEPS)
def test_promise_6_a_revocation_whose_drainer_died_is_due_when_its_time_is_over(ground, driver, step):
    driver.end("t")
    driver.run(driver.ops.due(1, seconds=30))
    ground.wall_is_ahead = step
    assert driver.run(driver.ops.due(1, seconds=30)).next_in == driver.about(30)
    driver.advance(31)
    assert driver.pending() == ["t"]


@pytest.mark.parametrize("step", STEPS)
def test_promise_8_the_budget_goes_on(ground, driver, step):
    driver.admit()
    waiting = driver.admit()
    ground.wall_is_ahead = step
    assert driver.admit(ticket=waiting.ticket).wait == driver.about(waiting.wait)
    driver.run(driver.ops.hold(20))
    ground.wall_is_ahead = 0
    assert driver.admit(Priority.USER).wait < 21


@pytest.mark.parametrize("step", [-HOUR, -60.0])
def test_promise_3_a_token_lives_no_longer_when_the_clock_is_set_back(ground, driver, step):
    driver.put("t", life=100)
    ground.wall_is_ahead = step
    assert driver.peek() == "t"
    assert driver.run(driver.ops.status("alice")).expires_at == driver.about(driver.now + 100)
    assert isinstance(driver.claim(min_life=101), Claimed)
    driver.advance(100)
    assert driver.peek() is None
    assert isinstance(driver.claim(), Claimed)


def test_promise_3_a_token_ends_by_the_wall_clock_where_the_boots_clock_stood_still(ground, driver):
    driver.put("t", life=100)
    ground.wall_is_ahead = 60  # a virtual machine was paused for a minute
    assert driver.run(driver.ops.peek(HOME, ALICE)).expires_in == driver.about(40)
    assert isinstance(driver.claim(min_life=41), Claimed)
    ground.wall_is_ahead = 100
    assert driver.peek() is None
    assert driver.run(driver.ops.status("alice")).live == 0


def test_promise_5_what_was_logged_out_while_the_clock_was_ahead_is_revoked(ground, driver):
    driver.put("t")
    driver.put("b", slot=BOBS, principal=BOB)
    driver.run(driver.ops.end_session(BOB))
    ground.wall_is_ahead = 2 * HOUR
    driver.run(driver.ops.end_session(ALICE))
    for _ in range(20):  # the sweep comes by
        driver.admit()
    assert driver.pending() == ["b", "t"]
    ground.wall_is_ahead = 0
    driver.advance(61)
    assert driver.pending() == ["b", "t"]


@pytest.mark.parametrize("step", STEPS)
def test_promise_5_after_an_ending_a_login_is_younger_and_an_older_one_older(ground, driver, step):
    before = driver.dated(1, "before")
    driver.run(driver.ops.end_user("alice"))
    ground.wall_is_ahead = step
    assert driver.has_ended(before)
    driver.advance(0.5)
    assert not driver.has_ended(Principal("alice", session_id="after", authenticated_at=ground.wall_clock()))


# -- another boot


def test_promise_2_after_another_boot_no_lease_and_no_cooldown_is_left(driver, restarted):
    for slot, principal in ((HOME, ALICE), (BOBS, BOB)):
        driver.lease(slot=slot, principal=principal, owner="dead", seconds=1e6)
    driver.run(driver.ops.abandon(driver.lease(owner="dead"), Cooldown(1e6, "x", "x", everyone=True)))
    again = restarted(off=1, wrong=-HOUR)
    assert isinstance(again.claim(), Claimed)
    assert isinstance(again.claim(slot=BOBS, principal=BOB), Claimed)


def test_after_another_boot_a_token_lives_for_what_the_wall_clock_leaves_it(driver, restarted):
    driver.put("t", life=1000)
    again = restarted(off=400)
    assert again.run(again.ops.peek(HOME, ALICE)).expires_in == again.about(600)


def test_promise_3_a_token_of_the_future_is_not_handed_out_after_another_boot(driver, restarted):
    driver.put("t", life=1000)
    again = restarted(off=400, wrong=-401)
    assert again.peek() is None
    again.run(again.ops.end_session(ALICE))
    assert again.pending() == ["t"]


@pytest.mark.parametrize("wrong", STEPS)
def test_promise_6_after_another_boot_a_pending_revocation_is_tried_before_it_is_forgotten(
    driver, restarted, wrong
):
    driver.end("t", life=100)
    driver.run(driver.ops.due(1, seconds=1e6))
    again = restarted(off=1000, wrong=wrong)
    assert again.pending() == ["t"]
    again.advance(2000)
    assert again.run(again.ops.due(1, seconds=1)).expired == 1


@pytest.mark.parametrize("wrong", STEPS)
def test_promise_5_an_ending_stands_after_another_boot(driver, restarted, wrong):
    known, unknown = driver.dated(60, "known"), driver.dated(60, "unknown")
    driver.put("t", principal=known)
    driver.run(driver.ops.end_user("alice"))
    again = restarted(off=max(1.0, -wrong), wrong=wrong)
    assert again.has_ended(known)
    assert again.has_ended(unknown)
    wall = again.ground.wall_clock()
    assert not again.has_ended(Principal("alice", session_id="new", authenticated_at=wall))


def test_all_processes_of_a_boot_agree_whenever_they_open_the_file(ground, drive, driver, form):
    driver.lease(owner="one")
    ground.wall_is_ahead = -HOUR
    other = drive(ground, form)
    assert other.is_busy(owner="other")
    other.advance(5)
    lease = other.lease(owner="other")
    ground.wall_is_ahead = HOUR
    third = drive(ground, form)
    assert driver.is_busy(owner="one")
    assert third.is_busy(owner="third")
    assert third.commit(lease, "t")
    assert driver.peek() == third.peek() == "t"


# -- the boot's clock


def test_processes_of_this_host_read_the_same_clock_of_the_same_boot():
    boot = this_boot()
    assert boot.boot
    before = boot.elapsed()
    printed = output("""
        from monite_auth.processes.boot_clock import this_boot
        print(this_boot().boot, this_boot().elapsed())
    """)
    name, elapsed = printed.split()
    assert name == boot.boot
    assert before < float(elapsed) < boot.elapsed()


def test_where_boots_have_no_names_the_wall_clock_counts(ground, drive):
    driver = drive(ground, "blocking", boot_clock=BootClock("", ground.wall_clock))
    driver.put("t", life=100)
    other = drive(ground, "blocking", boot_clock=BootClock("", ground.wall_clock))
    assert other.peek() == "t"
    other.advance(100)
    assert other.peek() is None
