"""What is Redis's alone: its servers, their failures, its clock, and what can be read in it. The rest is the contract."""

import asyncio
import ctypes
import gc
import json
import logging
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import monite_auth.stores.redis
from monite_auth import MemoryStore, Principal, Secret
from monite_auth.errors import ConfigurationError, StoreUnavailable
from monite_auth.identity import LEEWAY, PARTNER
from monite_auth.stores import (
    PARTNER_SLOT,
    Budget,
    Claimed,
    Committed,
    Cooldown,
    CoolingDown,
    Hit,
    Lease,
    Priority,
    Slot,
)
from monite_auth.stores.redis import RedisStore
from monite_auth.stores.redis.connections import CONNECTION_LIMITS
from monite_auth.stores.redis.health import check_version
from monite_auth.stores.redis.keyspace import NAME, SHARDS
from monite_auth.stores.redis.records import LEASE, TIMES
from monite_auth.stores.redis.scripts import GRACE, SCRIPTS
from monite_auth.stores.sealing import SealBroken
from monite_auth.tokens import steady_clock
from tests.forking import FORKS
from tests.redis_server import RedisCluster, RedisServer, WatchedPair, emptied
from tests.stores.harness import (
    ABROAD,
    AGAIN,
    ALICE,
    BOB,
    BOBS,
    FORMS,
    HOME,
    PERSON,
    Driver,
    Ground,
    RedisGround,
)
from tests.waiting import until

KEY, OTHER_KEY, THIRD_KEY = (Secret(f"key number {number} of the tests") for number in range(3))
PASSWORD = "hunter2-but-longer"  # what no message may hold


class LiveGround(Ground):
    """A place on some server, in real time."""

    def __init__(self, url: str) -> None:
        super().__init__(Path())
        self.url = url

    def clock(self) -> float:
        return steady_clock()

    def open(self, **options: Any) -> RedisStore:
        return RedisStore(self.url, **{"keys": (KEY,), "requests_per_second": 30, **options})


@pytest.fixture(scope="session")
def plain_server():
    with RedisServer() as server:
        yield server


@pytest.fixture
def server(plain_server):
    return emptied(plain_server)


@pytest.fixture(scope="session")
def three_nodes():
    with RedisCluster() as cluster:
        yield cluster


@pytest.fixture
def cluster(three_nodes):
    for node in three_nodes.nodes:
        emptied(node)
    return three_nodes


@pytest.fixture
def driver(server, form, drive):
    return drive(LiveGround(server.url), form)


@pytest.fixture
def timed(tmp_path, form, drive):
    """A driver of a server whose clock stands still until the test moves it."""
    return drive(RedisGround(tmp_path), form)


def user(number: int) -> tuple[Slot, Principal]:
    return Slot(f"user-{number}", None, None), Principal(f"user-{number}", session_id=f"session-{number}")


def works(driver: Driver) -> bool:
    try:
        driver.peek()
    except StoreUnavailable:
        return False
    return True


def do_everything(driver: Driver) -> None:
    """Have each operation do what it does, for users of its own."""
    carol, home, abroad = (
        Principal("carol", session_id="carol-1"),
        *(Slot("carol", x, None) for x in ("", "abroad")),
    )
    driver.put("one", home, carol)
    driver.put("two", home, carol)
    assert driver.peek(home, carol) == "two"
    assert isinstance(driver.claim(home, carol), Hit)
    driver.run(driver.ops.discard(home, driver.token("two").fingerprint))
    driver.run(driver.ops.abandon(driver.lease(slot=abroad, principal=carol), Cooldown(30, "x", "y")))
    assert isinstance(driver.claim(abroad, carol), CoolingDown)
    void = Lease(abroad, "0" * 16)
    assert driver.commit(void, "three") is False
    assert driver.run(driver.ops.status("carol")).live == 0
    assert driver.run(driver.ops.end_session(carol)) == 2
    assert driver.run(driver.ops.backlog()) >= 3
    assert driver.has_ended(carol, home)
    assert driver.run(driver.ops.end_user("dave")) == 0
    assert driver.run(driver.ops.relink("dave")) == 0
    first, *others = driver.run(driver.ops.due(3, seconds=30)).batch
    second, _third = others
    driver.run(driver.ops.settle(first))
    driver.run(driver.ops.postpone(second, 0))
    (again,) = driver.run(driver.ops.due(2, seconds=30)).batch
    assert again.attempts == 1
    for each in others:
        driver.run(driver.ops.settle(each))
    assert driver.run(driver.ops.admit(Priority.USER, None, patience=9)).admitted
    driver.run(driver.ops.hold(0.1))
    driver.run(driver.ops.end_user("carol"))
    driver.run(driver.ops.put_note("carol", "link", "x", seconds=30))
    assert driver.run(driver.ops.get_note("carol", "link")) == "x"
    driver.run(driver.ops.delete_note("carol", "link"))
    assert driver.run(driver.ops.get_note("carol", "link")) is None
    daves = driver.lease(slot=Slot("dave", None, None), principal=PARTNER)
    driver.run(driver.ops.abandon(daves, Cooldown(0.001, "x", "y", everyone=True)))
    until(lambda: not isinstance(driver.claim(slot=Slot("dave", None, None), principal=PARTNER), CoolingDown))


# -- the hot path


def test_a_hit_is_one_command_and_one_round_trip(driver, server):
    driver.put("t")
    driver.peek()  # shows the script to the server
    calls, reads = server.calls(), server.admin.info("stats")["total_reads_processed"]
    for _ in range(100):
        assert driver.peek() == "t"
    more = Counter(server.calls())
    more.subtract(calls)
    of_the_script = {"get": 100, "hget": 100, "time": 100, "zscore": 100}
    assert +more == {"evalsha": 100, **of_the_script}
    assert server.admin.info("stats")["total_reads_processed"] - reads <= 102  # and this test's own


def test_promise_1_threads_and_tasks_get_their_own_tokens_only(server, drive):
    driver = drive(LiveGround(server.url), "blocking")
    for number in range(20):
        driver.put(f"token-{number}", *user(number))
    wrong = []

    def look(number: int) -> None:
        for turn in range(25):
            found = driver.peek(*user((number + turn) % 20))
            if found != f"token-{(number + turn) % 20}":
                wrong.append(found)

    async def alook(number: int) -> None:
        ops = driver.store.operations(blocking=False)
        for turn in range(5):
            found = await ops.peek(*user((number + turn) % 20))
            if found is None or found.value != Secret(f"token-{(number + turn) % 20}"):
                wrong.append(found)

    async def main() -> None:
        await asyncio.gather(*(alook(number) for number in range(200)))

    threads = [threading.Thread(target=look, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    asyncio.run(main())
    for thread in threads:
        thread.join()
    assert wrong == []


async def test_promise_1_cancelled_tasks_leave_no_answer_behind_for_others(server):
    store = LiveGround(server.url).open()
    ops = store.operations(blocking=False)
    driver = Driver(LiveGround(server.url), "blocking")
    for number in range(10):
        driver.put(f"token-{number}", *user(number))
    driver.close()
    seen = Counter()

    async def look(number: int) -> None:
        found = await ops.peek(*user(number))
        seen[found is not None and found.value == Secret(f"token-{number}")] += 1

    for turn in range(60):
        tasks = [asyncio.create_task(look(number)) for number in range(10)]
        for _ in range(turn % 12):
            await asyncio.sleep(0)
        for task in tasks[::2]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    assert seen[True] >= 300
    assert seen[False] == 0
    await store.aclose()


def test_promise_1_a_thread_that_is_torn_away_leaves_no_answer_behind_for_others(server, drive):
    # As gevent does it: the exception comes out of the wait for the answer.
    class Torn(BaseException):
        pass

    driver = drive(LiveGround(server.url), "blocking", timeout=10)
    for number in range(2):
        driver.put(f"token-{number}", *user(number))

    def be_torn() -> None:
        with suppress(Torn):
            driver.peek(*user(0))

    connections = driver.store._connections().of_threads._stack
    assert len(connections) == 1
    torn = threading.Thread(target=be_torn)
    with server.paused():
        torn.start()
        until(lambda: not connections)
        thread = ctypes.c_ulong(torn.ident)
        assert ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, ctypes.py_object(Torn)) == 1
    torn.join()
    assert driver.peek(*user(1)) == "token-1"
    assert driver.peek(*user(0)) == "token-0"


def test_a_crowd_of_threads_shares_a_few_connections(server, drive):
    driver = drive(LiveGround(server.url), "blocking")
    before = len(server.admin.client_list(_type="normal"))
    driver.put("t")
    start, seen = threading.Barrier(50), []

    def look() -> None:
        start.wait()
        seen.append(driver.peek())

    threads = [threading.Thread(target=look) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == ["t"] * 50
    assert len(server.admin.client_list(_type="normal")) - before <= CONNECTION_LIMITS["peek"]


# -- time


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
"""Six book, all come late, are sent through the gate one by one, and come again."""

requests = st.tuples(
    st.sampled_from([0.0, 0.001, 0.01, 0.034, 0.2, 2.5]),
    st.sampled_from([*Priority, "hold"]),
    st.sampled_from([0.0, 0.05, 1.0, 60.0]),
    st.integers(0, 12),
)


@pytest.mark.parametrize("form", ["blocking"])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(requests, max_size=25))
@example(LATE)
def test_promise_8_the_budget_in_lua_is_the_budget_in_python(timed, form, asked):
    emptied(timed.ground.server)
    budget, tickets = Budget(), [None]
    for later, kind, patience, which in asked:
        timed.advance(later)
        now = timed.ground.server.time()
        if kind == "hold":
            timed.run(timed.ops.hold(patience))
            budget = budget.hold(now, patience)
            continue
        ticket = tickets[which % len(tickets)]
        budget, expected = budget.admit(now, 30, kind, ticket, patience)
        assert timed.run(timed.ops.admit(kind, ticket, patience=patience)) == expected
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
        self.leases: list[Lease] = []
        self.fingerprints: list[str] = []
        self.taken: list[Any] = []

    def tell(self, what: str, *how: Any) -> Any:
        """Do a step and return what it came to, in words that are the same for every store."""
        driver = self.driver
        match what, how:
            case "claim", (slot, principal, owner, min_life):
                claim = driver.claim(slot, principal, owner=owner, min_life=min_life)
                if isinstance(claim, Claimed):
                    self.leases.append(claim.lease)
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
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(steps, min_size=20, max_size=60))
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


def test_nothing_stays_for_ever(timed):
    server = timed.ground.server
    for number in range(5):
        timed.put(f"token-{number}", *user(number), life=100)
        timed.put(f"newer-{number}", *user(number), life=100)
    timed.run(timed.ops.end_session(user(0)[1]))
    timed.run(timed.ops.end_user("user-1"))
    timed.run(timed.ops.abandon(timed.lease(slot=ABROAD), Cooldown(30, "x", "y", everyone=True)))
    timed.run(timed.ops.admit(Priority.USER, None, patience=1))
    lasting = [key for key in server.content() if server.admin.ttl(key) < 0]
    assert all(key.endswith((b":key", b":envelope}", b":accounts")) for key in lasting)
    assert len(lasting) <= 2 + SHARDS
    timed.advance(100 + GRACE + 60)  # nobody has drained
    kinds = {re.sub(rb"\{[^}]*\}:?", b"", key).split(b":")[0] for key in server.content()}
    assert kinds == {
        b"",
        b"accounts",
        b"key",
        b"known",
        b"ended",
        b"user",
        b"users",
    }  # of those who logged out, `before` is left
    timed.advance(14 * 24 * 3600 + 2 * LEEWAY)
    assert sorted(server.content()) == sorted(lasting)


def test_a_user_who_comes_again_and_again_leaves_no_trail(tmp_path, form, drive):
    timed = drive(RedisGround(tmp_path), form, session_memory=3600)
    server = timed.ground.server
    for visit in range(50):
        principal = Principal("alice", session_id=f"session-{visit}")
        slot = Slot("alice", None, principal.session_id)
        timed.put(f"token-{visit}", slot, principal, life=1800)
        if visit % 2:
            timed.run(timed.ops.end_session(principal))
        else:
            renewal = timed.lease(slot=slot, principal=principal, min_life=1e9)
            timed.run(timed.ops.abandon(renewal, Cooldown(9, "x", "y")))
        timed.pending()
        timed.advance(600)
    content = {re.sub(rb"\{.*\}:(\w+).*", rb"\1", key): value for key, value in server.content().items()}
    assert len(content[b"user"]) <= 2 * 4
    assert len(content[b"known"]) + len(content[b"ended"]) <= 8
    assert len(content[b"queue"]) <= 3


# -- what can be read in it


def test_promise_9_nothing_in_redis_tells_who_or_what(server, form, drive):
    driver = drive(LiveGround(server.url), form)
    driver.put("the-token")
    driver.put("the-second-token")
    driver.put("of-one-session", slot=Slot("alice", "abroad", "alice-1"))
    driver.run(
        driver.ops.abandon(
            driver.lease(slot=BOBS, principal=BOB), Cooldown(30, "x", "what Monite said of bob")
        )
    )
    driver.run(
        driver.ops.abandon(driver.lease(min_life=1e9), Cooldown(30, "x", "what it told all", everyone=True))
    )
    driver.run(driver.ops.put_note("alice", "link:abroad", "who-alice-is", seconds=60))
    fingerprint = driver.token("the-token").fingerprint
    before = str(server.content())
    driver.run(driver.ops.end_session(ALICE))
    driver.run(driver.ops.end_user("bob"))
    everything = before + str(server.content())
    assert ":pending" in everything
    told = [
        "alice",
        "bob",
        "token",
        "abroad",
        "of-one",
        "said",
        "told",
        "link",
        "who-",
        fingerprint,
        KEY.reveal(),
    ]
    assert [each for each in [*told, PERSON.entity_id, PERSON.entity_user_id] if each in everything] == []


def test_promise_1_a_token_that_was_moved_to_another_user_does_not_open(driver, server, caplog):
    driver.put("alices")
    driver.put("bobs", slot=BOBS, principal=BOB)
    users = [key for key in server.content() if b":user:" in key]
    (one, alices), (other, bobs) = ((key, server.admin.hgetall(key)) for key in users)
    server.admin.hset(one, *alices, *bobs.values())
    server.admin.hset(other, *bobs, *alices.values())
    assert driver.peek() is None
    assert isinstance(driver.claim(slot=BOBS, principal=BOB), Claimed)
    assert caplog.text.count("changed or moved") == 2
    driver.put("new")
    assert driver.peek() == "new"


def test_promise_1_a_note_that_was_moved_to_another_user_does_not_open(driver, server, caplog):
    for name in ("alice", "bob"):
        driver.run(driver.ops.put_note(name, "link", f"{name}'s", seconds=60))
    users = [key for key in server.content() if b":user:" in key]
    (one, alices), (other, bobs) = ((key, server.admin.hgetall(key)) for key in users)
    server.admin.hset(one, *alices, *bobs.values())
    server.admin.hset(other, *bobs, *alices.values())
    assert [driver.run(driver.ops.get_note(name, "link")) for name in ("alice", "bob")] == [None, None]
    assert "changed or moved" in caplog.text


def test_notes_are_swept_and_their_user_goes_with_the_last(timed):
    server = timed.ground.server
    for number in range(50):
        timed.run(timed.ops.put_note("alice", f"link:{number}", "x", seconds=100))
        timed.advance(50)
    (user,) = (key for key in server.content() if b":user:" in key)
    assert server.admin.hlen(user) == 2
    timed.advance(100 + GRACE + 60)
    assert not any(b":user:" in key for key in server.content())


def test_a_pending_revocation_that_was_changed_is_thrown_away(driver, server, caplog):
    driver.end("one", "two")
    (pending,) = (key for key in server.content() if key.endswith(b":pending"))
    name, record = next(iter(server.admin.hgetall(pending).items()))
    server.admin.hset(pending, name, record[:-1] + bytes([record[-1] ^ 1]))
    assert len(driver.pending()) == 1
    assert "thrown away" in caplog.text
    assert server.admin.hlen(pending) == 1


def test_a_key_can_be_changed_without_losing_anything(server, form, drive):
    ground = LiveGround(server.url)
    drive(ground, form, keys=[KEY]).put("t")
    both = drive(ground, form, keys=[OTHER_KEY, KEY])
    assert both.peek() == "t"
    new = drive(ground, form, keys=[OTHER_KEY])
    assert new.peek() == "t"
    new.end("u")
    assert both.pending() == ["t", "u"]  # it runs on with the data key of before, and is told
    for key in (KEY, THIRD_KEY):
        with pytest.raises(ConfigurationError, match="MONITE_STORE_KEYS"):
            drive(ground, form, keys=[key]).peek()


def test_keys_that_change_while_a_process_runs_are_asked_for_again(timed, form, drive):
    keys = [KEY]
    driver = drive(timed.ground, form, keys=lambda: tuple(keys))
    driver.put("t")
    keys[:] = [OTHER_KEY, KEY]
    with pytest.raises(ConfigurationError):
        drive(timed.ground, form, keys=[OTHER_KEY]).peek()
    driver.advance(60)
    assert driver.peek() == "t"
    assert drive(timed.ground, form, keys=[OTHER_KEY]).peek() == "t"
    assert driver.peek() == "t"


def test_keys_that_change_while_they_are_being_used_are_asked_for_again(server, form, drive):
    ground, changing, driver = LiveGround(server.url), [], None

    def keys():
        if changing:
            driver.store.reopen()  # as another thread does, just after these were read
            return (KEY,)
        return (OTHER_KEY, KEY)

    driver = drive(ground, form, keys=keys)
    changing.append(True)
    driver.put("t")
    changing.clear()
    assert driver.peek() == "t"
    assert drive(ground, form, keys=[OTHER_KEY]).peek() == "t"


def test_a_key_that_was_taken_out_opens_nothing_that_is_sealed_later(server, form, drive):
    ground = LiveGround(server.url)
    drive(ground, form, keys=[KEY]).put("before")
    stolen = drive(ground, form, keys=[KEY])
    assert stolen.peek() == "before"
    old_seal = stolen.store._keys._vault._seal
    drive(ground, form, keys=[OTHER_KEY, KEY]).peek()
    new = drive(ground, form, keys=[OTHER_KEY])
    new.put("after", *user(1))
    assert new.peek() == "before"
    record = server.admin.hgetall(
        next(
            key
            for key in server.content()
            if b":user:" in key and new.store._keys._vault.user(user(1)[0].user).encode() in key
        )
    )
    (token,) = (value for field, value in record.items() if field.startswith(b"t"))
    with pytest.raises(SealBroken):
        old_seal.open_token(
            token[TIMES.size + NAME + LEASE :],
            new.store._keys._vault.place(user(1)[0]),
            token[24:46].decode(),
        )


@pytest.mark.parametrize("key", [KEY, OTHER_KEY])
def test_a_new_account_whose_keys_open_another_one_is_asked_about_the_pair(server, drive, caplog, key):
    ground = LiveGround(server.url)
    for account in ("first", "first", "new", "new"):
        drive(ground, "blocking", account=account, keys=[KEY if account == "first" else key]).peek()
    said = [each for each in caplog.records if "set MONITE_ACCOUNT" in each.getMessage()]
    assert len(said) == (1 if key is KEY else 0)


def test_workers_of_all_configurations_work_side_by_side_while_a_key_is_changed(server, form, drive):
    ground = LiveGround(server.url)
    old = drive(ground, form, keys=[KEY])
    old.put("token-0", *user(0))
    both = drive(ground, form, keys=[OTHER_KEY, KEY])
    both.put("token-1", *user(1))
    # A worker of the old configuration that starts now takes nothing out.
    late = drive(ground, form, keys=[KEY])
    assert late.peek(*user(1)) == "token-1"
    new = drive(ground, form, keys=[OTHER_KEY])
    for number, driver in enumerate((new, both, new, both), start=2):
        driver.put(f"token-{number}", *user(number))
        for each in (new, both):
            for known in range(number + 1):
                assert each.peek(*user(known)) == f"token-{known}"
    both.run(both.ops.end_user("user-0"))
    assert new.pending() == ["token-0"]


def test_what_is_there_from_before_accounts_belongs_to_the_first_that_opens_it(server, form, drive):
    ground = LiveGround(server.url)
    first = drive(ground, form, account="first")
    first.put("t")
    for key in server.content():  # as an older version has left it: with the prefix alone
        older = re.sub(rb"\{monite:[\w-]{22}:", b"{monite:", key)
        server.admin.rename(key, older)
    other = drive(ground, form, account="other", keys=[OTHER_KEY])
    assert other.peek() is None
    again = drive(ground, form, account="again")
    assert again.peek() == "t"
    late = drive(ground, form, account="late")
    assert late.peek() is None
    late.put("u")
    assert (again.peek(), late.peek()) == ("t", "u")
    again.run(again.ops.end_session(ALICE))
    assert (again.pending(), late.pending()) == (["t"], [])


def test_two_stores_can_share_a_server(server, form, drive):
    ground = LiveGround(server.url)
    one, other = drive(ground, form), drive(ground, form, prefix="other", keys=[OTHER_KEY])
    one.put("t")
    assert other.peek() is None
    other.put("u")
    other.run(other.ops.hold(60))
    assert one.peek() == "t"
    assert one.run(one.ops.admit(Priority.USER, None, patience=1)).wait == 0


def test_what_is_settled_leaves_nothing_behind(driver, server):
    driver.end("t")
    (pending,) = driver.run(driver.ops.due(9, seconds=30)).batch
    driver.run(driver.ops.settle(pending))
    assert driver.run(driver.ops.due(9, seconds=30)).next_in is None
    assert not [key for key in server.content() if key.endswith((b":queue", b":pending"))]


# -- answers that got lost


def test_a_commit_that_is_said_twice_stores_once_and_revokes_nothing(driver):
    lease, token = driver.lease(), driver.token("t")
    assert driver.run(driver.ops.commit(lease, token)) is Committed.STORED
    assert driver.run(driver.ops.commit(lease, token)) is Committed.STORED
    assert driver.pending() == []
    driver.put("newer")
    assert driver.run(driver.ops.commit(lease, token)) is Committed.STORED
    assert driver.peek() == "newer"


@pytest.mark.parametrize("was_discarded", [False, True])
def test_promise_5_a_stored_token_that_comes_under_a_void_lease_is_revoked_and_not_handed_out(
    driver, was_discarded
):
    token = driver.token("t")  # as the fallback brings it, which could not know that it was stored
    assert driver.run(driver.ops.commit(driver.lease(), token)) is Committed.STORED
    if was_discarded:
        driver.run(driver.ops.discard(HOME, token.fingerprint))
    assert driver.run(driver.ops.commit(Lease(HOME, "void"), token)) is Committed.FENCED
    assert driver.peek() is None
    assert driver.pending() == ["t"]
    assert driver.run(driver.ops.end_session(ALICE)) == 0


def test_promise_5_a_commit_said_again_after_a_logout_brings_nothing_back(driver):
    lease, token = driver.lease(), driver.token("t")
    assert driver.run(driver.ops.commit(lease, token)) is Committed.STORED
    driver.run(driver.ops.end_session(ALICE))
    assert driver.run(driver.ops.commit(lease, token)) is Committed.FENCED
    assert driver.peek(principal=Principal("alice")) is None
    assert driver.pending() == ["t"]


def test_promise_5_a_fenced_commit_said_twice_is_pending_once(driver):
    lease, token = driver.lease(), driver.token("t")
    driver.run(driver.ops.end_session(ALICE))
    assert driver.run(driver.ops.commit(lease, token)) is Committed.FENCED
    assert driver.run(driver.ops.commit(lease, token)) is Committed.FENCED
    assert driver.pending() == ["t"]


@pytest.mark.parametrize("place", ["server", "cluster"])
def test_a_connection_that_was_cut_while_idle_is_nobodys_trouble(place, request, form, drive):
    found = request.getfixturevalue(place)
    driver = drive(LiveGround(found.url), form)
    driver.put("t")
    for _ in range(3):
        for node in getattr(found, "nodes", [found]):
            node.admin.client_kill_filter(_type="normal")
        assert driver.peek() == "t"


# -- scripts


def test_scripts_are_shown_again_to_a_server_that_forgot_them(driver, server):
    driver.put("t")
    server.admin.script_flush()
    assert driver.peek() == "t"
    server.admin.script_flush()
    do_everything(driver)


def test_only_what_lua_needs_is_sent():
    assert all(script.source.startswith("#!lua") for name, script in SCRIPTS.items() if name != "info")
    assert max(len(script.source) for script in SCRIPTS.values()) < 8000


# -- servers that fail


@pytest.mark.parametrize("form", FORMS)
def test_promise_6_a_pending_revocation_survives_a_crash_of_redis(form, drive):
    with RedisServer("--appendonly", "yes", "--appendfsync", "always") as server:
        driver = drive(LiveGround(server.url), form)
        driver.end("t")
        driver.put("live")
        driver.run(driver.ops.end_session(BOB))
        server.kill()
        for operation in (
            driver.ops.peek(HOME, ALICE),
            driver.ops.end_session(ALICE),
            driver.ops.due(1, seconds=1),
            driver.ops.admit(Priority.USER, None, patience=1),
        ):
            with pytest.raises(StoreUnavailable, match="cannot be reached") as caught:
                driver.run(operation)
            assert caught.value.__cause__ is caught.value.__context__ is None
        server.start()
        assert driver.peek() == "live"
        assert driver.has_ended(BOB, slot=BOBS)
        assert driver.pending() == ["t"]


@pytest.mark.parametrize("form", FORMS)
def test_a_server_that_hangs_costs_a_caller_the_timeout_and_no_more(form, server, drive):
    ground = LiveGround(server.url)
    driver, newcomer = drive(ground, form, timeout=0.4), drive(ground, form, timeout=0.4)
    driver.put("t")
    with server.paused():
        for each in (driver, newcomer, driver):
            started = time.monotonic()
            with pytest.raises(StoreUnavailable, match=r"did not answer within 0\.4 s"):
                each.peek()
            assert 0.3 < time.monotonic() - started < 0.8
    until(lambda: works(driver))
    assert driver.peek() == "t"


def test_a_server_that_hangs_holds_up_many_tasks_no_longer_than_one(server, drive):
    store = LiveGround(server.url).open(timeout=0.4)
    ops = store.operations(blocking=False)

    async def main() -> None:
        await asyncio.gather(*(ops.peek(HOME, ALICE) for _ in range(100)))
        with server.paused():
            started = time.monotonic()
            ended = await asyncio.gather(*(ops.peek(HOME, ALICE) for _ in range(200)), return_exceptions=True)
            assert {type(each) for each in ended} == {StoreUnavailable}
            assert time.monotonic() - started < 1.0
        for _ in range(3):
            await ops.peek(HOME, ALICE)
        assert len(server.admin.client_list(_type="normal")) < 60

    asyncio.run(main())


def test_a_store_that_was_emptied_begins_anew_and_all_processes_agree(server, form, drive, caplog):
    ground = LiveGround(server.url)
    one, other = drive(ground, form), drive(ground, form)
    one.put("old")
    one.put("bobs", slot=BOBS, principal=BOB)
    assert other.peek() == "old"
    server.admin.flushall()
    assert one.peek() is None
    one.put("new")
    assert other.peek() == "new"  # though it had the old data key
    third = drive(ground, form)
    third.run(third.ops.end_session(ALICE))
    assert one.has_ended(ALICE)
    assert other.peek() is None
    assert other.pending() == ["new"]
    assert one.peek(BOBS, BOB) is None
    assert caplog.text.count("has lost the data of the token store") == 2


def test_a_drainer_is_told_too_when_the_store_was_emptied(server, form, drive):
    ground = LiveGround(server.url)
    one, other = drive(ground, form), drive(ground, form)
    one.end("old")
    server.admin.flushall()
    other.end("new")
    assert one.pending() == ["new"]


def test_what_was_sealed_with_a_lost_data_key_is_let_alone(server, form, drive):
    driver = drive(LiveGround(server.url), form)
    driver.end("lost")
    # As a server would that drops keys when its memory is full.
    server.admin.delete(driver.store._keys._own.envelope)
    newcomer = drive(LiveGround(server.url), form)
    newcomer.end("kept")
    (kept,) = newcomer.run(newcomer.ops.due(9, seconds=1)).batch
    assert kept.token == Secret("kept")
    newcomer.run(newcomer.ops.settle(kept))
    assert newcomer.run(newcomer.ops.due(9, seconds=1)).next_in > 30
    assert driver.peek() is None
    newcomer.put("new")
    assert driver.peek() == "new"


def test_promise_5_a_replica_is_not_asked_though_it_would_answer(driver, server):
    driver.put("t")
    server.admin.replicaof("127.0.0.1", 1)
    server.admin.config_set("replica-serve-stale-data", "yes")
    try:
        with pytest.raises(StoreUnavailable):
            driver.peek()
    finally:
        server.admin.replicaof("NO", "ONE")
    assert driver.peek() == "t"


def test_promise_5_a_logout_works_when_the_memory_is_full(driver, server):
    driver.put("t")
    server.admin.config_set("maxmemory", 1)
    try:
        assert driver.peek() == "t"
        with pytest.raises(StoreUnavailable, match="refuses to work: .*memory"):
            driver.claim(slot=BOBS, principal=BOB)
        assert driver.run(driver.ops.end_session(ALICE)) == 1
        assert driver.pending() == ["t"]
    finally:
        server.admin.config_set("maxmemory", 0)


# -- sentinels, clusters, TLS, users


@pytest.mark.timeout(60)
def test_a_failover_is_survived(drive):
    with WatchedPair() as pair:
        drivers = [drive(LiveGround(pair.url), form, timeout=0.5) for form in FORMS]
        drivers[0].end("pending")
        drivers[0].put("t")
        assert drivers[1].peek() == "t"
        pair.primary.admin.set("a write of this connection", "is what the next line waits for")
        assert pair.primary.admin.wait(1, 5000) == 1
        pair.primary.kill()
        for driver in drivers:
            with pytest.raises(StoreUnavailable):
                driver.peek()
        pair.wait_for_failover()
        for driver in drivers:
            until(lambda driver=driver: works(driver))
            assert driver.peek() == "t"
        assert drivers[1].pending() == ["pending"]
        do_everything(drivers[1])
        assert drivers[0].has_ended(Principal("carol", session_id="carol-1"), slot=Slot("carol", None, None))


@pytest.mark.parametrize("form", FORMS)
def test_a_cluster_serves_users_of_all_its_nodes(cluster, form, drive):
    driver = drive(LiveGround(cluster.url), form)
    for number in range(60):
        driver.put(f"token-{number:02}", *user(number))
    assert all(node.admin.dbsize() > 10 for node in cluster.nodes)
    assert [driver.peek(*user(number)) for number in range(60)] == [
        f"token-{number:02}" for number in range(60)
    ]
    for number in range(30):
        assert driver.run(driver.ops.end_user(f"user-{number}")) == 1
    due = driver.run(driver.ops.due(10, seconds=60))
    assert len(due.batch) == 10
    for each in due.batch:
        driver.run(driver.ops.settle(each))
    assert len(driver.pending()) == 20
    assert driver.run(driver.ops.due(10, seconds=60)).next_in == pytest.approx(60, abs=5)
    driver.run(
        driver.ops.abandon(
            driver.lease(slot=PARTNER_SLOT, principal=PARTNER), Cooldown(1, "x", "y", everyone=True)
        )
    )
    assert all(isinstance(driver.claim(*user(number), min_life=1e9), CoolingDown) for number in range(30, 60))


@pytest.mark.parametrize("form", FORMS)
def test_every_operation_works_in_a_cluster(cluster, form, drive):
    do_everything(drive(LiveGround(cluster.url), form))


@pytest.mark.parametrize("form", FORMS)
def test_a_node_that_hangs_leaves_the_users_of_others_alone(cluster, form, drive):
    ground = LiveGround(cluster.url)
    driver = drive(ground, form, timeout=0.4)
    for number in range(40):
        driver.put(f"token-{number}", *user(number))
    driver.run(driver.ops.admit(Priority.USER, None, patience=9))
    waited, fine = [], 0
    with cluster.nodes[1].paused():
        for number in range(40):
            started = time.monotonic()
            try:
                fine += driver.peek(*user(number)) == f"token-{number}"
            except StoreUnavailable:
                waited.append(time.monotonic() - started)
            if len(waited) >= 2 and fine >= 2:
                break
    assert fine >= 2
    assert len(waited) >= 2
    assert max(waited) < 1.0
    until(lambda: all(cluster._is_whole(node) for node in cluster.nodes))
    until(lambda: works(driver))
    patient = drive(ground, form)  # a timeout that tells a hang soon is too short for a busy machine
    assert all(patient.peek(*user(number)) == f"token-{number}" for number in range(40))


@pytest.mark.parametrize("form", FORMS)
def test_tls_is_spoken_and_certificates_are_checked(form, drive):
    with RedisServer(tls=True) as server:
        do_everything(drive(LiveGround(server.url), form))
        stranger = drive(LiveGround(server.url.partition("?")[0]), form)
        with pytest.raises(StoreUnavailable, match="(?i)certificate"):
            stranger.peek()


@pytest.mark.parametrize("kind", [RedisCluster, WatchedPair])
def test_tls_is_spoken_with_clusters_and_sentinels_too(kind, drive):
    with kind(tls=True) as servers:
        for form in FORMS:
            driver = drive(LiveGround(servers.url), form)
            assert "rediss+" in repr(driver.store)
            do_everything(driver)
            for node in servers.nodes if kind is RedisCluster else [servers.primary]:
                node.admin.flushall()


def documented_rights():
    (rights,) = re.findall(
        r"^ +(~\{monite.*?)\n\n", str(monite_auth.stores.redis.__doc__), re.MULTILINE | re.DOTALL
    )
    return rights.split()


@pytest.mark.parametrize("place", ["server", "cluster"])
def test_the_rights_that_the_docs_name_are_enough_and_none_too_many(place, request, drive):
    found = request.getfixturevalue(place)
    nodes = getattr(found, "nodes", [found])
    rights = documented_rights()
    more = ["+cluster|slots", "+cluster|shards", "+command"] if place == "cluster" else []
    for node in nodes:
        node.admin.execute_command("ACL SETUSER", "app", "reset", "on", f">{PASSWORD}", *rights, *more)
        node.admin.config_resetstat()
    for form in FORMS:
        driver = drive(LiveGround(found.url.replace("://", f"://app:{PASSWORD}@")), form)
        do_everything(driver)
        for node in nodes:
            node.admin.script_flush()
        driver.put("t", *user(1))
        for node in nodes:
            node.admin.flushall()
    used = {command for node in nodes for command in node.calls()}
    assert {right.removeprefix("+") for right in rights if right.startswith("+")} <= used
    for node in nodes:
        node.admin.acl_deluser("app")


@pytest.mark.parametrize("form", FORMS)
def test_a_refused_user_is_told_without_the_password(server, form, drive):
    server.admin.execute_command("ACL SETUSER", "app", "reset", "on", f">{PASSWORD}", *documented_rights())
    url = server.url.replace("://", "://app:%s@")
    right, wrong = drive(LiveGround(url % PASSWORD), form), drive(LiveGround(url % f"not-{PASSWORD}"), form)
    nobody = drive(LiveGround(server.url.replace("://", "://:%s@" % PASSWORD)), form)
    right.put("t")
    for driver in (wrong, nobody):
        with pytest.raises(ConfigurationError, match="user name and password in MONITE_STORE_URL") as caught:
            driver.peek()
        assert PASSWORD not in str(caught.value)
        assert PASSWORD not in repr(driver.store)
    server.admin.execute_command("ACL SETUSER", "app", "resetpass", ">changed")
    server.admin.client_kill_filter(_type="normal")
    with pytest.raises(StoreUnavailable, match="refuses this user"):
        right.peek()
    server.admin.acl_deluser("app")


# -- what is said at the start


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "Set appendonly yes"),
        (["--appendonly", "yes", "--appendfsync", "no"], "Set appendfsync always"),
        (["--appendonly", "yes"], None),
        (["--appendonly", "yes", "--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"], "noeviction"),
        (["--appendonly", "yes", "--maxmemory", "100mb", "--maxmemory-policy", "volatile-ttl"], "noeviction"),
    ],
)
def test_a_server_that_could_lose_revocations_is_named_once(options, said, drive, caplog):
    caplog.set_level(logging.WARNING)
    with RedisServer(*options) as server:
        driver = drive(LiveGround(server.url), "blocking")
        for _ in range(3):
            driver.peek()
        asyncio.run(driver.store.operations(blocking=False).peek(HOME, ALICE))
        assert len(caplog.records) == (said is not None)
        assert (said or "") in caplog.text
        assert f"127.0.0.1:{server.port}" in caplog.text or said is None


def test_an_old_server_is_named():
    with pytest.raises(ConfigurationError, match=r"is 6\.2\.14: the store needs Redis 7\.0"):
        check_version({"redis_version": "6.2.14"}, "there")
    check_version({"redis_version": "7.2.4", "valkey_version": "9.0.0"}, "there")
    check_version({}, "there")


# -- addresses


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://redis.example", "redis://redis.example:6379"),
        (f"rediss://me:{PASSWORD}@10.0.0.1:7000/3?ssl_cert_reqs=none", "rediss://10.0.0.1:7000"),
        ("redis://[::1]:7000", "redis://::1:7000"),
        (
            f"redis+sentinel://me:{PASSWORD}@a,b:1/tokens/2?sentinel_password={PASSWORD}",
            "redis+sentinel://a:26379,b:1/tokens",
        ),
        (f"rediss+cluster://:{PASSWORD}@a:1,b", "rediss+cluster://a:1,b:6379"),
        (f"redis://me:{PASSWORD.replace('-', '%2D')}@h", "redis://h:6379"),
    ],
)
def test_promise_9_an_address_is_shown_without_its_password(url, shown):
    store = RedisStore(Secret(url), keys=[KEY])
    assert repr(store) == f"<RedisStore at {shown}>"
    assert PASSWORD not in repr(vars(store))


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("http://h", "no URL of a Redis server"),
        ("redis+magic://h", "no URL of a Redis server"),
        (f"redis://me:{PASSWORD}@/0", "no URL of a Redis server"),
        (f"redis://me:{PASSWORD}@h:port", "no URL of a Redis server"),
        (f"redis://me:{PASSWORD}@h/zero", "no URL of a Redis server"),
        (f"redis://me:{PASSWORD}@a,b", "several hosts"),
        (f"redis+sentinel://me:{PASSWORD}@a,b", "which service"),
        (f"redis+cluster://me:{PASSWORD}@a,b/3", "only one"),
        (f"redis://me:{PASSWORD}@h?magic=1", "option that redis-py does not take here .of: magic"),
        (f"redis://me:{PASSWORD}@h?health_check_interval=often", "no URL of a Redis server"),
    ],
)
def test_promise_9_an_address_that_is_wrong_is_told_without_its_password(url, problem):
    with pytest.raises(ConfigurationError, match=problem) as caught:
        RedisStore(url, keys=[KEY])
    assert PASSWORD not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_store_without_a_key_or_with_a_prefix_that_would_not_do_is_refused():
    with pytest.raises(ConfigurationError, match="needs a key to seal with"):
        RedisStore("redis://h", keys=[])
    with pytest.raises(ConfigurationError, match="without braces"):
        RedisStore("redis://h", keys=[KEY], prefix="{x}")


def test_without_redis_py_the_extra_is_named():
    code = "import sys; sys.modules['redis'] = None\nimport monite_auth.stores.redis"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "pip install 'monite-auth[redis]'" in ended.stderr.splitlines()[-1]


# -- lives


def test_connections_close_with_the_store_and_with_the_loop_and_open_again(server, drive):
    def connected() -> int:
        return len(
            [each for each in server.admin.client_list(_type="normal") if each["addr"].count("127.0.0.1")]
        )

    driver = drive(LiveGround(server.url), "blocking")
    before = connected()
    driver.put("t")
    assert connected() == before + 1
    driver.store.close()
    until(lambda: connected() == before)
    assert driver.peek() == "t"
    driver.store.close()
    for _ in range(2):
        asyncio.run(driver.store.operations(blocking=False).peek(HOME, ALICE))
    until(lambda: connected() == before)

    async def main() -> None:
        ops = driver.store.operations(blocking=False)
        await ops.peek(HOME, ALICE)
        await driver.store.aclose()
        await ops.peek(HOME, ALICE)

    asyncio.run(main())
    until(lambda: connected() == before)


def test_an_event_loop_that_has_ended_is_not_kept(server):
    store = LiveGround(server.url).open()

    async def main() -> None:
        ops = store.operations(blocking=False)
        await asyncio.gather(*(ops.peek(HOME, ALICE) for _ in range(100)))

    for _ in range(3):
        asyncio.run(main())
    until(lambda: gc.collect() >= 0 and not store._connections()._by_loop)


FORK = """
import asyncio, os, sys
from tests.forking import FORKS
from monite_auth import MemoryStore, Principal, Secret
from monite_auth.engine.runtime import run
from monite_auth.stores import Slot
from monite_auth.stores.redis import RedisStore

store = RedisStore(sys.argv[1], keys=[Secret(sys.argv[2])])
alice, home = Principal("alice", session_id="alice-1"), Slot("alice", None, None)

def look():
    return run(store.operations(blocking=True).peek(home, alice)).value.reveal()

async def main():
    ops = store.operations(blocking=False)
    assert (await ops.peek(home, alice)).value.reveal() == look() == "t"
    child = FORKS[sys.argv[3]]()
    if child == 0:
        os._exit(0 if [look() for _ in range(50)] == ["t"] * 50 else 1)
    found = [(await ops.peek(home, alice)).value.reveal() + look() for _ in range(50)]
    assert found == ["tt"] * 50
    assert os.waitpid(child, 0)[1] == 0

asyncio.run(main())
"""


@pytest.mark.parametrize("how", FORKS)
def test_a_forked_child_has_connections_of_its_own(server, drive, how):
    drive(LiveGround(server.url), "blocking").put("t")
    ended = subprocess.run(
        [sys.executable, "-c", FORK, server.url, KEY.reveal(), how],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr.replace("\n", "")[:500]) == (
        0,
        ended.stderr.replace("\n", "")[:500],
    )


RACE = """
import json, sys
from monite_auth import MemoryStore, Principal, Secret
from monite_auth.engine.runtime import run
from monite_auth.identity import PARTNER
from monite_auth.stores import Slot
from monite_auth.stores.redis import RedisStore

url, key, owner = sys.argv[1:]
ops = RedisStore(url, keys=[Secret(key)]).operations(blocking=True)
print("ready", flush=True)
sys.stdin.readline()
claims = [
    type(run(ops.claim(Slot(f"user-{n}", None, None), PARTNER, owner=owner, seconds=60, min_life=0))).__name__
    for n in range(50)
]
taken = []
while batch := run(ops.due(3, seconds=60)).batch:
    taken += [pending.token.reveal() for pending in batch]
print(json.dumps([claims, taken]))
"""


def test_promise_2_and_6_eight_processes_share_out_claims_and_revocations(server, drive):
    driver = drive(LiveGround(server.url), "blocking")
    for number in range(60):
        driver.put(f"token-{number}", *user(number + 100))
        driver.run(driver.ops.end_user(f"user-{number + 100}"))
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", RACE, server.url, KEY.reveal(), f"owner-{number}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(8)
    ]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    results = [json.loads(process.communicate(timeout=30)[0]) for process in processes]
    for number in range(50):
        assert Counter(claims[number] for claims, _ in results) == {"Claimed": 1, "Busy": 7}
    assert sorted(each for _, taken in results for each in taken) == sorted(f"token-{n}" for n in range(60))
