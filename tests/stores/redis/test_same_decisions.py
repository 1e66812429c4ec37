"""Redis decides in Lua what the memory store and the budget decide in Python, by one clock for all hosts."""

from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from monite_auth import MemoryStore, Principal
from monite_auth.stores import Budget, Claimed, Cooldown, Hit, Lease, Priority, Slot
from tests.redis_server import emptied
from tests.stores.harness import ABROAD, AGAIN, ALICE, HOME, Driver, RedisGround


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


USER = Priority.USER
LATE = [(0.0, USER, 60.0, 0)] * 6 + [(2.5 * (n == 2), USER, 60.0, n) for n in range(2, 7)]
LATE += [(0.2 * (n == 7), USER, 60.0, n) for n in range(7, 12)] + [(0.0, USER, 60.0, 0)] * 3
"""Six book, all come late, go at once until the window is full, and come again."""

SLOW = [(0.0, "lower", 2.5, 0), (0.0, "throttled", 0.05, 0), *LATE, (61.0, "lower", 4.0, 0), *LATE]
"""The same before a limit that an answer has named, and after a 429."""

BACK = [*LATE, (-3600.0, USER, 60.0, 3), (0.0, "hold", 1.0, 0), (-3600.0, USER, 60.0, 3), *LATE]
"""The server's clock is set back, twice."""

CALL = Priority.CALL
CALLS = (
    [(0.0, CALL, 60.0, 0)] * 20
    + [(0.0, USER, 60.0, 0)] * 20
    + [(0.034, CALL, 60.0, n) for n in range(15, 21)]
)
CALLS += [(0.034, kind, 2.5, 0) for kind in Priority] + [(2.5, CALL, 0.05, n) for n in range(15, 21)]
"""Twenty calls, and twenty mints in front of those that wait; then renewals and revocations, and the calls once more."""

REMEMBERED = 60.0
"""Seconds from a claim on in which every store knows its lease, though it has run out after five."""

AGES = [("advance", 0.5)] * 10
GIVEN_BACK = [("end_user",), ("abandon", 0, Cooldown(3, "x", "y")), ("claim", HOME, ALICE, "me", 0.0)]
LATE_ABANDON = [("claim", HOME, ALICE, "me", 0.0), *AGES, *GIVEN_BACK, *AGES * 14, *GIVEN_BACK]
"""A lease is given back when it has just run out, and after its user has ended; and once more when nobody remembers it."""

UNCHECKED = [*settings().suppress_health_check, HealthCheck.function_scoped_fixture]
"""Each example empties the server that its fixture shares with the others."""

requests = st.tuples(
    st.sampled_from([0.0, 0.001, 0.01, 0.034, 0.2, 2.5, 61.0, -0.5]),
    st.sampled_from([*Priority, "hold", "throttled", "lower"]),
    st.sampled_from([0.05, 1.0, 2.5, 20.0, 60.0]),
    st.integers(0, 12),
)


@pytest.fixture(params=[0.5, 5, 30, 1000])
def limited(tmp_path, drive, request):
    """A limit, and a driver of a store that keeps to it."""
    return request.param, drive(RedisGround(tmp_path), "blocking", requests_per_second=request.param)


@settings(max_examples=40, suppress_health_check=UNCHECKED)
@given(asked=st.lists(requests, max_size=25))
@example(asked=LATE)
@example(asked=SLOW)
@example(asked=BACK)
@example(asked=CALLS)
def test_promise_8_the_budget_in_lua_is_the_budget_in_python(limited, asked):
    limit, timed = limited
    emptied(timed.ground.server)
    budget, tickets = Budget(), [None]
    for later, kind, number, which in asked:
        timed.advance(later)
        now = timed.ground.server.time()
        match kind:
            case "hold" | "throttled":
                timed.run(timed.ops.hold(number, throttled=kind == "throttled"))
                budget = budget.hold(now, number, throttled=kind == "throttled")
            case "lower":
                timed.run(timed.ops.lower_limit(number))
                budget = budget.lower_limit(now, number)
            case _:
                ticket = tickets[which % len(tickets)]
                budget, expected = budget.admit(now, limit, kind, ticket, number)
                assert timed.run(timed.ops.admit(kind, ticket, patience=number)) == expected
                tickets.append(expected.ticket)


OLD = Principal("alice", session_id="alice-1", authenticated_at=1_700_000_000.0 - 50)
LATER = Principal("alice", session_id="alice-2", authenticated_at=1_700_000_000.0 + 7.5)
ONLY_DATED = Principal("alice", authenticated_at=1_700_000_000.0)
MINE = Slot("alice", None, "alice-1")
steps = st.one_of(
    st.tuples(st.just("advance"), st.sampled_from([0.5, 2.0, 6.0, 40.0])),
    st.tuples(
        st.just("claim"),
        st.sampled_from([HOME, ABROAD, MINE]),
        st.sampled_from([OLD, LATER, ALICE, AGAIN]),
        st.sampled_from(["me", "you"]),
        st.sampled_from([0.0, 20.0, 1e9]),
    ),
    st.tuples(
        st.just("peek"), st.sampled_from([HOME, ABROAD, MINE]), st.sampled_from([OLD, LATER, ALICE, AGAIN])
    ),
    st.tuples(st.just("commit"), st.integers(0, 9), st.sampled_from([-6.0, -4.0, 1.0, 30.0])),
    st.tuples(
        st.just("abandon"),
        st.integers(0, 9),
        st.sampled_from([None, Cooldown(3, "x", "y"), Cooldown(3, "x", "z", everyone=True)]),
    ),
    st.tuples(st.just("discard"), st.sampled_from([HOME, ABROAD, MINE]), st.integers(0, 9)),
    st.tuples(
        st.just("end_session"), st.sampled_from([OLD, LATER, ALICE, AGAIN, ONLY_DATED, Principal("alice")])
    ),
    st.tuples(st.sampled_from(["end_user", "relink"])),
    st.tuples(st.just("due"), st.sampled_from([0.0, 3.0])),
    st.tuples(st.sampled_from(["settle", "postpone"]), st.integers(0, 9)),
    st.tuples(st.just("put_note"), st.sampled_from(["x", "y"]), st.sampled_from([1.0, 10.0])),
    st.tuples(st.sampled_from(["get_note", "delete_note"])),
)


class Story:
    """What happens in one store; leases, tokens and revocations are counted, since each store names its own."""

    def __init__(self, driver: Driver) -> None:
        self.driver = driver
        self.claimed: list[tuple[Lease, float]] = []
        self.fingerprints: list[str] = []
        self.taken: list[Any] = []

    @property
    def leases(self) -> list[Lease]:
        """Those that no store has forgotten yet, however long ago they ran out."""
        return [lease for lease, at in self.claimed if self.driver.now < at + REMEMBERED]

    def tell(self, what: str, *how: Any) -> Any:
        """Do a step and return what it came to, in words that are the same for every store."""
        driver = self.driver
        match what, how:
            case "claim", (slot, principal, owner, min_life):
                claim = driver.claim(slot, principal, owner=owner, min_life=min_life)
                if isinstance(claim, Claimed):
                    self.claimed.append((claim.lease, driver.now))
                facts = getattr(claim, "token", getattr(claim, "why", None))
                return type(claim), getattr(facts, "value", facts), round(getattr(claim, "retry_in", 0), 3)
            case "peek", (slot, principal):
                return driver.peek(slot, principal)
            case "commit", (which, life) if self.leases:
                token = driver.token(f"token-{len(self.fingerprints)}", life)
                self.fingerprints.append(token.fingerprint)
                return driver.run(driver.ops.commit(self.leases[which % len(self.leases)], token))
            case "abandon", (which, rest) if self.leases:
                return driver.run(driver.ops.abandon(self.leases[which % len(self.leases)], rest))
            case "discard", (slot, which) if self.fingerprints:
                return driver.run(
                    driver.ops.discard(slot, self.fingerprints[-1 - which % len(self.fingerprints)])
                )
            case "end_session", (principal,):
                return driver.run(driver.ops.end_session(principal))
            case (("end_user" | "relink"), ()):
                return driver.run(getattr(driver.ops, what)("alice"))
            case "put_note", (value, seconds):
                return driver.run(driver.ops.put_note("alice", "link", value, seconds=seconds))
            case (("get_note" | "delete_note"), ()):
                return driver.run(getattr(driver.ops, what)("alice", "link"))
            case "due", (seconds,):
                due = driver.run(driver.ops.due(100, seconds=seconds))
                # Memory's own: what was put off twice until the same moment is given twice.
                batch = {each.token.reveal(): each for each in due.batch}
                self.taken += [batch[value] for value in sorted(batch)]
                facts = [
                    (value, each.attempts, round(each.expires_at, 3)) for value, each in sorted(batch.items())
                ]
                return facts, due.expired, due.next_in if due.next_in is None else round(due.next_in, 3)
            case ("settle", (which,)) if self.taken:
                return driver.run(driver.ops.settle(self.taken[which % len(self.taken)]))
            case ("postpone", (which,)) if self.taken:
                return driver.run(driver.ops.postpone(self.taken[which % len(self.taken)], 1.5))
        return None


@pytest.mark.parametrize("form", ["blocking"])
@settings(max_examples=100, suppress_health_check=UNCHECKED)
@given(told=st.lists(steps, min_size=20, max_size=60))
@example(told=LATE_ABANDON)
def test_redis_decides_as_memory_does(timed, form, told):
    ground = timed.ground
    emptied(ground.server)
    ground.advance(1_700_000_000.0 - ground.now)
    memory = Driver(ground, "blocking")
    memory.store = MemoryStore(clock=ground.clock)
    memory.ops = memory.store.operations(blocking=True)
    stories = Story(timed), Story(memory)
    for number, step in enumerate([("end_user",), *told]):
        if step[0] == "advance":
            ground.advance(step[1])
            continue
        one, other = (story.tell(*step) for story in stories)
        assert one == other, step
        if step[0] == "end_user":  # a session that stays: memory drops users of whom nothing is left
            for story in stories:
                story.driver.claim(
                    Slot("alice", "elsewhere", None), Principal("alice", session_id=f"{number}")
                )
