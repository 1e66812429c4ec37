"""Renewals and drains in the background: how many there are, and what becomes of those that tell nobody of their end."""

import asyncio
import inspect
from contextlib import suppress
from types import SimpleNamespace

from monite_auth import Principal
from monite_auth.engine.drain import DRAIN_POLL, LONGEST_TRY, MOST_DRAINS
from monite_auth.engine.renewal import COOLDOWN
from monite_auth.engine.runtime import run
from monite_auth.engine.single_flight import CLEANUP_THRESHOLD
from monite_auth.errors import StoreUnavailable
from monite_auth.stores.values import Due, Everything
from tests.scripted import ALICE, World, granted, numbered, refused, reply
from tests.stores.fallback.outage import Forever


def hangs(world):
    """Have Monite give no answer any more."""

    async def send(_request, **_):
        await Forever()

    world.send = send


def forget_background(world):
    """Lose what was spawned, as an event loop does that is stopped before the first step of its tasks."""
    while world.background:
        world.background.pop().close()


def test_a_slot_has_one_renewal_at_a_time_and_a_lost_one_is_over_with_its_lease():
    world = World(numbered())
    world.now = world.token().renew_at
    for _ in range(3):
        assert world.value() == "token-1"
    assert len(world.background) == 1
    forget_background(world)
    world.now += world.settings.lease - 0.1
    world.value()
    assert world.background == []
    world.now += 0.2
    world.value()
    world.run_background()
    assert world.value() == "token-2"


def test_a_renewal_that_failed_is_not_tried_again_before_its_cooldown_is_over():
    world = World(granted("token-1"), refused(500), granted("token-2"), deadline=0.15)
    world.now = world.token().renew_at
    world.value()
    world.run_background()
    ended_at = world.now
    world.value()
    assert world.background == []
    world.now = ended_at + COOLDOWN
    world.value()
    world.run_background()
    assert world.value() == "token-2"


def test_a_renewal_whose_event_loop_is_shut_down_is_not_begun_anew_by_each_call():
    world = World(numbered())
    world.now = world.token().renew_at
    world.value()
    hangs(world)
    renewal = world.background.pop()
    renewal.send(None)
    with suppress(asyncio.CancelledError):
        renewal.throw(asyncio.CancelledError())
    world.value()
    assert world.background == []
    world.now += COOLDOWN
    world.value()
    assert len(world.background) == 1


def test_renewals_that_nobody_finishes_do_not_pile_up():
    world = World(numbered())
    token = world.token()
    for number in range(3 * CLEANUP_THRESHOLD):
        world.now += world.settings.lease
        world.engine.renewals.start(world, number, Principal(str(number)), token)
        forget_background(world)
    assert len(world.engine.renewals._resume_at) <= CLEANUP_THRESHOLD + 1


def test_there_are_a_few_drains_and_lost_ones_are_replaced():
    world = World(granted())
    for _ in range(10):
        world.engine.drainer.start(world)
    assert len(world.background) == MOST_DRAINS
    forget_background(world)
    world.engine.drainer.start(world)
    assert world.background == []
    world.now += 2 * DRAIN_POLL
    world.engine.drainer.start(world)
    assert len(world.background) == 1


def test_an_emergency_that_the_store_did_not_hear_of_is_repeated_although_nobody_comes():
    world = World(granted())

    async def end_everything():
        return Everything(0, 0, is_owed=True)

    async def due(_limit, **_):
        return Due([], 0, None)

    world.store = SimpleNamespace(end_everything=end_everything, due=due)
    assert run(world.engine.endings.end_everything(world, within=1)).is_owed
    assert len(world.background) == 1


def test_a_drain_that_is_at_work_counts_longer_than_any_one_revocation_takes():
    world = World(granted())
    working = []

    async def due(_limit, **_):
        """Never come back within the time that a revocation may take."""
        world.now += LONGEST_TRY
        world.engine.drainer.start(world)
        working.append(len(world.engine.drainer._working))
        raise StoreUnavailable("down")

    world.store = type("Store", (), {"due": staticmethod(due)})()
    world.engine.drainer.start(world)
    first = world.background.pop(0)
    try:
        run(first)
    except StoreUnavailable:
        assert working == [2]  # itself, and the one that was started meanwhile
    assert LONGEST_TRY > 2 * DRAIN_POLL
    forget_background(world)


def test_a_drain_looks_again_where_it_was_wanted_during_its_pass():
    world = World(numbered())
    world.token()
    drained = []

    def answer(_request):
        drained.append(world.now)
        if len(drained) == 1:
            forget_background(world)
            world.engine.drainer.start(world)
            forget_background(world)  # whoever was started for it never runs
        return reply(200, {"message": "done"})

    world.revocations = [answer]
    passes = []
    drain = world.engine.drainer.drain

    async def counted(runtime, *, within):
        passes.append(within)
        return await drain(runtime, within=within)

    world.engine.drainer.drain = counted
    world.logout(ALICE)
    world.run_background()
    assert len(passes) == 2


def test_what_a_drain_had_when_its_loop_stopped_is_taken_back_before_its_lease_is_over():
    world = World(granted())
    world.token()
    answer = world.send

    async def hangs(_request, **_):
        await asyncio.Event().wait()

    world.send = hangs
    world.logout()
    drains = []

    async def begin():
        drains.append(asyncio.create_task(world.background.pop(0)))
        await asyncio.sleep(0)

    loop = asyncio.new_event_loop()
    loop.run_until_complete(begin())
    world.send = answer
    assert world.drain().settled == 1
    assert world.revoked == ["token-1"]
    drains[0].cancel()
    loop.run_until_complete(asyncio.wait(drains))
    loop.close()


class Pause:
    def __await__(self):
        yield


def test_who_asks_for_a_drain_waits_for_what_another_pass_is_at():
    world = World(numbered())
    world.token()
    world.logout()
    (other,) = world.background
    send, sleep = world.send, world.sleep

    async def slowly(request, *, within):
        await Pause()
        return await send(request, within=within)

    async def meanwhile(seconds):
        await sleep(seconds)
        if inspect.getcoroutinestate(other) == inspect.CORO_SUSPENDED:
            with suppress(StopIteration):
                other.send(None)  # Monite answers the other pass

    world.send, world.sleep = slowly, meanwhile
    other.send(None)
    report = run(world.engine.drainer.drain_and_join(world, within=5))
    assert world.revoked == ["token-1"]
    assert (report.settled, report.next_in) == (0, None)


def test_who_asks_for_a_drain_waits_no_longer_than_they_say():
    world = World(numbered())
    world.token()
    world.logout()
    (other,) = world.background
    answer = world.send

    async def never(*_, **__):
        await Pause()

    world.send = never
    other.send(None)
    world.send = answer
    began = world.now
    assert run(world.engine.drainer.drain_and_join(world, within=1)).next_in is not None
    assert world.now <= began + 1
    forget_background(world)
