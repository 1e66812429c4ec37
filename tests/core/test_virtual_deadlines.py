"""Deadlines to the second: in a virtual time, which only waiting moves. `test_deadlines` has real servers, and machines that are busy."""

import asyncio
import selectors
from dataclasses import replace

import pytest

from monite_auth import PARTNER, TokenBroker
from monite_auth.engine import transport
from monite_auth.engine.loop_sockets import LoopSockets
from monite_auth.engine.network import BlockingNetwork, Deadline
from monite_auth.monite_api.answers import Fault
from monite_auth.monite_api.requests import mint_request
from tests.core.test_deadlines import DEADLINE, TRICKLES, impatient
from tests.trickling import PAUSE

SLACK = 1.0
"""Seconds after its deadline at which a caller has its answer, whatever Monite does."""

SETTINGS = impatient("http://127.0.0.1:9/v1")
"""Timeouts for one read would let an answer trickle in for ever."""


class VirtualMonite:
    """A network on which each piece of an answer takes PAUSE seconds; `now` is the time."""

    def __init__(self, pieces):
        self.now = 0.0
        self._pieces = pieces

    def connect_tcp(self, _host, _port, **_):
        self._arriving = iter(self._pieces())
        return self

    def write(self, _content, timeout):
        assert timeout > 0

    def read(self, _most, timeout):
        ends = self.now + timeout
        while self.now + PAUSE <= ends:
            self.now += PAUSE
            if piece := next(self._arriving):
                return piece
        self.now = ends
        raise transport.httpcore_of(transport.httpx).ReadTimeout("timed out")

    def get_extra_info(self, _info):
        return None

    def close(self):
        pass


class OnALoop:
    """The same for an event loop."""

    def __init__(self, pieces):
        self._pieces = pieces

    async def connect_tcp(self, **_):
        self._arriving = iter(self._pieces())
        return self

    async def write(self, *_, **_options):
        pass

    async def read(self, *_, **_options):
        piece = b""
        while not piece:
            await asyncio.sleep(PAUSE)
            piece = next(self._arriving)
        return piece

    def get_extra_info(self, _info):
        return None

    async def aclose(self):
        pass


class Clock(selectors.DefaultSelector):
    """Moves the time of its loop, `now`, to the next timer when there is nothing else to do."""

    now = 0.0

    def select(self, timeout=None):
        events = super().select(0 if timeout else timeout)
        if timeout and not events:
            self.now += timeout
        return events


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self):
        self.clock = Clock()
        super().__init__(self.clock)

    def time(self):
        return self.clock.now


@pytest.mark.parametrize("pieces", TRICKLES.values(), ids=TRICKLES)
def test_a_thread_has_its_answer_within_a_second_of_the_deadline_whatever_trickles_in(pieces):
    monite = VirtualMonite(pieces)
    with (
        transport.blocking_client({}) as client,
        Deadline(DEADLINE, now=lambda: monite.now).kept(),
        transport.as_faults() as faults,
    ):
        client._transport._pool._network_backend = BlockingNetwork(monite)
        request = transport.as_sent(mint_request(SETTINGS, PARTNER))
        client.request(**request, timeout=transport.timeouts(SETTINGS, DEADLINE))
    assert len(faults) == 1
    assert DEADLINE <= monite.now <= DEADLINE + SLACK


@pytest.mark.parametrize("pieces", TRICKLES.values(), ids=TRICKLES)
def test_a_task_has_its_answer_within_a_second_of_the_deadline_whatever_trickles_in(pieces):
    async def ask():
        async with TokenBroker(SETTINGS, {}) as broker:
            runtime = broker.running.on_loop()
            runtime._http()._transport._pool._network_backend = OnALoop(pieces)
            loop = asyncio.get_running_loop()
            began = loop.time()
            assert isinstance(await runtime.send(mint_request(SETTINGS, PARTNER), within=DEADLINE), Fault)
            return loop.time() - began

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        waited = runner.run(ask())
    assert DEADLINE <= waited <= DEADLINE + SLACK


def test_a_task_connects_for_no_longer_than_the_timeout_for_that():
    settings = replace(SETTINGS, connect_timeout=DEADLINE / 4)

    async def hang(_address, _port, seconds, *_):
        async with asyncio.timeout(seconds):
            await asyncio.Event().wait()

    async def ask():
        async with TokenBroker(settings, {}) as broker:
            runtime = broker.running.on_loop()
            runtime._http()._transport._pool._network_backend = LoopSockets(
                transport.httpcore_of(transport.httpx), hang
            )
            loop = asyncio.get_running_loop()
            began = loop.time()
            assert isinstance(await runtime.send(mint_request(settings, PARTNER), within=DEADLINE), Fault)
            return loop.time() - began

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        assert runner.run(ask()) <= settings.connect_timeout
