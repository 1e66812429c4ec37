"""Promise 6, nothing is lost: a token that was read is in the store or pending revocation, however its mint ends."""

import asyncio
from contextlib import suppress

import pytest

from monite_auth import PARTNER, errors
from monite_auth.engine.runtime import run
from monite_auth.engine.token_request import TokenRequest
from monite_auth.monite_api.grants import read_mint
from monite_auth.monite_api.outcomes import Granted
from monite_auth.monite_api.requests import mint_request
from monite_auth.stores import Priority
from tests.scripted import ALICE, World, granted, numbered
from tests.untidy import untidy


class CutOff:
    """Operations in which the first `commit` ends with an exception, before or after it has done its work."""

    def __init__(self, inner, error, *, after):
        self._inner, self._error, self._after = inner, error, after

    def __getattr__(self, name):
        return getattr(self._inner, name)

    async def commit(self, lease, token):
        error, self._error = self._error, None
        if error is None or self._after:
            committed = await self._inner.commit(lease, token)
        if error is not None:
            raise error
        return committed


ENDS = [asyncio.CancelledError(), GeneratorExit(), KeyboardInterrupt(), errors.StoreUnavailable("down")]


def cut_off(error, *, after):
    world = World(numbered())
    world.store = CutOff(world.store, error, after=after)
    with suppress(type(error)):  # where the token is there all the same, its caller has it
        world.token()
    return world


@pytest.mark.parametrize("error", ENDS, ids=lambda error: type(error).__name__)
def test_promise_6_a_token_that_did_not_reach_the_store_is_revoked(error):
    world = cut_off(error, after=False)
    world.drain()
    assert world.revoked == ["token-1"]
    world.now += 10  # the lease of who was cut off
    assert world.value() == "token-2"


@pytest.mark.parametrize("error", ENDS, ids=lambda error: type(error).__name__)
def test_one_that_reached_it_all_the_same_is_used_and_not_revoked(error):
    world = cut_off(error, after=True)
    world.drain()
    assert world.revoked == []
    assert world.value() == "token-1"
    world.logout()
    world.drain()
    assert world.revoked == ["token-1"]


def test_whoever_comes_next_sees_to_it():
    world = cut_off(asyncio.CancelledError(), after=True)
    assert world.value(ALICE) == "token-1"
    world.run_background()
    assert world.engine.strays.tokens == []


def test_while_the_store_takes_none_the_process_keeps_it():
    world = cut_off(asyncio.CancelledError(), after=False)
    inner, world.store._error = world.store, errors.StoreUnavailable("still down")
    with pytest.raises(errors.StoreUnavailable):
        world.drain()
    assert [token.value.reveal() for token in world.engine.strays.tokens] == ["token-1"]
    assert inner._error is None
    world.drain()
    assert world.revoked == ["token-1"]


class Hanging:
    """Operations in which `commit` hangs, `times` times, before or after it has done its work."""

    def __init__(self, inner, times=1, *, after=False):
        self._inner, self.times, self._after = inner, times, after

    def __getattr__(self, name):
        return getattr(self._inner, name)

    async def commit(self, lease, token):
        if not self.times:
            return await self._inner.commit(lease, token)
        self.times -= 1
        if self._after:
            await self._inner.commit(lease, token)
        self.goes_on = asyncio.get_running_loop().create_future()
        await self.goes_on
        return await self._inner.commit(lease, token)


def left_at_commit(world, flow):
    """Run a flow on a loop that ends while it commits; return its task, without which Python would end the flow."""
    loop, times = asyncio.new_event_loop(), world.store.times
    task = loop.create_task(flow)
    loop.call_soon(loop.stop)
    loop.run_forever()
    assert world.store.times == times - 1
    return loop, task


def mint_of(world):
    """Return the mint of a token that nobody waits for any more."""
    engine, slot = world.engine, world.engine.tokens.slot(ALICE)
    flight, _ = engine.flights.join(slot, world.now, expires_at=world.now + 5, priority=Priority.USER)
    return engine.tokens._leader.lead(world, flight, TokenRequest(slot, ALICE, 0, world.now + 10))


@pytest.mark.parametrize("is_closed", [True, False])
@pytest.mark.parametrize(("after", "revoked"), [(False, ["token-1"]), (True, [])])
@untidy
def test_promise_6_nor_does_it_wait_for_python_to_find_the_mint_of_a_loop_that_has_gone(
    is_closed, after, revoked
):
    world = World(numbered())
    world.store = Hanging(world.store, after=after)
    loop, task = left_at_commit(world, mint_of(world))
    if is_closed:
        loop.close()
    world.drain()
    assert world.revoked == revoked
    assert world.engine.strays.tokens == []
    assert not task.done()


@untidy
def test_promise_6_nor_for_the_drain_of_one_that_was_handing_it_over():
    world = World(numbered())
    world.store = Hanging(world.store, times=2)
    mint = left_at_commit(world, mint_of(world))
    drain = left_at_commit(world, world.engine.drainer.drain(world, within=60))
    world.drain()
    assert world.revoked == ["token-1"]
    assert not any(task.done() for _, task in (mint, drain))


@untidy
def test_a_loop_that_runs_again_later_finds_that_its_token_is_dead():
    world = World(numbered())
    world.store = Hanging(world.store)
    loop, task = left_at_commit(world, mint_of(world))
    world.drain()
    world.store.goes_on.set_result(None)
    loop.run_until_complete(task)
    loop.close()
    assert world.revoked == ["token-1"]
    assert world.value() == "token-2"


def test_a_task_that_is_cancelled_when_its_answer_is_there_has_it(broker, emulated):
    """The answer first, then the cancellation, at the next step."""
    got = []

    async def main():
        runtime = broker.running.on_loop()
        request = mint_request(emulated, PARTNER)

        async def flow():
            got.append(read_mint(request, await runtime.send(request, within=5), now=0))
            await runtime.sleep(600)

        before = asyncio.all_tasks()
        runtime.lead(flow())
        (task,) = asyncio.all_tasks() - before
        asking = None
        while asking is None:
            await asyncio.sleep(0)
            more = [each for each in asyncio.all_tasks() - before if each is not task]
            asking = next((each for each in more if "_ask" in repr(each.get_coro())), None)
        while not asking.done():
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await runtime.aclose(within=20)

    asyncio.run(main())
    assert isinstance(got[0], Granted)


def test_one_that_is_over_when_it_comes_is_revoked_and_not_asked_for_in_a_loop():
    world = World(lambda _request: next(tokens))
    count = iter(range(1, 1000))
    tokens = (granted(f"token-{n}", expires_in=5.001) for n in count)
    with pytest.raises(errors.MoniteUnavailable, match="came too late"):
        world.token()
    assert len(world.mints) < 15
    world.drain()
    assert {f"token-{number}" for number, at in enumerate(world.mints, 1) if at > world.now - 5} <= set(
        world.revoked
    )
    assert run(world.store.backlog()) == 0
