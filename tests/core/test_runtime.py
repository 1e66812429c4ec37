"""How flows are run: real connections, what goes wrong on them, background work, closing."""

import asyncio
import gc
import sys
import threading
import time
import warnings
import weakref
from dataclasses import replace
from types import SimpleNamespace

import httpx2
import pytest

from monite_auth import PARTNER, EntityUser, Principal, Settings, TokenBroker, errors
from monite_auth.emulator import ANNA_ID, BAKERY_ID, DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, Fault
from monite_auth.engine import transport
from monite_auth.engine.blocking import BlockingRuntime
from monite_auth.engine.runtime import Closed, run
from monite_auth.monite_api.answers import Fault as Failure
from monite_auth.monite_api.requests import Request, mint_request
from monite_auth.processes.awaited import Awaited
from monite_auth.stores.memory import MemoryStore
from monite_auth.tokens import steady_clock
from tests.waiting import PATIENCE, auntil, until

ANNA = Principal("anna", session_id="anna-1")
PEOPLE = {"anna": EntityUser(ANNA_ID, BAKERY_ID)}

ON_THE_WAY = [
    Fault(kind="cut_before", path="/auth/token", times=1),
    Fault(kind="cut_after", path="/auth/token", times=1),
    Fault(kind="truncated", path="/auth/token", times=1),
    Fault(kind="invalid_json", path="/auth/token", times=1),
    Fault(kind="wrong_fields", path="/auth/token", times=1),
    Fault(kind="status", status=500, path="/auth/token", times=1),
    Fault(kind="wrong_fields", path="/auth/token", times=1, body={"padding": "x" * 100_000}),
]


@pytest.fixture(params=["threads", "tasks"])
def form(request):
    return request.param


def token(broker, form):
    async def atoken():
        async with broker:
            return await broker.atoken(ANNA)

    return broker.token(ANNA) if form == "threads" else asyncio.run(atoken())


@pytest.mark.parametrize("fault", ON_THE_WAY, ids=lambda fault: fault.kind)
def test_what_goes_wrong_on_a_real_connection_is_tried_again(broker, emulator, form, fault):
    emulator.monite.faults.add(fault)
    assert token(broker, form).expires_in > 1700
    assert len(emulator.monite.faults.hits) == 1


def test_a_monite_that_hangs_costs_the_read_timeout_and_another_try(emulator, form):
    hasty = Settings(
        client_id=DEMO_CLIENT_ID,
        client_secret=DEMO_CLIENT_SECRET,
        base_url=emulator.api_url,
        read_timeout=0.1,
    )
    emulator.monite.faults.add(Fault(kind="hang", path="/auth/token", times=1))
    with TokenBroker(hasty, PEOPLE) as broker:
        assert token(broker, form).expires_in > 1700


@pytest.mark.parametrize(
    "changes", [{"base_url": ""}, {"api_version": "2031-01-01"}], ids=["path", "version"]
)
def test_a_wrong_address_is_nobodys_own_fault_and_one_asks_for_all(emulator, form, changes):
    settings = Settings(
        **{
            "client_id": DEMO_CLIENT_ID,
            "client_secret": DEMO_CLIENT_SECRET,
            "base_url": emulator.api_url,
        }
        | changes
        | ({"base_url": emulator.url} if "base_url" in changes else {})
    )
    everybody = {f"user-{number}": PEOPLE["anna"] for number in range(5)}
    with TokenBroker(settings, everybody) as broker:
        for name in everybody:
            with pytest.raises(errors.MoniteUnavailable, match="MONITE_BASE_URL.*MONITE_API_VERSION"):
                broker.token(Principal(name, session_id="1")) if form == "threads" else asyncio.run(
                    broker.atoken(Principal(name, session_id="1"))
                )
    assert emulator.monite.ledger.tokens == []


def test_a_deadline_is_kept_when_nothing_answers(form):
    nowhere = Settings(
        client_id=DEMO_CLIENT_ID,
        client_secret=DEMO_CLIENT_SECRET,
        base_url="http://127.0.0.1:9/v1",
        deadline=2,
    )
    with (
        TokenBroker(nowhere, PEOPLE) as broker,
        pytest.raises(errors.MoniteUnavailable, match="ConnectError"),
    ):
        token(broker, form)


def test_the_brokers_own_calls_use_httpx2_where_it_is_installed():
    assert transport.httpx.__name__ == "httpx2"


def test_no_cookie_of_monite_travels_with_another_request(broker, monkeypatch):
    broker.token(ANNA)
    jar = broker._blocking()._of_callers.client().cookies.jar
    request = httpx2.Request("GET", broker.settings.base_url)
    response = httpx2.Response(200, headers={"set-cookie": "sticky=anna"}, request=request)
    httpx2.Cookies(jar).extract_cookies(response)
    assert list(jar) == []


def test_a_renewal_happens_behind_the_callers_back(emulator, emulated, form):
    now = [2_000_000_000.0]
    broker = TokenBroker(emulated, PEOPLE, clock=lambda: now[0])

    async def renew():
        async with broker:
            old = await broker.atoken(ANNA)
            now[0] = old.renew_at
            assert await broker.atoken(ANNA) == old
            end = time.monotonic() + PATIENCE
            while await broker.atoken(ANNA) == old:
                assert time.monotonic() < end
                await asyncio.sleep(0)

    if form == "tasks":
        asyncio.run(renew())
    else:
        old = broker.token(ANNA)
        now[0] = old.renew_at
        assert broker.token(ANNA) == old
        until(lambda: broker.token(ANNA) != old)
        broker.close()
    assert len(emulator.monite.ledger.tokens) == 2


@pytest.mark.parametrize("form", ["threads", "loop"])
def test_whoever_waits_for_something_goes_on_as_soon_as_it_is_finished(broker, form):
    awaited = Awaited()

    async def wait():
        await broker.running.on_loop().sleep(2 * PATIENCE, until=awaited)

    def be():
        asyncio.run(wait()) if form == "loop" else run(
            broker.running.blocking().sleep(2 * PATIENCE, until=awaited)
        )

    waiting = threading.Thread(target=be)
    waiting.start()
    awaited.wake()
    waiting.join(PATIENCE)
    assert not waiting.is_alive()
    be()  # whoever comes late does not wait at all


def test_background_threads_are_few_and_do_not_keep_a_process_alive(emulated, emulator):
    runtime = BlockingRuntime(emulated, MemoryStore(), steady_clock)
    busy = threading.Event()
    let_go = threading.Event()
    seen = []

    async def work():
        seen.append(threading.current_thread())
        busy.set()
        let_go.wait(PATIENCE)

    for _ in range(50):
        runtime.spawn(work())
    busy.wait(PATIENCE)
    assert len(runtime._background._threads) == 4
    let_go.set()
    runtime.close(within=20)
    assert len(seen) == 50
    assert all(thread.daemon for thread in seen)
    assert len(set(seen)) <= 4


def test_background_work_that_fails_is_logged_and_the_next_one_is_done(emulated, caplog):
    runtime = BlockingRuntime(emulated, MemoryStore(), steady_clock)
    done = threading.Event()

    async def fail():
        raise ValueError("oh no")

    async def work():
        done.set()

    runtime.spawn(fail())
    runtime.spawn(work())
    assert done.wait(PATIENCE)
    runtime.close(within=20)
    assert "Background work failed: ValueError: oh no" in caplog.text


def uwsgi(*options, worker=1):
    """Return what uWSGI puts into `sys.modules`."""
    given = dict.fromkeys(options, True)
    return SimpleNamespace(opt=given, numproc=1, worker_id=lambda: worker, mule_id=lambda: 0)


NO_THREADS = {"not enabled": uwsgi("http"), "not forked yet": uwsgi("enable-threads", worker=0)}


@pytest.mark.parametrize("server", NO_THREADS.values(), ids=NO_THREADS)
def test_where_threads_never_run_background_work_is_done_at_once_and_does_not_wait(
    emulated, monkeypatch, server
):
    monkeypatch.setitem(sys.modules, "uwsgi", server)
    runtime = BlockingRuntime(emulated, MemoryStore(), steady_clock)
    seen = []

    async def work():
        seen.append(threading.current_thread())
        await runtime.sleep(3000)
        seen.append("never")

    runtime.spawn(work())
    assert seen == [threading.current_thread()]
    monkeypatch.setitem(sys.modules, "uwsgi", uwsgi("enable-threads"))
    runtime.spawn(work())
    until(lambda: len(seen) == 2)
    assert seen[1] is not threading.current_thread()
    runtime.close(within=20)


def test_where_threads_never_run_a_flow_does_not_wait_after_another_that_it_has_spawned(
    emulated, monkeypatch
):
    monkeypatch.setitem(sys.modules, "uwsgi", uwsgi())
    runtime = BlockingRuntime(emulated, MemoryStore(), steady_clock)
    seen = []

    async def inner():
        seen.append("inner")

    async def outer():
        runtime.spawn(inner())
        await runtime.sleep(3000)
        seen.append("never")

    monkeypatch.setattr(runtime._closing, "wait", seen.append)
    runtime.spawn(outer())
    assert seen == ["inner"]


def test_a_logout_without_threads_revokes_within_the_request(emulated, emulator, monkeypatch):
    monkeypatch.setitem(sys.modules, "uwsgi", uwsgi())
    with TokenBroker(emulated, PEOPLE) as broker:
        broker.token(ANNA)
        broker.logout(ANNA)
        assert emulator.monite.ledger.live() == []


def test_a_drain_that_an_event_loop_takes_down_with_it_goes_on_in_a_thread(broker, emulator):
    order = emulator.monite.faults.add(Fault(kind="hang", path="/auth/revoke"))

    async def view():  # as frameworks run them that are not async themselves: on a loop of its own
        await broker.atoken(ANNA)
        await broker.alogout(ANNA)
        await auntil(lambda: order.hits)

    asyncio.run(view())
    emulator.monite.faults.clear()
    until(lambda: not emulator.monite.ledger.live())


def test_a_drain_that_goes_on_after_the_broker_was_closed_closes_its_connections(emulated, emulator):
    broker = TokenBroker(emulated, PEOPLE)

    async def view(broker):
        await broker.atoken(ANNA)
        broker.close()  # another thread does, say
        await broker.alogout(ANNA)

    asyncio.run(view(broker))
    until(lambda: not emulator.monite.ledger.live())
    broker.running.blocking()._background.join(within=20)
    with warnings.catch_warnings(record=True, action="always", category=ResourceWarning) as unclosed:
        gc.collect()
        unclosed.clear()  # what other tests have left
        del broker
        gc.collect()
    assert unclosed == []


def test_background_work_reads_the_certificates_no_second_time(broker):
    blocking = broker.running.blocking()
    callers, background = (each.client() for each in (blocking._of_callers, blocking._of_background))
    assert callers is not background
    assert callers._transport._pool._ssl_context is background._transport._pool._ssl_context


@pytest.mark.parametrize("per_second", [100_000, 2])
def test_closing_revokes_what_a_background_drain_was_at(emulated, emulator, per_second):
    with TokenBroker(replace(emulated, requests_per_second=per_second), PEOPLE) as broker:
        broker.token(ANNA)
        broker.logout(ANNA)  # the drain has to wait for the budget
    assert emulator.monite.ledger.live() == []


def test_closing_wakes_what_sleeps(emulated):
    runtime = BlockingRuntime(emulated, MemoryStore(), steady_clock)
    woken = []

    async def nap():
        try:
            await runtime.sleep(3000)
        except Closed:
            woken.append(True)
            raise

    runtime.spawn(nap())
    runtime.close(within=20)
    assert woken == [True]


def test_a_flow_that_suspends_in_a_thread_is_a_bug_and_says_so():
    class Elsewhere:
        def __await__(self):
            yield

    async def flow():
        await Elsewhere()

    with pytest.raises(RuntimeError, match="suspended outside an event loop"):
        run(flow())


def test_an_answer_that_never_ends_is_cut_off(emulated, emulator):
    emulator.monite.faults.add(
        Fault(kind="wrong_fields", path="/auth/token", body={"padding": "x" * 5_000_000})
    )
    runtime = BlockingRuntime(emulated, MemoryStore(), steady_clock)
    answer = run(runtime.send(mint_request(emulated, PARTNER), within=5))
    assert answer == Failure("the answer is too long")
    runtime.close(within=20)


def test_an_address_that_is_none_is_a_fault_and_no_crash(emulated):
    runtime = BlockingRuntime(emulated, MemoryStore(), steady_clock)
    request = Request("POST", "https://[::bad/v1", {})
    assert isinstance(run(runtime.send(request, within=1)), Failure)
    runtime.close(within=20)


@pytest.mark.parametrize(
    "header", ["Bearer some-token-of-many-letters\n", "Bearer some-token-of-m\u00e4ny-letters"]
)
def test_promise_9_a_header_that_cannot_be_sent_is_a_fault_and_not_quoted(broker, emulated, header):
    request = Request("POST", emulated.base_url, {"Authorization": header})

    async def asked():
        runtime = broker.running.on_loop()
        answer = await runtime.send(request, within=1)
        await runtime.aclose(within=20)
        return answer

    runtime = BlockingRuntime(emulated, MemoryStore(), steady_clock)
    for answer in (run(runtime.send(request, within=1)), asyncio.run(asked())):
        assert isinstance(answer, Failure)
        assert "letters" not in answer.reason
    runtime.close(within=20)


def test_event_loops_that_are_over_are_forgotten(broker):
    async def view():
        assert (await broker.aclient(ANNA).get("/entity_users/me")).status_code == 200

    loops = []
    for _ in range(3):
        with asyncio.Runner() as runner:
            loops.append(weakref.ref(runner.get_loop()))
            runner.run(view())
    del runner
    until(lambda: gc.collect() >= 0 and [loop() for loop in loops] == [None] * 3)
    assert (len(broker.running.on_loop), len(broker._pools._here().of_loop)) == (0, 0)


def test_a_broker_that_is_dropped_is_collected(emulated):
    broker = TokenBroker(emulated, PEOPLE)
    broker.token(ANNA)
    broker.close()
    gone = weakref.ref(broker)
    del broker
    until(lambda: gc.collect() >= 0 and gone() is None)


def test_promise_7_a_logout_does_not_fail_where_no_thread_can_be_started(broker, emulator, monkeypatch):
    def no_more(_thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", no_more)
    broker.token(ANNA)
    broker.logout(ANNA)
    monkeypatch.undo()
    assert len(emulator.monite.ledger.live()) == 1
    assert broker.drain().settled == 1
