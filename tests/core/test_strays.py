"""Promise 6, nothing is lost: a token that was read is in the store or pending revocation, however its mint ends."""

import asyncio
from contextlib import suppress

import pytest

from monite_auth import PARTNER, errors
from monite_auth.engine.runtime import run
from monite_auth.monite_api.grants import read_mint
from monite_auth.monite_api.outcomes import Granted
from monite_auth.monite_api.requests import mint_request
from tests.scripted import ALICE, World, granted, numbered


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
    assert [token.value.reveal() for _, token in world.engine.strays.tokens] == ["token-1"]
    assert inner._error is None
    world.drain()
    assert world.revoked == ["token-1"]


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
