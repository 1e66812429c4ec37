"""Event loops that come and go: what they leave behind, what they leave undone, and in whose context work goes on."""

import asyncio
import gc
import sys
import threading
from contextvars import ContextVar
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from weakref import ref

import pytest

from monite_auth import Principal, TokenBroker
from monite_auth.emulator import Fault
from monite_auth.engine import drain
from monite_auth.engine.event_loop import AsyncRuntime
from monite_auth.engine.runtime import run
from tests.people import PEOPLE
from tests.redis_server import RedisServer
from tests.scripted import ALICE, BOB, World, numbered
from tests.untidy import untidy
from tests.waiting import auntil, until

ANNA = Principal("anna", session_id="anna-1")

LOOPS = 100
"""Event loops one after the other: what each of them left would be seen by far."""


def shuts_down(flow):
    asyncio.run(flow)


def is_only_closed(flow):
    loop = asyncio.new_event_loop()
    loop.run_until_complete(flow)
    loop.close()


def is_dropped(flow):
    asyncio.new_event_loop().run_until_complete(flow)


ENDS = pytest.mark.parametrize("loop_that", [shuts_down, is_only_closed, is_dropped])


@pytest.fixture(params=["memory", "sqlite", "redis"])
def stored(request, emulated, tmp_path):
    """Settings with each kind of store."""
    if request.param == "redis":
        with RedisServer() as server:
            yield replace(emulated, store_url=server.url)
    else:
        url = "memory://" if request.param == "memory" else f"sqlite:///{tmp_path}/store.db"
        yield replace(emulated, store_url=url)


def open_files():
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
@ENDS
@untidy
def test_event_loops_leave_no_files_runtimes_or_pools_behind_however_they_end(stored, emulator, loop_that):
    async def request(number):
        person = Principal("anna", session_id=str(number))
        await broker.atoken(person)
        assert (await broker.aclient(person).get("/entity_users/me")).status_code == 200
        if number % 3 == 0:
            await broker.alogout(person)

    def is_over():
        gc.collect()
        return not len(broker.running.on_loop) and not len(broker._pools._here().of_loop)

    with TokenBroker(stored, PEOPLE) as broker:
        for number in range(-10, 0):  # what the process keeps, whatever comes
            loop_that(request(number))
        until(is_over)
        before = open_files()
        for number in range(LOOPS):
            loop_that(request(number))
        until(is_over)
        until(lambda: open_files() <= before + 10)  # connections of the threads that took over


def tasks_and_runtimes():
    """Count what a loop in the middle of something has, whoever keeps it."""
    gc.collect()
    # By their types: to ask a proxy for its class may wake up what it stands for.
    return sum(issubclass(type(each), asyncio.Task | AsyncRuntime) for each in gc.get_objects())


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
@pytest.mark.parametrize("loop_that", [is_only_closed, is_dropped])
@untidy
def test_event_loops_that_end_in_the_middle_of_a_revocation_leave_nothing_behind(stored, emulator, loop_that):
    order = emulator.monite.faults.add(Fault(kind="hang", path="/auth/revoke"))

    async def request(number):
        await broker.atoken(person := Principal("anna", session_id=str(number)))
        hits = order.hits
        await broker.alogout(person)
        await auntil(lambda: order.hits > hits or order.hits >= drain.MOST_DRAINS)

    with TokenBroker(stored, PEOPLE) as broker:
        broker.token(ANNA)
        before, files = tasks_and_runtimes(), open_files()
        for number in range(20):
            loop_that(request(number))
        emulator.monite.faults.clear()
        until(lambda: not emulator.monite.ledger.live())
        until(lambda: tasks_and_runtimes() <= before)
        until(lambda: open_files() <= files + 10)  # connections of the threads that revoke


@untidy
def test_event_loops_that_are_closed_in_the_middle_of_a_mint_leave_nothing_behind(emulated, emulator):
    order = emulator.monite.faults.add(Fault(kind="hang", path="/auth/token"))

    async def begin(person):
        hits = order.hits
        tasks = [asyncio.create_task(broker.atoken(person)) for _ in range(2)]
        await auntil(lambda: order.hits > hits)
        return [ref(each) for each in tasks]

    with TokenBroker(emulated, lambda _: PEOPLE["anna"]) as broker:
        left = []
        for number in range(20):
            loop = asyncio.new_event_loop()
            left += loop.run_until_complete(begin(Principal(str(number), session_id="1")))
            loop.close()
        del loop
        emulator.monite.faults.clear()
        until(lambda: gc.collect() >= 0 and not len(broker.running.on_loop))
        until(lambda: gc.collect() >= 0 and [each() for each in left] == [None] * 40)


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
@untidy
def test_event_loops_that_are_closed_in_the_middle_of_a_call_of_the_application_leave_nothing_behind(
    emulated, emulator
):
    order = emulator.monite.faults.add(Fault(kind="hang", path="/entity_users/me"))

    async def begin():
        hits = order.hits
        asking = asyncio.create_task(broker.aclient(ANNA).get("/entity_users/me", timeout=None))
        await auntil(lambda: order.hits > hits)
        return ref(asking)

    with TokenBroker(emulated, PEOPLE) as broker:
        broker.token(ANNA)
        left, before = [], open_files()
        for _ in range(20):
            loop = asyncio.new_event_loop()
            left.append(loop.run_until_complete(begin()))
            loop.close()
        del loop
        emulator.monite.faults.clear()
        until(lambda: gc.collect() >= 0 and not len(broker._pools._here().of_loop))
        until(lambda: gc.collect() >= 0 and [each() for each in left] == [None] * 20)
        until(lambda: open_files() <= before + 10)  # connections of the threads that took over


@untidy
def test_a_broker_that_is_dropped_is_let_go_by_an_event_loop_that_goes_on(emulated):
    async def main():
        loop = asyncio.get_running_loop()
        for _ in range(3):
            broker = TokenBroker(emulated, PEOPLE)
            await broker.atoken(ANNA)
            await broker.aclient(ANNA).get("/entity_users/me")
            del broker
        await auntil(lambda: gc.collect() >= 0 and not loop._monite_auth)

    asyncio.run(main())


def test_event_loops_share_the_certificates(broker):
    async def contexts():
        own = broker.running.on_loop()._http()._transport._pool._ssl_context
        await broker.aclient(ANNA).get("/entity_users/me")
        return own, broker._pools._here().of_loop()._pool._ssl_context

    first, second = asyncio.run(contexts()), asyncio.run(contexts())
    assert (first[0] is second[0], first[1] is second[1]) == (True, True)


# -- what they leave undone


def log_out(broker, order):
    async def request():
        await broker.atoken(ANNA)
        await broker.alogout(ANNA)
        await auntil(lambda: order.hits)  # the drain is in the middle of it

    return request()


@pytest.mark.parametrize("loop_that", [is_only_closed, is_dropped])
@untidy
def test_promise_5_a_revocation_that_its_loop_did_not_live_to_see_is_done_in_an_idle_process(
    stored, emulator, loop_that
):
    order = emulator.monite.faults.add(Fault(kind="hang", path="/auth/revoke"))
    with TokenBroker(stored, PEOPLE) as broker:
        loop_that(log_out(broker, order))
        emulator.monite.faults.clear()
        until(lambda: not emulator.monite.ledger.live())


@untidy
def test_promise_5_nor_need_its_loop_run_again(stored, emulator):
    """As on a server that runs the loop only during requests."""
    with TokenBroker(stored, PEOPLE) as broker:
        loop = asyncio.new_event_loop()
        loop.run_until_complete(broker.atoken(ANNA))
        loop.run_until_complete(broker.alogout(ANNA))
        until(lambda: not emulator.monite.ledger.live())
        loop.run_until_complete(broker.aclose())
        loop.close()


# -- in whose context work goes on

whose = ContextVar("whose", default="nobody's")


def test_background_work_never_runs_in_the_context_of_a_request(broker, monkeypatch):
    seen = {}

    async def work(where):
        seen[where] = (whose.get(), threading.current_thread() is threading.main_thread())

    async def request():
        whose.set("a request's")
        broker.running.on_loop().spawn(work("event loop"))
        await auntil(lambda: "event loop" in seen)

    asyncio.run(request())
    token = whose.set("a request's")
    broker.running.blocking().spawn(work("thread"))
    until(lambda: "thread" in seen)
    monkeypatch.setitem(sys.modules, "uwsgi", SimpleNamespace(opt={}, worker_id=lambda: 1))
    broker.running.blocking().spawn(work("inside a request"))
    whose.reset(token)
    assert seen == {
        "event loop": ("nobody's", True),
        "thread": ("nobody's", False),
        "inside a request": ("nobody's", True),
    }


def test_a_directory_that_was_waited_for_leaves_nothing_of_the_request_in_the_loop(broker):
    """A loop keeps timers that were cancelled, and what they refer to, until their time has come."""

    class Session:
        """A database session, say."""

    async def request():
        session = Session()
        whose.set(session)
        assert await broker.running.on_loop().find(broker._directory, ANNA, within=600)
        return ref(session)

    async def main():
        earlier = asyncio.get_running_loop().call_later(300, print)  # those at the front are removed at once
        gc.disable()  # it may come upon loops of other tests, which then keep the context that it runs in
        try:
            session = await asyncio.create_task(request())
        finally:
            gc.enable()
        await auntil(lambda: gc.collect() >= 0 and session() is None)
        earlier.cancel()

    asyncio.run(main())


def test_a_mint_that_a_request_waits_for_runs_in_its_context(emulated):
    async def directory(principal):
        assert whose.get() == "a request's"  # as a database session of the request
        return PEOPLE[principal.user_id]

    async def request():
        whose.set("a request's")
        async with TokenBroker(emulated, directory) as broker:
            assert await broker.atoken(ANNA)

    asyncio.run(request())


# -- where nothing runs between requests


def revoke_at_once(emulated, within):
    return TokenBroker(replace(emulated, revoke_within=within, read_timeout=600), PEOPLE)


@pytest.mark.parametrize("form", ["thread", "task"])
def test_a_logout_revokes_before_it_returns_where_settings_say_so(emulated, emulator, form):
    with revoke_at_once(emulated, 20) as broker:
        broker.token(ANNA)
        if form == "thread":
            broker.logout(ANNA)
        else:
            asyncio.run(broker.alogout(ANNA))
        assert emulator.monite.ledger.live() == []


@pytest.mark.parametrize(("within", "revoked"), [(5, ["token-2", "token-1"]), (1, ["token-2"])])
def test_such_a_logout_waits_for_what_another_drain_is_at(within, revoked):
    """Its own token may be at one in the background, which is not to be frozen in the middle."""
    world = World(numbered(), revoke_within=within)
    world.value(ALICE), world.value(BOB)
    run(world.store.end_session(ALICE))
    assert run(world.store.due(1, seconds=drain.LEASE)).batch
    world.logout(BOB)
    assert world.revoked == revoked
    assert len(world.background) == (within == 1)


def test_promise_7_such_a_logout_neither_fails_nor_waits_for_longer(emulated, emulator):
    order = emulator.monite.faults.add(Fault(kind="hang", path="/auth/revoke"))
    with revoke_at_once(emulated, 2) as broker:
        broker.token(ANNA)
        broker.logout(ANNA)  # or this never returns
        until(
            lambda: order.hits
        )  # its own try, or one in the background if the machine was too busy for that
        assert len(emulator.monite.ledger.live()) == 1
        emulator.monite.faults.clear()
        until(lambda: not emulator.monite.ledger.live())


def test_a_logout_of_a_request_that_is_cancelled_meanwhile_goes_on_in_the_background(emulated, emulator):
    order = emulator.monite.faults.add(Fault(kind="hang", path="/auth/revoke"))

    async def request(broker):
        await broker.atoken(ANNA)
        leaving = asyncio.create_task(broker.alogout(ANNA))
        await auntil(lambda: order.hits)
        leaving.cancel()
        await asyncio.wait([leaving])
        emulator.monite.faults.clear()
        await auntil(lambda: not emulator.monite.ledger.live())

    with revoke_at_once(emulated, 20) as broker:
        asyncio.run(request(broker))


def test_without_a_background_such_a_logout_tries_once(emulated, emulator, monkeypatch):
    monkeypatch.setitem(sys.modules, "uwsgi", SimpleNamespace(opt={}, worker_id=lambda: 1))
    order = emulator.monite.faults.add(Fault(kind="hang", path="/auth/revoke"))
    with revoke_at_once(emulated, 2) as broker:
        broker.token(ANNA)
        broker.logout(ANNA)
        assert order.hits == 1
        emulator.monite.faults.clear()
