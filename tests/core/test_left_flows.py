"""Flows that an event loop left in the middle: Python comes upon them in any thread, which may hold any lock of ours."""

import asyncio
import gc
import threading
from collections import deque
from contextlib import contextmanager

import pytest

from monite_auth import TokenBroker, errors
from monite_auth.engine.runtime import run
from monite_auth.engine.token_request import TokenRequest
from monite_auth.stores import Claimed, Priority
from tests.core.test_background_work import hangs
from tests.people import PEOPLE
from tests.scripted import ALICE, BOB, World, granted, numbered
from tests.stores.fallback.outage import Forever, Outage, after_missing
from tests.untidy import untidy

pytestmark = pytest.mark.timeout(60)  # a flow that takes a lock of ours ends never

LOCK = type(threading.Lock())
CONTAINERS = (dict, list, tuple, set, deque)


def locks_of(*things):
    """Return all locks of objects of ours that can be reached from some."""
    seen, left, locks = set(), list(things), []
    while left:
        each = left.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        if isinstance(each, LOCK):
            locks.append(each)
        elif isinstance(each, CONTAINERS) or type(each).__module__.startswith("monite_auth"):
            left += gc.get_referents(each)
    return locks


@contextmanager
def all_held(*things):
    """Hold the locks, as a thread does in the middle of something."""
    held = [each for each in locks_of(*things) if each.acquire(blocking=False)]
    assert held
    try:
        yield
    finally:
        for each in held:
            each.release()


def begun(flow):
    flow.send(None)
    return flow


def test_promise_2_a_mint_that_is_left_takes_no_lock():
    world = World(granted())
    hangs(world)
    engine, slot = world.engine, world.engine.tokens.slot(ALICE)
    flight, _ = engine.flights.join(slot, world.now, expires_at=world.now + 5, priority=Priority.USER)
    mint = begun(engine.tokens._leader.lead(world, flight, TokenRequest(slot, ALICE, 0, world.now + 10)))
    with all_held(engine, flight):
        mint.close()


def test_a_mint_that_waits_for_another_process_and_is_left_takes_no_lock():
    world = World(granted())
    run(world.store.claim(world.engine.tokens.slot(ALICE), ALICE, owner="other", seconds=5, min_life=0))

    async def sleep(_seconds):
        await Forever()

    world.sleep = sleep
    engine, slot = world.engine, world.engine.tokens.slot(ALICE)
    flight, _ = engine.flights.join(slot, world.now, expires_at=world.now + 5, priority=Priority.USER)
    mint = begun(engine.tokens._leader.lead(world, flight, TokenRequest(slot, ALICE, 0, world.now + 10)))
    with all_held(engine, flight):
        mint.close()


def test_a_renewal_that_is_left_takes_no_lock():
    world = World(numbered())
    world.now = world.token().renew_at
    world.value()
    hangs(world)
    renewal = begun(world.background.pop())
    with all_held(world.engine):
        renewal.close()


@untidy
def test_nor_does_one_that_asks_a_directory_which_fails_as_it_is_left(emulated):
    """As a client of a database does, which finds no event loop to clean up on."""

    async def directory(_principal):
        try:
            await asyncio.get_running_loop().create_future()
        except GeneratorExit:
            raise RuntimeError("no running event loop")  # noqa: B904 - it does not know better

    with TokenBroker(emulated, directory) as broker:
        loop = asyncio.new_event_loop()
        asking = loop.create_task(broker.atoken(ALICE))
        loop.call_later(0.05, loop.stop)
        loop.run_forever()
        [mint] = asyncio.all_tasks(loop) - {asking}
        loop.close()
        with all_held(broker):
            mint.get_coro().close()


def test_somebody_who_waits_and_is_left_takes_no_lock(emulated):
    with TokenBroker(emulated, PEOPLE) as broker:
        engine = broker.running.engine
        flight, _ = engine.flights.join(
            engine.tokens.slot(ALICE), 0.0, expires_at=1e12, priority=Priority.USER
        )
        tasks = []

        async def begin():
            tasks.append(asyncio.create_task(broker.running.on_loop().wait(flight, within=600)))
            while not flight._callbacks:
                await asyncio.sleep(0)

        loop = asyncio.new_event_loop()
        loop.run_until_complete(begin())
        with all_held(engine, flight):
            tasks[0].get_coro().close()
        tasks[0].cancel()
        loop.run_until_complete(asyncio.wait(tasks))
        loop.run_until_complete(broker.aclose())
        loop.close()


# -- in an outage


def test_promise_7_a_logout_that_is_left_takes_no_lock_and_is_owed():
    world = Outage(numbered())
    world.value()
    world.shared.stuck_at = "end_session"

    async def begin():
        leaving = world.fallback.operations(blocking=False).end_session(ALICE)
        return begun(leaving)

    leaving = asyncio.run(begin())
    with all_held(world.fallback):
        leaving.close()
    world.shared.stuck_at = None
    run(world.store.backlog())
    assert ("end_session", ALICE) in world.shared.done


def test_who_repeats_what_is_owed_and_is_left_takes_no_lock_and_gives_the_turn_back():
    world = after_missing("end_session")
    world.shared.stuck_at = "end_session"
    asking = begun(world.store.backlog())
    world.shared.stuck_at = None
    with all_held(world.fallback):
        asking.close()
    world.now += 2  # the store is left alone for a second, but not for as long as a turn lasts
    with pytest.raises(errors.SessionEnded):
        world.token()
    assert ("end_session", ALICE) in world.shared.done


def test_who_hands_tokens_over_and_is_left_takes_no_lock_and_gives_the_turn_back():
    world = Outage(numbered())
    run(world.store.begin_session(BOB))
    world.shared.is_down = True
    world.value(BOB)
    world.back()
    world.shared.stuck_at = "commit"
    asking = begun(world.store.backlog())
    world.shared.stuck_at = None
    with all_held(world.fallback):
        asking.close()
    world.now += 2
    run(world.store.backlog())
    assert "commit" in {name for name, *_ in world.shared.done}


def test_promise_6_a_commit_that_is_left_takes_no_lock():
    world = Outage(numbered())
    slot = world.engine.tokens.slot(ALICE)
    claim = run(world.store.claim(slot, ALICE, owner="this", seconds=5, min_life=0))
    assert isinstance(claim, Claimed)
    world.shared.stuck_at = "commit"
    committing = begun(world.store.commit(claim.lease, World(granted()).token()))
    with all_held(world.fallback):
        committing.close()
