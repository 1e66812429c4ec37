"""SQLite, Redis and PostgreSQL decide in SQL and Lua what the memory store decides in Python, which the simulation explores."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from monite_auth import MemoryStore, Principal
from monite_auth.stores import Claimed, Cooldown, Lease, Slot
from tests import postgres_server, redis_server
from tests.stores.harness import (
    ABROAD,
    AGAIN,
    ALICE,
    HOME,
    Driver,
    PostgresGround,
    RedisGround,
    SQLiteGround,
)

REMEMBERED = 60.0
"""Seconds from a claim on in which every store knows its lease, though it has run out after five."""

AGES = [("advance", 0.5)] * 10
GIVEN_BACK = [("end_user",), ("abandon", 0, Cooldown(3, "x", "y")), ("claim", HOME, ALICE, "me", 0.0)]
LATE_ABANDON = [("claim", HOME, ALICE, "me", 0.0), *AGES, *GIVEN_BACK, *AGES * 14, *GIVEN_BACK]
"""A lease is given back when it has just run out, and after its user has ended; and once more when nobody remembers it."""

UNCHECKED = [*settings().suppress_health_check, HealthCheck.function_scoped_fixture]
"""Each example has a store with nothing in it from the same fixture."""

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


@pytest.fixture
def begin(
    request: pytest.FixtureRequest, tmp_path: Path, drive: Callable[..., Driver]
) -> Callable[[], Driver]:
    """Return a function that returns the driver of a store with nothing in it, whose time stands still until the test moves it."""
    ground_type: Any = request.param
    if ground_type is SQLiteGround:
        return lambda: drive(SQLiteGround(Path(tempfile.mkdtemp(dir=tmp_path))), "blocking")
    ground = ground_type(tmp_path)
    driver = drive(ground, "blocking")
    emptied = redis_server.emptied if ground_type is RedisGround else postgres_server.emptied

    def begin() -> Driver:
        emptied(ground.server)
        driver.advance(1_700_000_000.0 - driver.now)
        return driver

    return begin


@pytest.mark.parametrize(
    "begin", [SQLiteGround, RedisGround, PostgresGround], ids=["sqlite", "redis", "postgres"], indirect=True
)
@settings(max_examples=100, suppress_health_check=UNCHECKED)
@given(told=st.lists(steps, min_size=20, max_size=60))
@example(told=LATE_ABANDON)
def test_every_store_decides_as_memory_does(begin, told):
    driver = begin()
    ground = driver.ground
    memory = Driver(ground, "blocking", store=MemoryStore(clock=ground.clock))
    stories = Story(driver), Story(memory)
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
