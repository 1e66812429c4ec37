"""Mints whose callers have gone, or whose event loop is shut down: what Monite gives is kept. In a virtual time."""

import asyncio
from dataclasses import replace

import pytest

from monite_auth import TokenBroker
from monite_auth.engine.event_loop import LAST_ANSWER
from monite_auth.tokens import steady_clock
from tests.core.test_virtual_deadlines import SETTINGS, OnALoop, VirtualLoop
from tests.people import ANNA, PEOPLE
from tests.trickling import PAUSE, granted

SOON = round(LAST_ANSWER / 2 / PAUSE)
LATE = 10 * SOON
"""Pauses before an answer: fewer than a loop that is shut down waits for, and more."""


class Monite(OnALoop):
    """Grants token-1, token-2 and so on, each after some pauses."""

    def __init__(self, pauses):
        super().__init__(self._answer)
        self.pauses = pauses
        self.mints = 0

    def _answer(self):
        self.mints += 1
        while True:
            yield from [b""] * (self.pauses - 1)
            yield granted(f"token-{self.mints}")


@pytest.fixture
def broker():
    with TokenBroker(replace(SETTINGS, deadline=60, read_timeout=30, lease=30), PEOPLE) as broker:
        yield broker


def ask(broker, monite, *, until):
    """Return a task that asks for a token, once Monite has got the request."""

    async def begin():
        runtime = broker.running.on_loop()
        runtime._http()._transport._pool._network_backend = monite
        asking = asyncio.create_task(broker.atoken(ANNA))
        while not until(asking):
            await asyncio.sleep(PAUSE)
        return asking

    return begin()


def in_flight(monite):
    mints = monite.mints
    return lambda _asking: monite.mints > mints


def kept(broker):
    """Return the token that the store has; a blocking call would raise if there were none, as there is no such Monite."""
    return broker.token(ANNA).value.reveal()


def test_promise_2_a_mint_goes_on_when_its_only_caller_is_cancelled(broker):
    monite = Monite(LATE)

    async def main():
        asking = await ask(broker, monite, until=in_flight(monite))
        asking.cancel()
        await asyncio.wait([asking])
        assert asking.cancelled()
        await asyncio.wait(broker.running.on_loop()._tasks)
        await broker.aclose()

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(main())
    assert (kept(broker), monite.mints) == ("token-1", 1)


@pytest.mark.parametrize("is_cancelled", [True, False])
def test_a_loop_that_is_shut_down_waits_a_moment_for_the_answer_to_a_mint(broker, is_cancelled):
    monite = Monite(SOON)

    async def main():
        asking = await ask(broker, monite, until=in_flight(monite))
        if is_cancelled:
            asking.cancel()

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(main())
    assert (kept(broker), monite.mints) == ("token-1", 1)


def test_so_does_one_whose_application_cancels_all_that_runs_before_it_ends(broker):
    monite = Monite(SOON)

    async def main():
        await ask(broker, monite, until=in_flight(monite))
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for each in others:
            each.cancel()
        await asyncio.wait(others)

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(main())
    assert (kept(broker), monite.mints) == ("token-1", 1)


def test_so_does_a_broker_that_is_closed(broker):
    monite = Monite(SOON)

    async def main():
        asking = await ask(broker, monite, until=in_flight(monite))
        await broker.aclose()
        return (await asking).value.reveal()

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        assert runner.run(main()) == kept(broker) == "token-1"


def test_but_for_no_longer(broker):
    monite = Monite(LATE)

    async def main():
        await ask(broker, monite, until=in_flight(monite))
        return asyncio.get_running_loop().time()

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        ended, loop = runner.run(main()), runner.get_loop()
    assert LAST_ANSWER <= loop.time() - ended <= LAST_ANSWER + PAUSE


@pytest.mark.parametrize("within", [LAST_ANSWER / 5, 5])
def test_and_a_broker_that_is_closed_holds_its_time(broker, within):
    monite = Monite(LATE)

    async def main():
        asking = await ask(broker, monite, until=in_flight(monite))
        asking.cancel()  # else it would begin anew
        loop = asyncio.get_running_loop()
        began = loop.time()
        await broker.running.on_loop().aclose(within=within)
        return loop.time() - began, [each for each in broker.running.on_loop()._tasks if not each.done()]

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        took, left = runner.run(main())
    assert took <= min(within, LAST_ANSWER + PAUSE)
    assert left == []


def test_a_mint_that_waits_for_something_else_is_cut_off_at_once(broker):
    """What was answered is no token, so it would have to ask once more."""
    monite = Monite(SOON)
    monite._pieces = lambda: iter([b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n"] * 9)

    async def main():
        asking = await ask(broker, monite, until=lambda _: broker.running.on_loop()._client is not None)
        loop = asyncio.get_running_loop()
        began = loop.time()
        while loop.time() < began + 2 * PAUSE:
            await asyncio.sleep(PAUSE)
        assert not asking.done()
        return loop.time()

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        ended, loop = runner.run(main()), runner.get_loop()
    assert loop.time() == ended


def test_promise_4_short_loops_renew_a_token_once():
    monite, ahead, values = Monite(SOON), 0.0, []
    with TokenBroker(SETTINGS, PEOPLE, clock=lambda: steady_clock() + ahead) as broker:

        async def main():
            broker.running.on_loop()._http()._transport._pool._network_backend = monite
            return (await broker.atoken(ANNA)).value.reveal()

        for moment in (0, 1700, 1700, 1700):  # seconds, of a token life of 1800
            ahead = moment
            with asyncio.Runner(loop_factory=VirtualLoop) as runner:
                values.append(runner.run(main()))
    assert (values, monite.mints) == (["token-1", "token-1", "token-2", "token-2"], 2)
