"""The request budget, in time that the test makes up."""

import heapq
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monite_auth.stores import Budget, Priority, Ticket
from monite_auth.stores.budget import HEADROOM, JITTER, PROBE

RATE = 30


class Line:
    """Callers before one budget, each asking again when it was told to, `late` seconds late."""

    def __init__(self) -> None:
        self.budget = Budget()
        self.sent: list[tuple[float, int]] = []
        self._agenda: list[tuple[float, int, int, Ticket | None]] = []
        self._sequence = 0

    def arrive(self, at: float, caller: int, ticket: Ticket | None = None) -> None:
        self._sequence += 1
        heapq.heappush(self._agenda, (at, self._sequence, caller, ticket))

    def run(self, *, late=lambda _caller: 0.0, holds=()) -> None:
        holds = sorted(holds)
        while self._agenda:
            now, _, caller, ticket = heapq.heappop(self._agenda)
            while holds and holds[0][0] <= now:
                at, seconds = holds.pop(0)
                self.budget = self.budget.hold(at, seconds)
            self.budget, admission = self.budget.admit(now, RATE, Priority.USER, ticket, 1e9)
            if admission.wait == 0:
                self.sent.append((now, caller))
            else:
                self.arrive(now + admission.wait + late(caller), caller, admission.ticket)

    def busiest_second(self) -> int:
        times = sorted(at for at, _ in self.sent)
        return max(sum(1 for other in times if at <= other < at + 1) for at in times)


@given(st.lists(st.floats(0, 5), min_size=1, max_size=200), st.randoms(use_true_random=False))
def test_promise_8_no_second_ever_sees_more_than_the_limit(arrivals, random):
    line = Line()
    for caller, at in enumerate(arrivals):
        line.arrive(1000 + at, caller)
    line.run(late=lambda _caller: random.choice([0.0, 0.001, 0.01, 0.3]))
    assert len(line.sent) == len(arrivals)
    assert line.busiest_second() <= RATE


def test_promise_8_a_process_that_was_paused_does_not_send_its_backlog_at_once():
    line = Line()
    for caller in range(100):
        line.arrive(1000, caller)
    line.run(late=lambda caller: 2.0 if caller < 60 else 0.0)
    assert line.busiest_second() <= RATE


def test_promise_8_nearly_all_of_the_limit_is_used():
    line = Line()
    for caller in range(3000):
        line.arrive(1000, caller)
    line.run(late=lambda caller: 0.001 * (caller % 4))
    took = max(at for at, _ in line.sent) - 1000
    assert 3000 / took >= 0.92 * RATE


@given(st.randoms(use_true_random=False))
def test_promise_8_the_way_to_monite_may_take_longer_for_some_requests(random):
    line = Line()
    for caller in range(300):
        line.arrive(1000, caller)
    line.run(late=lambda _caller: random.choice([0.0, 0.001]))
    arrivals = sorted(at + random.choice([0.0, random.uniform(0, JITTER), JITTER]) for at, _ in line.sent)
    for first, one_too_many in zip(arrivals, arrivals[RATE:], strict=False):
        assert one_too_many - first > 1


def test_promise_8_first_come_first_served():
    line = Line()
    for caller in range(200):
        line.arrive(1000 + caller * 1e-4, caller)
    line.run(holds=[(1001, 3)])
    assert [caller for _, caller in line.sent] == list(range(200))


@given(st.lists(st.tuples(st.floats(0, 4), st.floats(0.1, 3)), max_size=4))
def test_promise_8_nobody_sends_during_a_hold_and_nothing_bunches_after_it(holds):
    line = Line()
    for caller in range(120):
        line.arrive(1000 + caller * 0.01, caller)
    holds = [(1000 + at, seconds) for at, seconds in holds]
    line.run(holds=holds)
    for at, seconds in holds:
        # What a hold stops is what comes after it was ordered.
        assert not [sent for sent, _ in line.sent if at + 1e-9 < sent < at + seconds - 1e-6]
    assert line.busiest_second() <= RATE


def test_holds_that_overlap_last_as_long_as_the_longest():
    budget = Budget().hold(100, 10).hold(101, 3).hold(105, 10)
    assert budget.held_until == 115
    _, admission = budget.admit(106, RATE, Priority.USER, None, 60)
    assert admission.wait == pytest.approx(9)


class Refusing(Line):
    """Monite refuses everything until `until` and wants to be left alone for `seconds`; an answer takes a while."""

    def __init__(self, *, until: float, seconds: float, answer_in: float = 0.3) -> None:
        super().__init__()
        self._until, self._seconds, self._answer_in = until, seconds, answer_in

    def refuse(self) -> None:
        holds: list[float] = []
        while self._agenda:
            now, _, caller, ticket = heapq.heappop(self._agenda)
            while holds and holds[0] <= now:
                self.budget = self.budget.hold(heapq.heappop(holds), self._seconds)
            self.budget, admission = self.budget.admit(now, RATE, Priority.USER, ticket, 1e9)
            if admission.wait > 0:
                self.arrive(now + admission.wait, caller, admission.ticket)
                continue
            self.sent.append((now, caller))
            if now < self._until:
                heapq.heappush(holds, now + self._answer_in)
                self.arrive(now + self._answer_in, caller, admission.ticket)


@pytest.mark.parametrize("seconds", [2, 7, 60])
def test_promise_8_after_a_hold_one_request_probes_however_many_wait(seconds):
    line = Refusing(until=1200, seconds=seconds)
    line.budget = line.budget.hold(1000, seconds)
    for caller in range(200):
        line.arrive(1000 + caller * 0.01, caller)
    line.refuse()
    probes = [at for at, _ in line.sent if at < 1200]
    assert len(probes) <= 200 / seconds
    assert all(later - earlier >= seconds for earlier, later in itertools.pairwise(probes))
    # Then they all go, at their pace.
    well = [at for at, _ in line.sent if at >= 1200]
    assert len(well) == 200
    assert max(well) - min(well) < 200 / RATE * 1.1 + PROBE
    assert line.busiest_second() <= RATE


@pytest.mark.parametrize("ticket", [Ticket(990.0), Ticket(990.0, passed=True), None])
@pytest.mark.parametrize("priority", Priority)
def test_promise_8_whoever_comes_first_after_a_hold_is_the_probe(ticket, priority):
    budget, admission = Budget().hold(1000, 10).admit(1010, RATE, priority, ticket, 60)
    assert (admission.admitted, admission.wait) == (True, 0)
    for other in (None, Ticket(990.0), Ticket(990.0, passed=True)):
        budget, admission = budget.admit(1010.1, RATE, Priority.USER, other, 60)
        assert PROBE - 0.1 - 1e-6 <= admission.wait <= PROBE
    assert budget.admit(1010 + PROBE, RATE, Priority.USER, Ticket(990.0, passed=True), 60)[1].wait == 0


@pytest.mark.parametrize("priority", [Priority.RENEWAL, Priority.REVOCATION])
def test_promise_8_less_urgent_requests_book_nothing_while_users_wait_for_the_probe(priority):
    budget, _ = Budget().hold(1000, 1).admit(1001.5, RATE, Priority.USER, Ticket(990.0), 60)
    budget, user = budget.admit(1001.5, RATE, Priority.USER, None, 60)
    assert user.wait == pytest.approx(PROBE)
    budget, other = budget.admit(1002.1, RATE, priority, None, 60)
    assert not other.admitted
    assert other.wait == pytest.approx(0.4, abs=2 / RATE)


def test_an_idle_budget_saves_nothing_up():
    budget = Budget()
    waits = []
    for _ in range(3):
        budget, admission = budget.admit(5000, RATE, Priority.USER, None, 60)
        waits.append(admission.wait)
    assert waits == pytest.approx([0, 1 / (30 * HEADROOM), 2 / (30 * HEADROOM)])


def test_low_priorities_wait_their_turn_and_get_it():
    budget = Budget()
    budget, _ = budget.admit(100, RATE, Priority.USER, None, 60)
    budget, user = budget.admit(100, RATE, Priority.USER, None, 60)
    budget, renewal = budget.admit(100, RATE, Priority.RENEWAL, None, 60)
    budget, revocation = budget.admit(100, RATE, Priority.REVOCATION, None, 60)
    assert user.admitted
    assert not renewal.admitted
    assert not revocation.admitted
    at = 100 + renewal.wait
    budget, renewal = budget.admit(at, RATE, Priority.RENEWAL, None, 60)
    assert renewal.admitted
    assert renewal.wait == 0
    while True:
        at += revocation.wait
        budget, revocation = budget.admit(at, RATE, Priority.REVOCATION, None, 60)
        if revocation.admitted:
            break
        assert at < 101
