"""Directories and authorize functions that are slow: they count against the deadline, are named, and deadlock with nobody."""

import asyncio
import contextvars
import subprocess
import sys
import threading
from collections import UserDict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from monite_auth import SecurityModel, TokenBroker, errors
from monite_auth.engine.runtime import run
from monite_auth.functions import AppFunction
from monite_auth.permissions.roles import Roles
from monite_auth.processes.threads import Threads
from tests.people import ANNA, PEOPLE
from tests.scripted import ALICE, ALICE_IN_MONITE, World, granted, settings
from tests.waiting import PATIENCE, auntil, threads_waiting, until


class SlowDirectory(UserDict[Any, Any]):
    """Answers after so many seconds of a world."""

    def __init__(self, seconds):
        super().__init__()
        self.seconds = seconds
        self.world = None

    def get(self, *_):
        self.world.now += self.seconds
        return ALICE_IN_MONITE


class TimedWorld(World):
    """Notes `given`: the seconds that each request may take."""

    def __init__(self, *answers, **changes):
        super().__init__(*answers, **changes)
        self.given = []

    async def send(self, request, *, within):
        self.given.append(within)
        return await super().send(request, within=within)


def world_with(directory, *answers):
    world = TimedWorld(*answers, directory=directory)
    directory.world = world
    return world


@pytest.fixture
def stuck():
    """A `def` that comes back when the test is over; `stuck.asked` counts its calls."""
    over = threading.Event()

    def function(*_):
        function.asked += 1
        over.wait(PATIENCE)

    function.asked = 0
    function.let_go = over.set
    yield function
    over.set()


# -- the deadline


def test_a_slow_directory_is_named_and_not_the_request_limit():
    world = world_with(SlowDirectory(9), granted())
    run(world.store.hold(12, throttled=True))  # 3 s that there is no time for any more
    with pytest.raises(errors.MoniteUnavailable, match=r"of the deadline of 10 s, the directory took 9\.0 s"):
        world.token()
    assert world.requests == []


def test_after_a_directory_that_took_all_of_the_time_nothing_else_is_waited_for():
    """A thread cannot leave a function that it has called itself: it may have the request's transaction."""
    world = world_with(SlowDirectory(30), granted())
    began = world.now
    with pytest.raises(
        errors.MoniteUnavailable, match=r"of the deadline of 10 s, the directory took 30\.0 s"
    ):
        world.token()
    assert (world.now - began, world.slept, world.requests) == (30, [], [])


def test_a_hold_longer_than_the_deadline_is_not_the_directorys_fault():
    world = world_with(SlowDirectory(1), granted())
    run(world.store.hold(30, throttled=True))
    with pytest.raises(errors.RateLimited):
        world.token()


def test_a_mint_gets_what_the_directory_has_left_of_the_deadline():
    world = world_with(SlowDirectory(8), granted())
    world.token()
    assert world.given == [pytest.approx(2)]


def test_a_role_is_read_within_the_deadline_of_one_call():
    world = world_with(SlowDirectory(8), granted())
    roles = Roles(world.settings, world.engine.tokens, world.clock)
    with pytest.raises(errors.MoniteAuthError):  # nothing that could be read
        run(roles.role(world, ALICE))
    assert world.given == [pytest.approx(2), pytest.approx(2, abs=0.1)]


async def never(*_):
    await asyncio.Event().wait()


@pytest.mark.parametrize("kind", ["def", "async def"])
@pytest.mark.parametrize("call", ["atoken", "aentity_user"])
def test_a_directory_that_hangs_is_left_at_the_deadline_and_named(stuck, kind, call):
    broker = TokenBroker(settings(deadline=0.3), stuck if kind == "def" else never)
    with pytest.raises(errors.MoniteUnavailable, match="directory"):
        asyncio.run(getattr(broker, call)(ALICE))


def test_the_error_of_a_directory_that_ran_out_of_time_by_itself_is_its_own():
    async def directory(_principal):
        raise TimeoutError("the database is slow")

    with pytest.raises(TimeoutError, match="the database is slow"):
        asyncio.run(TokenBroker(settings(), directory).atoken(ALICE))


def test_who_waits_for_somebody_elses_directory_is_told_so(stuck):
    broker = TokenBroker(settings(deadline=0.3), stuck)
    failures = []

    def lead():
        try:
            broker.token(ALICE)
        except errors.MoniteUnavailable as error:
            failures.append(str(error))

    leader = threading.Thread(target=lead)  # nobody can take it out of a function that it has called itself
    leader.start()
    until(lambda: stuck.asked)
    with pytest.raises(errors.MoniteUnavailable, match="still in progress, and waits for the directory"):
        broker.token(ALICE)
    stuck.let_go()
    leader.join()
    assert "of the deadline of 0.3 s, the directory took" in failures[0]


class Clock:
    """A clock that a slow authorize moves."""

    def __init__(self):
        self.now = 1_900_000_000.0

    def __call__(self):
        return self.now


@pytest.mark.parametrize("seconds", [6, 11])
def test_a_slow_authorize_counts_against_the_deadline_and_is_named(seconds):
    clock = Clock()

    def authorize(*_):
        clock.now += seconds
        return True

    nowhere = settings(base_url="http://127.0.0.1:9/v1", security_model=SecurityModel.PARTNER_MANAGED)
    broker = TokenBroker(nowhere, {"alice": ALICE_IN_MONITE}, authorize=authorize, clock=clock)
    run(broker.store.operations(blocking=True).hold(20, throttled=True))
    with pytest.raises(
        errors.MoniteUnavailable, match=rf"of the deadline of 10 s, authorize took {seconds}\.0 s"
    ):
        broker.client(ALICE).get("/payables")


def test_promise_4_a_token_that_is_there_is_used_however_slow_authorize_is(emulated):
    clock = Clock()

    def authorize(*_):
        clock.now += 11
        return True

    rooted = replace(emulated, security_model=SecurityModel.PARTNER_MANAGED)
    with TokenBroker(rooted, PEOPLE, authorize=authorize, clock=clock) as broker:
        broker._token(ANNA)
        assert broker.client(ANNA).get("/payables").status_code == 200


def test_an_authorize_that_hangs_is_left_at_the_deadline_and_named(stuck):
    model = settings(deadline=0.3, security_model=SecurityModel.PARTNER_MANAGED)
    broker = TokenBroker(model, {"alice": ALICE_IN_MONITE}, authorize=stuck)

    async def call():
        for asked in (broker.acan(ALICE, "payable", "read"), broker.aclient(ALICE).get("/payables")):
            with pytest.raises(errors.MoniteUnavailable, match="authorize took 0.3 s"):
                await asked

    asyncio.run(call())


# -- threads


def test_a_directory_answers_although_its_callers_block_all_of_asyncios_threads(emulated):
    asked = threading.Event()

    def directory(principal):
        asked.wait(PATIENCE)
        return PEOPLE[principal.user_id]

    async def use():
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(2))
        async with broker:
            leader = asyncio.create_task(broker.atoken(ANNA))
            await auntil(lambda: broker.running.engine.flights._flights)
            others = [asyncio.create_task(asyncio.to_thread(broker.token, ANNA)) for _ in range(2)]
            flight = next(iter(broker.running.engine.flights._flights.values()))
            await auntil(lambda: threads_waiting(flight) == 2)
            asked.set()
            return await asyncio.gather(leader, *others)

    broker = TokenBroker(
        replace(emulated, base_url=emulated.base_url.replace("127.0.0.1", "localhost")), directory
    )
    assert len({token.value.reveal() for token in asyncio.run(use())}) == 1


def test_functions_run_in_the_context_of_their_caller():
    seen = contextvars.ContextVar("seen")

    async def ask():
        seen.set("the caller's")
        return await AppFunction("directory", seen.get).acall()

    assert asyncio.run(ask()) == "the caller's"


def test_threads_are_few_and_one_that_nobody_waits_for_any_more_is_not_begun(stuck):
    threads = Threads(2, name="test")
    running = [threads.submit(stuck) for _ in range(2)]
    until(lambda: stuck.asked == 2)
    queued = [threads.submit(lambda: "done") for _ in range(2)]
    assert queued[0].cancel()
    stuck.let_go()
    assert queued[1].result(PATIENCE) == "done"
    assert [each.result(PATIENCE) for each in running] == [None, None]
    assert threads._threads <= 2


def test_threads_are_used_again_and_what_fails_is_told():
    threads = Threads(8, name="test")
    first = threads.submit(threading.current_thread).result(PATIENCE)
    until(lambda: threads._idle == 1)
    assert threads.submit(threading.current_thread).result(PATIENCE) is first
    assert first.daemon
    with pytest.raises(ZeroDivisionError):
        threads.submit(lambda: 1 / 0).result(PATIENCE)


def test_where_there_can_be_no_threads_the_caller_does_it(monkeypatch):
    def no_more(_thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", no_more)
    assert Threads(1, name="test").submit(threading.current_thread).result(0) is threading.current_thread()
    monkeypatch.undo()
    uwsgi = SimpleNamespace(opt={}, numproc=1, worker_id=lambda: 1, mule_id=lambda: 0)
    monkeypatch.setitem(sys.modules, "uwsgi", uwsgi)
    assert Threads(1, name="test").submit(threading.current_thread).result(0) is threading.current_thread()


def test_where_the_interpreter_ends_the_caller_does_it():
    """Python ends there what event loops left in the middle: a logout, say, that has to be written to the journal."""
    left = """
import os
from monite_auth.processes.threads import Threads

class Left:
    def __init__(self):
        self.itself = self
        self.threads = Threads(1, name="test")
        self.write = os.write

    def __del__(self):
        self.threads.submit(lambda: self.write(1, b"done")).result(5)

left = Left()
"""
    process = subprocess.run(
        [sys.executable, "-c", left], capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert (process.returncode, process.stdout, process.stderr) == (0, "done", "")
