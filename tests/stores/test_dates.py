"""The wall clock of a host as a process sees it, whatever is done to it and to the process."""

from monite_auth import Principal
from monite_auth.stores.dates import MOST_STEPS, WallClock

HOUR = 3600.0


class Host:
    """A host whose wall clock can be set, and which stops a process for `stops` in turn, before a reading returns."""

    def __init__(self) -> None:
        self.now, self.ahead = 1_700_000_000.0, 0.0
        self.stops: list[float] = []
        self.clock = WallClock(self.wall, lambda: self.now)

    def wall(self) -> float:
        shown = self.now + self.ahead
        if self.stops:
            self.now += self.stops.pop(0)
        return shown

    def pass_and_set(self, seconds: float, ahead: float) -> None:
        self.now += seconds
        self.ahead = ahead
        self.clock()

    def ago(self, date: float) -> float:
        """Return how long ago a login with this date is, in seconds."""
        began = self.clock.began(Principal("alice", authenticated_at=date))
        assert began is not None
        return self.clock() - began[0]


def test_a_process_that_was_stopped_between_two_readings_has_seen_no_step():
    host = Host()
    login = host.now - 5.5
    host.stops = [0.0, 60.0]
    host.clock()
    assert round(host.ago(login), 3) == 65.5
    host.stops = [60.0, 60.0, 60.0]
    host.clock()
    assert round(host.ago(login), 3) == 245.5
    assert len(host.clock._periods) == 1


def test_promise_5_a_step_is_not_forgotten_among_many_others():
    host = Host()
    login = host.now - 10.5
    host.pass_and_set(60, -HOUR)
    for number in range(5 * MOST_STEPS):
        host.pass_and_set(60, -HOUR + 2 * (number % 2))
    assert len(host.clock._periods) <= MOST_STEPS + 1
    assert host.ago(login) >= 60 + 5 * MOST_STEPS * 60 + 10.5


def test_a_login_that_comes_between_a_step_and_its_first_reading_is_of_now():
    host = Host()
    host.now, host.ahead = host.now + 60, -HOUR
    login = host.now + host.ahead
    host.now += 0.5
    assert host.ago(login) == 0.5


def test_a_login_of_now_is_of_now_however_often_the_clock_was_set():
    host = Host()
    for number in range(5 * MOST_STEPS):
        host.pass_and_set(60, -HOUR * (number % 3))
        host.now += 1
        login = host.now + host.ahead - 0.5
        assert round(host.ago(login), 3) == 0.5
