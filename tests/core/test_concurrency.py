"""The promises under real threads, tasks and processes, against the emulator over real connections."""

import asyncio
import contextlib
import random
import threading
import time
import uuid
from dataclasses import replace

import pytest

from benchmarks.admissions import RecordingStore, booked_out_of_turn, most_within
from monite_auth import EntityUser, MemoryStore, Principal, TokenBroker, errors
from monite_auth.emulator import ANNA_ID, BAKERY_ID, Fault, Monite
from monite_auth.stores.window import JITTER
from tests.untidy import untidy
from tests.waiting import PATIENCE, auntil, threads_waiting, until

ANNA = Principal("anna", session_id="anna-1")
ANNA_ELSEWHERE = Principal("anna", session_id="anna-2")


@pytest.fixture
def emulated(emulated):
    """Settings with which no mint is given up, and made again, where a busy machine answers late."""
    return replace(emulated, deadline=100, lease=100, connect_timeout=100, read_timeout=100)


def in_threads(*calls):
    """Run the calls at the same moment, and return what each returned or raised."""
    results = [None] * len(calls)
    start = threading.Barrier(len(calls))

    def work(index, call):
        start.wait()
        try:
            results[index] = call()
        except Exception as error:  # noqa: BLE001 - it is the result
            results[index] = error

    threads = [threading.Thread(target=work, args=each) for each in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def hire(monite: Monite, number: int) -> dict[str, EntityUser]:
    """Add entity users to the emulator and return them by the partner's user ids."""
    anna = monite.directory.users.get(ANNA_ID)
    assert anna is not None
    people = {}
    for index in range(number):
        entity_user_id = str(uuid.UUID(int=index + 1, version=4))
        monite.directory.users.add(
            entity_user_id,
            {
                "login": f"user-{index}",
                "role_id": anna.role_id,
                "first_name": f"User {index}",
                "status": "active",
            },
            entity_id=BAKERY_ID,
        )
        people[f"user-{index}"] = EntityUser(entity_user_id, BAKERY_ID)
    return people


# -- 2. One mint


def test_promise_2_200_threads_and_200_tasks_on_one_cold_slot_mint_once(broker, emulator):
    emulator.monite.faults.add(Fault(kind="latency", path="/auth/token", seconds=0.1))

    async def tasks():
        tokens = await asyncio.gather(*(broker.atoken(ANNA) for _ in range(200)))
        await broker.aclose()
        return tokens

    *single, many = in_threads(*[lambda: broker.token(ANNA)] * 200, lambda: asyncio.run(tasks()))
    assert len({token.fingerprint for token in [*single, *many]}) == 1
    assert len(emulator.monite.ledger.tokens) == 1


def test_promise_2_many_event_loops_share_one_mint(broker, emulator):
    emulator.monite.faults.add(Fault(kind="latency", path="/auth/token", seconds=0.1))

    async def one():
        token = await broker.atoken(ANNA)
        await broker.aclose()
        return token

    tokens = in_threads(*[lambda: asyncio.run(one())] * 20)
    assert len({token.fingerprint for token in tokens}) == 1
    assert len(emulator.monite.ledger.tokens) == 1


def test_promise_2_renewals_and_min_ttl_meet_in_one_mint(broker, emulator, emulated):
    now = [2_000_000_000.0]
    with TokenBroker(emulated, {"anna": EntityUser(ANNA_ID, BAKERY_ID)}, clock=lambda: now[0]) as broker:
        token = broker.token(ANNA)
        now[0] = token.renew_at + 1
        in_threads(*[lambda: broker.token(ANNA)] * 50, *[lambda: broker.token(ANNA, min_ttl=600)] * 50)
        until(lambda: broker.token(ANNA).fingerprint != token.fingerprint)
    assert len(emulator.monite.ledger.tokens) == 2


class CountingStore:
    """A store in memory that counts peeks. `found` is awaited after one that found something."""

    def __init__(self, found=None):
        self.peeks = 0
        self._found = found
        self._store = MemoryStore(requests_per_second=1000)

    def __getattr__(self, name):
        return getattr(self._store, name)

    def peeked(self):
        self.peeks += 1

    def of(self, account):
        self._store = self._store.of(account)
        return self

    def operations(self, *, blocking):
        store, inner = self, self._store.operations(blocking=blocking)

        class Counted:
            def __getattr__(self, name):
                return getattr(inner, name)

            async def peek(self, *arguments):
                store.peeked()
                token = await inner.peek(*arguments)
                if token is not None and store._found is not None:
                    await store._found(token)
                return token

        return Counted()


async def test_a_caller_that_comes_during_a_mint_reads_the_store_when_it_is_over(emulated, emulator):
    people, now, store = {"anna": EntityUser(ANNA_ID, BAKERY_ID)}, time.time(), CountingStore()
    async with TokenBroker(emulated, people, store=store, clock=lambda: now) as broker:
        order = emulator.monite.faults.add(Fault(kind="hang", path="/auth/token"))
        leader = asyncio.create_task(broker.atoken(ANNA))
        await auntil(lambda: order.hits)
        crowd = [asyncio.create_task(broker.atoken(ANNA)) for _ in range(20)]
        await asyncio.sleep(0)
        assert store.peeks == 1
        emulator.monite.faults.remove(order.id)
        await asyncio.gather(leader, *crowd)
        assert store.peeks == 1 + 1  # one for all, at the same moment


async def test_of_tasks_that_waited_one_reads_and_the_others_share_what_it_found(emulated, emulator):
    async def is_far(token):
        await asyncio.sleep(0)

    people, now, store = {"anna": EntityUser(ANNA_ID, BAKERY_ID)}, time.time(), CountingStore(is_far)
    emulator.monite.faults.add(Fault(kind="latency", path="/auth/token", seconds=0.01))
    async with TokenBroker(emulated, people, store=store, clock=lambda: now) as broker:
        tokens = await asyncio.gather(*(broker.atoken(ANNA) for _ in range(50)))
    assert len({token.fingerprint for token in tokens}) == 1
    assert store.peeks == 50 + 1


async def test_tasks_that_waited_read_for_themselves_where_the_store_does_not_answer_one_of_them(
    emulated, emulator
):
    answers = asyncio.Event()

    async def hangs(token):
        await answers.wait()

    people, store = {"anna": EntityUser(ANNA_ID, BAKERY_ID)}, CountingStore(hangs)
    emulator.monite.faults.add(Fault(kind="latency", path="/auth/token", seconds=0.01))
    async with TokenBroker(emulated, people, store=store) as broker:
        calls = [asyncio.create_task(broker.atoken(ANNA)) for _ in range(20)]
        await auntil(lambda: store.peeks == 20 + 20)
        answers.set()
        assert len({token.fingerprint for token in await asyncio.gather(*calls)}) == 1


def test_of_threads_that_waited_few_read_and_the_others_share_what_they_found(emulated, emulator):
    people, now, store = {"anna": EntityUser(ANNA_ID, BAKERY_ID)}, time.time(), CountingStore()
    emulator.monite.faults.add(Fault(kind="latency", path="/auth/token", seconds=0.1))
    with TokenBroker(emulated, people, store=store, clock=lambda: now) as broker:
        tokens = in_threads(*[lambda: broker.token(ANNA)] * 20)
    assert len({token.fingerprint for token in tokens}) == 1
    assert store.peeks <= 20 + 2  # a machine with much else to do may keep one of them waiting too long


def test_promise_5_what_another_thread_has_read_counts_no_more_after_a_logout(emulated, emulator):
    found, ended, results, now = [], [], [], time.time()

    async def logs_out(token):
        found.append(token)
        broker.logout(ANNA)
        ended.append(token)

    class Waiting(CountingStore):
        def peeked(self):
            super().peeked()
            # The second read finds the token, and logs out. One that does not wait for its turn so long waits here.
            if self.peeks >= 3:
                until(lambda: ended)

    people = {"anna": EntityUser(ANNA_ID, BAKERY_ID)}
    order = emulator.monite.faults.add(Fault(kind="hang", path="/auth/token"))
    with TokenBroker(emulated, people, store=Waiting(logs_out), clock=lambda: now) as broker:
        leader = threading.Thread(target=lambda: results.extend(in_threads(lambda: broker.token(ANNA))))
        leader.start()
        until(lambda: order.hits)
        crowd = threading.Thread(target=lambda: results.extend(in_threads(*[lambda: broker.token(ANNA)] * 5)))
        crowd.start()
        (flight,) = broker._engine.flights._flights.values()
        until(lambda: threads_waiting(flight) == 5)
        emulator.monite.faults.remove(order.id)
        for thread in (leader, crowd):
            thread.join(PATIENCE)
    assert len(found) == 1
    assert sorted(type(each).__name__ for each in results) == ["AccessToken", *["SessionEnded"] * 5]


async def test_promise_5_what_another_task_has_read_counts_no_more_after_a_logout(emulated, emulator):
    ended, people = [], {"anna": EntityUser(ANNA_ID, BAKERY_ID)}

    async def logs_out(token):
        if not ended:
            ended.append(token)
            await broker.alogout(ANNA)

    emulator.monite.faults.add(Fault(kind="latency", path="/auth/token", seconds=0.05))
    now = time.time()
    async with TokenBroker(emulated, people, store=CountingStore(logs_out), clock=lambda: now) as broker:
        calls = (broker.atoken(ANNA) for _ in range(20))
        results = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(each) for each in results if isinstance(each, Exception)] == [errors.SessionEnded] * 19


def test_threads_that_waited_read_for_themselves_where_the_store_does_not_answer_one_of_them(
    emulated, emulator
):
    at_once = threading.Barrier(7)

    class Hanging(CountingStore):
        def peeked(self):
            super().peeked()
            if self.peeks > 1:  # the first was the leader's, before it led
                at_once.wait(PATIENCE)

    people, store = {"anna": EntityUser(ANNA_ID, BAKERY_ID)}, Hanging()
    with TokenBroker(emulated, people, store=store) as broker:
        order = emulator.monite.faults.add(Fault(kind="hang", path="/auth/token"))
        threads = [threading.Thread(target=broker.token, args=(ANNA,)) for _ in range(7)]
        threads[0].start()
        until(lambda: order.hits)
        for thread in threads[1:]:
            thread.start()
        (flight,) = broker._engine.flights._flights.values()
        until(lambda: threads_waiting(flight) == 6)
        emulator.monite.faults.remove(order.id)
        for thread in threads:
            thread.join(PATIENCE)
        assert not any(thread.is_alive() for thread in threads)
    assert not at_once.broken
    assert store.peeks == 8


async def test_promise_2_a_cancelled_leader_takes_nobody_down(broker, emulator):
    order = emulator.monite.faults.add(Fault(kind="hang", path="/auth/token"))
    leader = asyncio.create_task(broker.atoken(ANNA))
    await auntil(lambda: order.hits)
    waiters = [asyncio.create_task(broker.atoken(ANNA)) for _ in range(20)]
    await asyncio.sleep(0)
    leader.cancel()
    waiters[0].cancel()
    with pytest.raises(asyncio.CancelledError):
        await leader
    emulator.monite.faults.remove(order.id)
    tokens = await asyncio.gather(*waiters[1:])
    assert len({token.fingerprint for token in tokens}) == 1
    assert len(emulator.monite.ledger.tokens) == 1
    await broker.aclose()


@untidy  # nobody cleans up: that is the point
def test_promise_2_a_leader_whose_event_loop_was_closed_is_replaced(broker, emulator):
    order = emulator.monite.faults.add(Fault(kind="hang", path="/auth/token"))
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda *_: None)  # "Task was destroyed but it is pending"
    leading = loop.create_task(broker.atoken(ANNA))
    loop.run_until_complete(auntil(lambda: order.hits))
    loop.close()
    emulator.monite.faults.remove(order.id)
    assert broker.token(ANNA).expires_in > 0
    del leading


def test_promise_2_waiting_threads_outlive_the_event_loop_of_their_leader(broker, emulator):
    order = emulator.monite.faults.add(Fault(kind="hang", path="/auth/token"))
    ready = threading.Event()

    async def lead_and_leave():
        leader = asyncio.create_task(broker.atoken(ANNA))
        await auntil(lambda: order.hits)
        ready.set()
        flight = next(iter(broker._engine.flights._flights.values()))
        await auntil(lambda: threads_waiting(flight) == 5)
        leader.cancel()
        emulator.monite.faults.remove(order.id)

    leading = threading.Thread(target=lambda: asyncio.run(lead_and_leave()))
    leading.start()
    ready.wait()
    tokens = in_threads(*[lambda: broker.token(ANNA)] * 5)
    leading.join()
    assert len({token.fingerprint for token in tokens}) == 1


async def test_a_blocking_call_on_the_loop_that_it_would_wait_for_says_so(broker, emulator):
    order = emulator.monite.faults.add(Fault(kind="hang", path="/auth/token"))
    leader = asyncio.create_task(broker.atoken(ANNA))
    await auntil(lambda: order.hits)
    with pytest.raises(errors.BlockingCallError, match="await broker.atoken"):
        broker.token(ANNA)
    emulator.monite.faults.remove(order.id)
    assert (await leader).expires_in > 0
    await broker.aclose()


def test_two_brokers_with_one_store_mint_once(emulator, emulated):
    emulator.monite.faults.add(Fault(kind="latency", path="/auth/token", seconds=0.1))
    store = MemoryStore(requests_per_second=100_000)
    people = {"anna": EntityUser(ANNA_ID, BAKERY_ID)}
    with TokenBroker(emulated, people, store=store) as one, TokenBroker(emulated, people, store=store) as two:
        tokens = in_threads(*[lambda: one.token(ANNA)] * 20, *[lambda: two.token(ANNA)] * 20)
    assert len({token.fingerprint for token in tokens}) == 1
    assert len(emulator.monite.ledger.tokens) == 1


# -- 1. Isolation


async def test_promise_1_among_2000_principals_at_once_no_token_reaches_the_wrong_one(emulator, emulated):
    people = hire(emulator.monite, 2000)
    broker = TokenBroker(emulated, people)
    wrong = []

    async def use(user_id):
        token = await broker.atoken(Principal(user_id, session_id=f"session of {user_id}"))
        holder = emulator.monite.ledger.find(token.value.reveal()).entity_user_id
        if not holder == people[user_id].entity_user_id == token.entity_user.entity_user_id:
            wrong.append((user_id, holder))

    def use_blocking(share):
        for user_id in share:
            token = broker.token(Principal(user_id, session_id=f"session of {user_id}"))
            holder = emulator.monite.ledger.find(token.value.reveal()).entity_user_id
            if holder != people[user_id].entity_user_id:
                wrong.append((user_id, holder))

    mixed = list(people) * 2
    random.Random(7).shuffle(mixed)
    threads = [threading.Thread(target=use_blocking, args=(mixed[n::8],)) for n in range(8)]
    for thread in threads:
        thread.start()
    await asyncio.gather(*map(use, mixed))
    await asyncio.to_thread(lambda: [thread.join() for thread in threads])
    assert wrong == []
    assert len(emulator.monite.ledger.tokens) == 2000
    assert max(emulator.monite.ledger.max_concurrent_mints.values()) == 1
    await broker.aclose()
    broker.close()


# -- 5. Logout is final


def test_promise_5_a_logout_while_everybody_waits_for_the_mint(broker, emulator):
    order = emulator.monite.faults.add(Fault(kind="hang", path="/auth/token"))
    results = []
    waiting = [
        threading.Thread(target=lambda who=who: results.append((who, _outcome(broker, who))))
        for who in [ANNA, ANNA_ELSEWHERE] * 10
    ]
    for thread in waiting:
        thread.start()
    until(lambda: order.hits)
    broker.logout(ANNA)
    emulator.monite.faults.remove(order.id)
    for thread in waiting:
        thread.join()
    of_ended = {type(outcome) for who, outcome in results if who is ANNA}
    of_other = {outcome.fingerprint for who, outcome in results if who is ANNA_ELSEWHERE}
    assert of_ended == {errors.SessionEnded}
    assert len(of_other) == 1
    until(lambda: len(emulator.monite.ledger.live(ANNA_ID)) == 1)
    assert {broker.token(ANNA_ELSEWHERE).fingerprint} == of_other


def _outcome(broker, principal):
    try:
        return broker.token(principal)
    except errors.MoniteAuthError as error:
        return error


def test_promise_5_logins_and_logouts_in_a_storm_leave_no_token_of_an_ended_session(emulator, emulated):
    people = hire(emulator.monite, 10)
    chance = random.Random(11)
    storm = [
        {"kind": "latency", "seconds": 0.02},
        {"kind": "status", "status": 503},
        {"kind": "throttle", "retry_after": 0},
        {"kind": "cut_before"},
        {"kind": "cut_after"},
    ]
    for fault in chance.sample(storm * 4, 12):
        emulator.monite.faults.add(Fault(probability=0.1, times=5, **fault))
    handed_out_late = []
    with TokenBroker(emulated, people) as broker:

        def live(worker):
            own = random.Random(worker)
            for login in range(25):
                user_id = f"user-{own.randrange(10)}"
                principal = Principal(user_id, session_id=f"{worker}-{login}")
                for _ in range(own.randrange(1, 4)):
                    with contextlib.suppress(errors.MoniteUnavailable, errors.RateLimited):
                        broker.token(principal, min_ttl=own.choice([0, 600]))
                broker.logout(principal)
                with contextlib.suppress(errors.SessionEnded):
                    handed_out_late.append(broker.token(principal))

        in_threads(*[lambda worker=worker: live(worker) for worker in range(8)])
        emulator.monite.faults.clear()
        until(lambda: broker.drain().next_in is None)
    assert handed_out_late == []
    left = [token for token in emulator.monite.ledger.live() if not token.answer_lost]
    assert left == []
    assert len(emulator.monite.ledger.tokens) > 20


async def test_promise_7_a_logout_returns_while_monite_hangs(broker, emulator):
    await broker.atoken(ANNA)
    order = emulator.monite.faults.add(Fault(kind="hang", path="/auth/revoke"))
    await broker.alogout(ANNA)
    await auntil(lambda: order.hits)
    assert len(emulator.monite.ledger.live(ANNA_ID)) == 1
    emulator.monite.faults.remove(order.id)
    await auntil(lambda: not emulator.monite.ledger.live(ANNA_ID))
    await broker.aclose()


def test_a_token_that_could_not_be_revoked_at_once_is_revoked_a_little_later(broker, emulator):
    broker.token(ANNA)
    emulator.monite.faults.add(Fault(kind="status", status=503, path="/auth/revoke", times=1))
    broker.logout(ANNA)
    until(lambda: not emulator.monite.ledger.live(ANNA_ID))


def test_closing_a_broker_revokes_what_is_still_pending(emulator, emulated):
    with TokenBroker(emulated, {"anna": EntityUser(ANNA_ID, BAKERY_ID)}) as broker:
        broker.token(ANNA)
        broker.logout(ANNA)
    assert emulator.monite.ledger.live() == []


# -- 8. One budget


def test_promise_8_of_a_burst_of_users_no_more_leave_in_a_second_than_the_limit_allows(emulator, emulated):
    """Judges what leaves; `tests/stores/test_one_budget.py` says why, and where Monite's 429s are judged."""
    emulator.monite.requests_per_second = 30
    people, admitted = hire(emulator.monite, 75), []
    store = RecordingStore(MemoryStore(requests_per_second=30), admitted)
    with TokenBroker(replace(emulated, requests_per_second=30), people, store=store) as broker:
        results = in_threads(
            *[lambda user=user: broker.token(Principal(user, session_id="s")) for user in people]
        )
    assert not [result for result in results if isinstance(result, Exception)]
    assert sum(each.leaves for each in admitted) >= 75
    assert most_within(1 + JITTER, admitted) <= 30
    assert booked_out_of_turn(admitted) == 0


def test_the_client_secret_can_be_rotated_between_mint_and_revocation(emulator, emulated):
    store = MemoryStore(requests_per_second=100_000)
    people = {"anna": EntityUser(ANNA_ID, BAKERY_ID)}
    with TokenBroker(emulated, people, store=store) as before:
        before.token(ANNA)
    fresh = replace(
        emulated,
        client_id=str(uuid.uuid4()),
        client_secret="the-new-secret",
        account=emulated.client_id,
    )
    emulator.monite.add_credentials(fresh.client_id, "the-new-secret")
    emulator.monite.remove_credentials(emulated.client_id)
    with TokenBroker(fresh, people, store=store) as after:
        after.logout(ANNA)
        until(lambda: not emulator.monite.ledger.live())
