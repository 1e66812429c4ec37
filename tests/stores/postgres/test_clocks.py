"""The server's clock is set, or a failover brings another one: the store's time goes on evenly, and everything in it with that."""

from pathlib import Path

import pytest

from monite_auth.stores import Cooldown, CoolingDown, Priority
from monite_auth.testing import SharedStoreContract
from tests.stores.harness import ALICE, BOB, BOBS, PostgresGround

HOUR = 3600.0
STEPS = [-HOUR, -60.0, 60.0, HOUR]


class JumpingGround(PostgresGround):
    """A place on a server whose clock is set by an hour whenever time passes, ahead and back in turn."""

    def __init__(self, place: Path) -> None:
        super().__init__(place)
        self.step = HOUR

    def advance(self, seconds: float) -> None:
        self.server_is_ahead += self.step
        self.step = -self.step
        super().advance(seconds)


class TestPostgresWhoseClockJumps(SharedStoreContract):
    """The whole contract."""

    ground_type = JumpingGround


@pytest.fixture
def timed(tmp_path, form, drive):
    """A driver of a server whose clock stands still until the test moves it."""
    return drive(PostgresGround(tmp_path), form)


def noted(timed):
    """Return by how much the clock was set, as the database has it."""
    return sum(each for (each,) in timed.ground.server.query("SELECT set_by FROM monite_auth.clock"))


@pytest.mark.parametrize("step", STEPS)
def test_promises_2_3_and_8_leases_tokens_and_bookings_last_as_long_as_they_are(timed, step):
    timed.put("t", life=100)
    timed.lease(slot=BOBS, principal=BOB, owner="dead")
    timed.admit()
    waiting = timed.admit()
    timed.run(timed.ops.hold(20))
    timed.ground.set_server(step)
    assert timed.claim(BOBS, BOB, owner="other").retry_in == timed.about(5)
    assert timed.admit(ticket=waiting.ticket).wait < 21
    timed.advance(5)
    lease = timed.lease(slot=BOBS, principal=BOB, owner="other")
    timed.run(timed.ops.abandon(lease, Cooldown(30, "monite_unavailable", "x")))
    timed.ground.set_server(0)
    assert isinstance(timed.claim(BOBS, BOB), CoolingDown)
    assert timed.peek() == "t"
    assert timed.admit(Priority.USER).wait < 17
    timed.advance(95)
    assert timed.peek() is None


@pytest.mark.parametrize("step", STEPS)
def test_promise_6_revocations_are_due_when_they_were_to_be(timed, step):
    timed.end("t")
    timed.run(timed.ops.due(1, seconds=30))
    timed.ground.set_server(step)
    assert timed.run(timed.ops.due(1, seconds=30)).next_in == timed.about(30)
    timed.advance(30)
    due = timed.run(timed.ops.due(1, seconds=30))
    assert ([each.token.reveal() for each in due.batch], due.expired) == (["t"], 0)


@pytest.mark.parametrize("ending", ["end_user", "end_everything"])
@pytest.mark.parametrize("step", STEPS)
def test_promise_5_after_an_ending_a_new_login_gets_in_and_older_ones_do_not(timed, step, ending):
    assert not timed.has_ended(timed.dated(10, "seen"))  # the process knows the clock from now on
    before = timed.dated(5, "before")
    timed.run(timed.ops.end_user("alice") if ending == "end_user" else timed.ops.end_everything())
    timed.advance(2)
    after = timed.dated(1, "after")
    timed.ground.set_server(step)
    assert timed.has_ended(before)
    assert not timed.has_ended(after)
    assert timed.peek(principal=before) is None
    timed.advance(abs(step) + 60)
    assert timed.has_ended(before)
    assert not timed.has_ended(timed.dated(1, "later"))


@pytest.mark.parametrize("step", STEPS)
def test_promise_5_a_step_that_several_processes_see_counts_once(timed, drive, step):
    processes = [timed, *(drive(timed.ground, timed.form) for _ in range(3))]
    before = timed.dated(1, "before")
    for each in processes:
        each.pending()
    timed.run(timed.ops.end_user("alice"))
    timed.advance(HOUR)
    after = timed.dated(HOUR - 5, "after")
    timed.ground.set_server(step)
    for each in processes:
        each.pending()
    timed.advance(HOUR)
    assert not any(each.has_ended(after) for each in processes)
    assert all(each.has_ended(before) for each in processes)
    assert noted(timed) == timed.about(step)


@pytest.mark.parametrize("step", STEPS)
def test_promise_5_a_process_that_starts_after_the_step_hears_of_it(timed, drive, step):
    before = timed.dated(5, "before")
    timed.run(timed.ops.end_user("alice"))
    timed.advance(10)
    timed.ground.set_server(step)
    timed.pending()
    later = drive(timed.ground, timed.form)
    assert later.has_ended(before)
    assert not later.has_ended(later.dated(1, "after"))


def test_promise_5_a_clock_that_is_put_right_little_by_little_leaves_sessions_where_they_were(timed, drive):
    other = drive(timed.ground, timed.form)
    timed.pending()
    other.pending()
    before = timed.dated(3.5, "before")
    timed.run(timed.ops.end_user("alice"))
    for passed in range(1, 21):
        timed.advance(10)
        timed.ground.set_server(timed.ground.server_is_ahead + 0.5)
        timed.pending()
        assert timed.has_ended(before)
        assert not other.has_ended(timed.dated(10 * passed - 1, f"after {passed}"))
    assert abs(noted(timed) - 10) <= 2  # although two processes have watched


def test_a_clock_that_differs_by_less_than_a_second_was_not_set(timed):
    timed.pending()
    for ahead in (0.9, -0.05, 0.5, 0.0):
        timed.ground.set_server(ahead)
        timed.pending()
        timed.advance(1)
    assert noted(timed) == 0


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
    assert noted(timed) == 0


def test_promise_6_no_revocation_is_forgotten_because_nobody_has_seen_how_the_clock_came_to_be_ahead(
    timed, drive
):
    timed.put("t", life=1000)
    timed.put("bobs", slot=BOBS, principal=BOB, life=1000)
    timed.run(timed.ops.end_session(BOB))
    timed.ground.set_server(2 * HOUR)
    newcomer = drive(timed.ground, timed.form)
    assert newcomer.run(newcomer.ops.end_session(ALICE)) == 1
    due = newcomer.run(newcomer.ops.due(9, seconds=30))
    assert (sorted(each.token.reveal() for each in due.batch), due.expired) == (["bobs", "t"], 0)
    assert all(each.expires_at >= timed.ground.now + 1000 for each in due.batch)
