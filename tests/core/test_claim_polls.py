"""Mints that wait for other processes ask the store seldom, and learn of a token soon."""

import itertools

import pytest

from monite_auth.engine.claim_polls import ASKS_PER_SECOND, ClaimPolls
from monite_auth.engine.mint import LONGEST_WAIT
from monite_auth.engine.runtime import run
from monite_auth.processes.awaited import Awaited
from monite_auth.stores import Busy
from tests.scripted import ALICE, World, granted


def test_many_that_wait_for_other_processes_ask_no_more_often_together_than_the_bound():
    polls = ClaimPolls(0.01)
    waiting = [polls.begin() for _ in range(250)]
    for poll in waiting:
        poll.pause(0.0)
    assert sum(1 / poll.pause(0.5) for poll in waiting) == pytest.approx(ASKS_PER_SECOND)


def test_whoever_waits_no_more_does_not_make_others_slower():
    polls = ClaimPolls(0.01)
    for _ in range(250):
        with polls.begin() as poll:
            poll.pause(0.0)
    assert polls.begin().pause(0.0) == 0.01


def test_a_mint_that_another_process_is_slow_with_is_asked_for_less_and_less_often():
    world = World(granted(), deadline=20)
    slot = world.engine.tokens.slot(ALICE)
    run(world.store.claim(slot, ALICE, owner="other", seconds=8, min_life=0))
    began = world.now
    world.token()
    assert world.now - began == pytest.approx(8)
    assert len(world.slept) < 80  # every 10 ms would be 800 times
    waits = itertools.accumulate(world.slept, initial=0.0)
    assert all(pause <= max(0.01, 0.1 * wait) + 1e-6 for pause, wait in zip(world.slept, waits, strict=False))


def test_a_mint_whose_store_tells_when_the_other_is_over_asks_twice_a_second_meanwhile():
    world = World(granted(), deadline=20)
    slot = world.engine.tokens.slot(ALICE)
    run(world.store.claim(slot, ALICE, owner="other", seconds=8, min_life=0))
    claim, waited_until = world.store.claim, []

    async def claim_and_tell(*arguments, **options):
        found = await claim(*arguments, **options)
        return found._replace(mint=Awaited()) if isinstance(found, Busy) else found

    async def sleep(seconds, *, until=None):
        waited_until.append(until)
        world.slept.append(seconds)
        world.now += seconds

    world.store.claim, world.sleep = claim_and_tell, sleep
    began = world.now
    world.token()
    assert world.now - began == pytest.approx(8)
    assert all(isinstance(each, Awaited) for each in waited_until)
    assert all(each >= LONGEST_WAIT or each == world.slept[-1] for each in world.slept)
