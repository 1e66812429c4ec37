"""The request budget, in time that the test makes up."""

import heapq
import itertools
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monite_auth.emulator import Clock
from monite_auth.emulator.traffic.limits import Limiter, LimitWindow
from monite_auth.stores import Budget, Priority, Ticket
from monite_auth.stores.budget import HEADROOM, PROBE
from monite_auth.stores.window import ENTRIES, JITTER

RATE = 30
START = 1000.0


class Line:
    """Callers before one budget, each asking again when it was told to, `late` seconds late."""

    def __init__(self, limit: int = RATE) -> None:
        self.budget = Budget()
        self.limit = limit
        self.sent: list[tuple[float, int]] = []
        self.asked = 0
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
            self.asked += 1
            self.budget, admission = self.budget.admit(now, self.limit, Priority.USER, ticket, 1e9)
            if admission.wait == 0:
                self.sent.append((now, caller))
            else:
                self.arrive(now + admission.wait + late(caller), caller, admission.ticket)

    @property
    def share(self) -> float:
        """The share of the limit that was used."""
        return len(self.sent) / (max(at for at, _ in self.sent) - START) / self.limit

    def departs_as_promised(self) -> bool:
        """Return whether no second, and JITTER, saw more requests leave than the limit."""
        times = sorted(at for at, _ in self.sent)
        return all(
            later - earlier > 1 + JITTER for earlier, later in zip(times, times[self.limit :], strict=False)
        )


def refused_by_monite(line: Line, window: LimitWindow, jitter=lambda: 0.0) -> int:
    """Return how many of the requests Monite refuses, each `jitter` seconds after it left."""
    arrival = [0.0]
    limiter = Limiter(Clock(lambda: arrival[0]), line.limit, window)
    refused = 0
    for arrival[0] in sorted(at + jitter() for at, _ in line.sent):
        refused += not limiter.admit().admitted
    return refused


WINDOWS = ["fixed", "sliding"]


@settings(max_examples=50)
@given(
    st.lists(st.floats(0, 5), min_size=1, max_size=200),
    st.randoms(use_true_random=False),
    st.sampled_from([1, 2, 7, RATE]),
)
def test_promise_8_no_second_and_its_jitter_ever_see_more_than_the_limit_leave(arrivals, random, limit):
    line = Line(limit)
    for caller, at in enumerate(arrivals):
        line.arrive(START + at, caller)
    line.run(late=lambda _caller: random.choice([0.0, 0.001, 0.01, 0.3, 2.0]))
    assert len(line.sent) == len(arrivals)
    assert line.departs_as_promised()


@pytest.mark.parametrize("limit", [257, 1000, 5000])
def test_promise_8_a_high_limit_is_kept_too_with_a_log_of_bounded_size(limit):
    line = Line(limit)
    random = Random(1)
    for caller in range(3 * limit):
        line.arrive(START, caller)
    sizes = set()
    line.run(late=lambda _caller: sizes.add(len(line.budget.sent)) or random.uniform(0, 0.003))
    assert line.departs_as_promised()
    assert max(sizes) <= ENTRIES + 1
    assert line.share > 0.9


def test_promise_8_a_process_that_was_paused_does_not_send_its_backlog_at_once():
    line = Line()
    for caller in range(100):
        line.arrive(START, caller)
    line.run(late=lambda caller: 2.0 if caller < 60 else 0.0)
    assert line.departs_as_promised()


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("latest", [0.0, 0.005])
def test_promise_8_3000_cold_users_get_no_429_and_use_nearly_all_of_the_limit(window, latest):
    line, random = Line(), Random(8)
    for caller in range(3000):
        line.arrive(START + random.uniform(0, 2), caller)
    line.run(late=lambda _caller: random.uniform(0, latest))
    assert len(line.sent) == 3000
    assert refused_by_monite(line, window, lambda: random.uniform(0, JITTER)) == 0
    assert line.share >= 0.92
    assert line.asked <= 4 * 3000  # nobody polls


@settings(max_examples=50)
@pytest.mark.parametrize("window", WINDOWS)
@given(st.randoms(use_true_random=False), st.floats(0, 0.5))
def test_promise_8_callers_that_come_late_get_no_429_either(window, random, latest):
    line = Line()
    for caller in range(70):
        line.arrive(START, caller)
    line.run(late=lambda _caller: random.choice([0.0, random.uniform(0, latest), latest]))
    assert (
        refused_by_monite(line, window, lambda: random.choice([0.0, random.uniform(0, JITTER), JITTER])) == 0
    )


def test_promise_8_late_callers_cost_the_others_little():
    line, random = Line(), Random(8)
    for caller in range(3000):
        line.arrive(START, caller)
    line.run(late=lambda _caller: random.uniform(0, 0.02))
    assert line.share >= 0.91
    assert [caller for _, caller in line.sent] == list(range(3000))


def test_promise_8_first_come_first_served():
    line = Line()
    for caller in range(200):
        line.arrive(1000 + caller * 1e-4, caller)
    line.run(holds=[(1001, 3)])
    assert [caller for _, caller in line.sent] == list(range(200))


@settings(max_examples=50)
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
    assert line.departs_as_promised()


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
    assert line.departs_as_promised()


@pytest.mark.parametrize("ticket", [Ticket(990.0), None])
@pytest.mark.parametrize("priority", Priority)
def test_promise_8_whoever_comes_first_after_a_hold_is_the_probe(ticket, priority):
    budget, admission = Budget().hold(1000, 10).admit(1010, RATE, priority, ticket, 60)
    assert (admission.admitted, admission.wait) == (True, 0)
    for other in (None, Ticket(990.0)):
        budget, admission = budget.admit(1010.1, RATE, Priority.USER, other, 60)
        assert PROBE - 0.1 - 1e-6 <= admission.wait <= PROBE
    assert budget.admit(1010 + PROBE, RATE, Priority.USER, Ticket(990.0), 60)[1].wait == 0


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


class Everybody(Line):
    """Callers of all priorities. A mint that has booked is `expected` at the moment it was told."""

    def __init__(self, limit: int = RATE) -> None:
        super().__init__(limit)
        self.priority: dict[int, Priority] = {}
        self.left_at: dict[int, float] = {}
        self.expected: dict[int, float] = {}
        self.pushed_in: list[tuple[Priority, float]] = []

    def come(self, at: float, priority: Priority) -> int:
        caller = len(self.priority)
        self.priority[caller] = priority
        self.arrive(at, caller)
        return caller

    def run(self, *, late=lambda _caller: 0.0, holds=()) -> None:
        holds = sorted(holds)
        while self._agenda:
            now, _, caller, ticket = heapq.heappop(self._agenda)
            while holds and holds[0][0] <= now:
                self.budget = self.budget.hold(*holds.pop(0))
            priority = self.priority[caller]
            self.expected.pop(caller, None)
            self.budget, admission = self.budget.admit(now, self.limit, priority, ticket, 1e9)
            if admission.wait > 0:
                if priority is Priority.USER:
                    self.expected[caller] = now + admission.wait
                self.arrive(now + admission.wait + late(caller), caller, admission.ticket)
                continue
            self.sent.append((now, caller))
            self.left_at[caller] = now
            if priority is not Priority.USER and any(at > now + 1e-6 for at in self.expected.values()):
                self.pushed_in.append((priority, now))

    def those(self, priority: Priority) -> list[float]:
        """Return when requests of this priority left."""
        return [at for at, caller in self.sent if self.priority[caller] is priority]


@settings(max_examples=100)
@given(
    st.lists(st.tuples(st.floats(0, 3), st.sampled_from(Priority)), min_size=1, max_size=120),
    st.lists(st.tuples(st.floats(0, 3), st.floats(0.1, 3)), max_size=2),
    st.randoms(use_true_random=False),
    st.sampled_from([1, 2, 7, RATE]),
)
def test_promise_8_no_call_goes_while_a_mint_has_booked_and_all_go_in_the_end(arrivals, holds, random, limit):
    line = Everybody(limit)
    for at, priority in arrivals:
        line.come(START + at, priority)
    line.run(
        late=lambda _caller: random.choice([0.0, 0.001, 0.01, 0.3]),
        holds=[(START + at, seconds) for at, seconds in holds],
    )
    assert line.pushed_in == []
    assert len(line.sent) == len(arrivals)
    assert line.departs_as_promised()


def test_promise_8_a_mint_hardly_waits_for_calls_however_many_there_are():
    line = Everybody()
    for number in range(400):
        line.come(START + number * 0.001, Priority.CALL)
    mints = {line.come(at, Priority.USER): at for at in (START + 0.2, START + 1, START + 5, START + 5.001)}
    line.run()
    assert all(line.left_at[mint] - came < 2.5 / RATE for mint, came in mints.items())
    assert line.departs_as_promised()


def test_promise_8_calls_leave_the_moments_of_mints_where_they_are():
    alone, together = Everybody(), Everybody()
    for line in (alone, together):
        for number in range(100):
            line.come(START + number * 0.001, Priority.USER)
    for number in range(100):
        together.come(START + number * 0.05, Priority.CALL)
    alone.run()
    together.run()
    # What left before the rush still counts in the window: a mint waits for its place there, and never for a call's turn.
    before = sum(1 for at in together.those(Priority.CALL) if at < START + 0.001)
    late = max(together.left_at[mint] - alone.left_at[mint] for mint in range(100))
    assert late <= before / RATE + 1e-3


def test_promise_8_calls_are_served_first_come_first_served_at_the_whole_pace():
    line = Everybody()
    for number in range(300):
        line.come(START + number * 0.001, Priority.CALL)
    random = Random(8)
    line.run(late=lambda _caller: random.uniform(0, 0.003))
    assert [caller for _, caller in line.sent] == list(range(300))
    assert line.share > 0.9
    assert line.departs_as_promised()


@pytest.mark.parametrize("window", WINDOWS)
def test_promise_8_calls_and_mints_together_get_no_429(window):
    line, random = Everybody(), Random(8)
    for _ in range(1500):
        line.come(START + random.uniform(0, 40), random.choice([Priority.USER, Priority.CALL, Priority.CALL]))
    line.run(late=lambda _caller: random.uniform(0, 0.005))
    assert refused_by_monite(line, window, lambda: random.uniform(0, JITTER)) == 0
    assert line.share >= 0.9


def test_promise_8_a_page_makes_some_calls_at_once_and_leaves_half_of_the_window_to_mints():
    budget, waits = Budget(), []
    for _ in range(20):
        budget, call = budget.admit(START, RATE, Priority.CALL, None, 60)
        waits.append(call.wait)
    interval = 1 / (RATE * HEADROOM)
    assert waits[:16] == [0] * 16
    assert waits[16:] == pytest.approx([interval * number for number in range(1, 5)])
    budget, mint = budget.admit(START + 0.001, RATE, Priority.USER, None, 60)
    assert mint.wait == 0


def test_promise_8_calls_that_a_hold_has_stopped_do_not_bunch_after_it():
    budget, waits = Budget().hold(START, 1), []
    for _ in range(10):
        budget, call = budget.admit(START + 0.5, RATE, Priority.CALL, None, 60)
        waits.append(call.wait)
    assert waits == pytest.approx([0.5 + number / (RATE * HEADROOM) for number in range(10)])


def test_promise_8_a_call_that_cannot_wait_for_its_moment_books_nothing_and_learns_when_it_is():
    budget = Budget()
    for _ in range(100):
        budget, call = budget.admit(START, RATE, Priority.CALL, None, 2.0)
        if not call.admitted:
            break
    assert 2.0 < call.wait < 2.1
    after, again = budget.admit(START, RATE, Priority.CALL, None, 2.0)
    assert (after, again) == (budget, call)


def test_promise_8_renewals_and_revocations_wait_while_a_call_does():
    budget = Budget()
    for _ in range(17):
        budget, call = budget.admit(START, RATE, Priority.CALL, None, 60)
    assert call.wait > 0
    for priority in (Priority.RENEWAL, Priority.REVOCATION):
        budget, other = budget.admit(START, RATE, priority, None, 60)
        assert not other.admitted
        assert other.wait > call.wait
    budget, call = budget.admit(START + call.wait, RATE, Priority.CALL, call.ticket, 60)
    assert call.wait == 0
    budget, renewal = budget.admit(START + 0.1, RATE, Priority.RENEWAL, None, 60)
    assert renewal.wait == 0


def test_promise_8_a_call_that_has_booked_stands_back_for_mints_that_come_after_it():
    budget, line = Budget(), []
    for _ in range(17):
        budget, call = budget.admit(START, RATE, Priority.CALL, None, 60)
    for _ in range(5):
        budget, mint = budget.admit(START + 0.01, RATE, Priority.USER, None, 60)
        line.append(mint)
    assert line[0].wait == 0
    budget, back = budget.admit(START + call.wait, RATE, Priority.CALL, call.ticket, 60)
    assert back.ticket == call.ticket
    assert START + call.wait + back.wait > START + 0.01 + line[-1].wait


class Throttling(Line):
    """Monite has a smaller limit than the settings say, names none, and answers 429 after `answer_in` seconds."""

    def __init__(self, monites_limit: int, *, answer_in: float = 0.3) -> None:
        super().__init__()
        self._now = START
        self._limiter = Limiter(Clock(lambda: self._now), monites_limit, "sliding")
        self._answer_in = answer_in
        self.refused: list[float] = []

    def run_throttled(self) -> None:
        holds: list[float] = []
        while self._agenda:
            self._now, _, caller, ticket = heapq.heappop(self._agenda)
            while holds and holds[0] <= self._now:
                self.budget = self.budget.hold(heapq.heappop(holds), 1, throttled=True)
            self.budget, admission = self.budget.admit(self._now, RATE, Priority.USER, ticket, 1e9)
            if admission.wait > 0:
                self.arrive(self._now + admission.wait, caller, admission.ticket)
            elif self._limiter.admit().admitted:
                self.sent.append((self._now, caller))
            else:
                self.refused.append(self._now)
                heapq.heappush(holds, self._now + self._answer_in)
                self.arrive(self._now + self._answer_in, caller, admission.ticket)


@pytest.mark.parametrize("share", [0.5, 0.8])
def test_promise_8_where_another_program_uses_a_part_of_the_limit_429s_become_rare(share):
    line = Throttling(int(RATE * share))
    for caller in range(3000):
        line.arrive(START, caller)
    line.run_throttled()
    assert len(line.sent) == 3000
    took = max(at for at, _ in line.sent) - START
    assert 3000 / took > 0.6 * RATE * share
    assert len(line.refused) < 0.03 * 3000


def test_promise_8_the_pace_is_never_lower_than_a_tenth_and_recovers_to_the_whole():
    budget = Budget()
    for number in range(50):
        budget = budget.hold(START + 10 * number, 1, throttled=True)
    at = START + 1000
    budget, _ = budget.admit(START + 492, RATE, Priority.USER, None, 60)  # the probe
    budget, first = budget.admit(START + 494, RATE, Priority.USER, None, 60)
    budget, second = budget.admit(START + 494, RATE, Priority.USER, None, 60)
    assert second.wait - first.wait < 10 / (RATE * HEADROOM) * 1.01
    budget, first = budget.admit(at, RATE, Priority.USER, None, 60)
    budget, second = budget.admit(at, RATE, Priority.USER, None, 60)
    assert second.wait - first.wait == pytest.approx(1 / (RATE * HEADROOM), rel=0.001)


def test_promise_8_a_clock_that_is_set_back_moves_all_moments_along():
    budget = Budget().lower_limit(START, 10)
    for _ in range(12):
        budget, admission = budget.admit(START, RATE, Priority.USER, None, 60)
    budget, again = budget.admit(START - 3600, RATE, Priority.USER, admission.ticket, 60)
    assert again.wait == pytest.approx(admission.wait)
    budget = budget.hold(START - 3600, 5)
    budget, held = budget.admit(START - 7200, RATE, Priority.USER, None, 60)
    assert 5 < held.wait < 5 + 1.5
    assert budget.learned_until == pytest.approx(START - 7200 + 60)
    assert all(START - 7201 < moment <= START - 7200 for moment, _ in budget.sent)
