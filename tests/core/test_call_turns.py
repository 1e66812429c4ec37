"""Calls in the request budget: a turn for each request, within a small patience, and a hold where Monite asks for one."""

import asyncio
from dataclasses import replace

import httpx
import httpx2
import pytest

from monite_auth import PARTNER, TokenBroker, errors
from monite_auth.engine.runtime import run
from monite_auth.stores import InTurn, Priority
from tests.people import ANNA, PEOPLE, VIKTOR
from tests.redis_server import RedisServer
from tests.scripted import ALICE, World, numbered
from tests.stores.fallback.outage import Outage

DEAD = {"error": {"message": "The token has been revoked, expired or not found."}}


class Monite:
    """Answers calls as the test says. `during`: what happens while it is at work on the first of them."""

    def __init__(self, *answers, during=lambda: None):
        self.answers = list(answers)
        self.during = [during]
        self.asked = 0

    def answer(self, library):
        self.asked += 1
        if self.during:
            self.during.pop()()
        status, headers, body = self.answers.pop(0) if self.answers else (200, {}, {})
        return library.Response(status, headers=headers, json=body)


def transport(there, library):
    class Transport(library.BaseTransport, library.AsyncBaseTransport):
        def handle_request(self, request):
            return there.answer(library)

        async def handle_async_request(self, request):
            return there.answer(library)

    return Transport()


@pytest.fixture(params=["threads", "tasks", "threads of httpx2", "tasks of httpx2"])
def call(request):
    """Make one call of a broker's, with a client of the broker's own, or with httpx2's, and return the response."""
    form, _, other = request.param.partition(" of ")

    def blocking(broker, there, url="/payables", principal=ANNA, *, budget=True):
        if other:
            auth = broker.httpx2_auth(principal, budget=budget)
            base_url = broker.settings.base_url
            client = httpx2.Client(transport=transport(there, httpx2), auth=auth, base_url=base_url)
        else:
            client = broker.client(principal, budget=budget, transport=transport(there, httpx))
        with client:
            return client.get(url)

    async def on_a_loop(broker, there, url="/payables", principal=ANNA, *, budget=True):
        if other:
            auth = broker.httpx2_auth(principal, budget=budget)
            base_url = broker.settings.base_url
            client = httpx2.AsyncClient(transport=transport(there, httpx2), auth=auth, base_url=base_url)
        else:
            client = broker.aclient(principal, budget=budget, transport=transport(there, httpx))
        async with client:
            response = await client.get(url)
        await broker.aclose()
        return response

    if form == "threads":
        return blocking
    return lambda *args, **kwargs: asyncio.run(on_a_loop(*args, **kwargs))


@pytest.fixture(params=["memory", "sqlite", "redis"])
def shared(request, tmp_path, emulated):
    """Return brokers over one store: two processes, or the same one twice where nothing else shares the store."""
    if request.param == "memory":
        with TokenBroker(emulated, PEOPLE) as broker:
            yield broker, broker
    elif request.param == "sqlite":
        yield from two(replace(emulated, store_url=f"sqlite:///{tmp_path}/tokens.db"))
    else:
        with RedisServer() as server:
            yield from two(replace(emulated, store_url=server.url))


def two(settings):
    with TokenBroker(settings, PEOPLE) as one, TokenBroker(settings, PEOPLE) as other:
        yield one, other


def hold(broker, seconds):
    run(broker.store.operations(blocking=True).hold(seconds))


def held(broker):
    """Return the seconds for which nobody sends."""
    return run(broker.store.operations(blocking=True).admit(Priority.USER, None, patience=1000)).wait


def test_promise_8_a_call_waits_for_nobody_longer_than_its_patience(shared, call):
    one, other = shared
    one.token(ANNA)
    there = Monite()
    hold(other, 30)
    with pytest.raises(errors.RateLimited, match="longer than this call may wait") as caught:
        call(one, there)
    assert 20 < caught.value.retry_after <= 30
    assert there.asked == 0
    assert call(one, there, budget=False).status_code == 200


def test_promise_8_a_call_whose_turn_comes_within_its_patience_waits_for_it(shared, call):
    one, other = shared
    one.token(ANNA)
    hold(other, 0.2)
    assert call(one, Monite()).status_code == 200


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        ((429, {"Retry-After": "70"}, {}), 60),
        ((429, {"Retry-After": "7"}, {}), 7),
        ((503, {"Retry-After": "7"}, {}), 7),
    ],
)
def test_promise_8_an_answer_that_asks_for_a_pause_holds_everybody(broker, call, answer, seconds):
    broker.token(ANNA)
    there = Monite(answer)
    assert call(broker, there).status_code == answer[0]
    assert 0 < held(broker) <= seconds


def test_promise_8_a_429_to_a_call_holds_the_other_process(shared, call):
    one, other = shared
    one.token(ANNA)
    there = Monite((429, {"Retry-After": "30"}, {}))
    assert call(one, there).status_code == 429
    with pytest.raises(errors.RateLimited):
        call(other, there)
    with pytest.raises(errors.RateLimited):
        other.token(VIKTOR)
    assert there.asked == 1


@pytest.mark.parametrize(
    "answer", [(503, {}, {}), (200, {"Retry-After": "7"}, {}), (404, {"Retry-After": "7"}, {})]
)
def test_no_other_answer_holds_anybody(broker, call, answer):
    there = Monite(answer)
    call(broker, there)
    assert held(broker) < 1


@pytest.mark.parametrize("is_off", ["not asked for", "switched off"])
def test_calls_that_are_not_in_the_budget_neither_wait_nor_hold_anybody(broker, emulated, call, is_off):
    if is_off == "switched off":
        broker = TokenBroker(replace(emulated, call_patience=0), PEOPLE)
    broker.token(ANNA)
    there = Monite((429, {"Retry-After": "30"}, {}))
    budget = is_off == "switched off"
    assert call(broker, there, budget=budget).status_code == 429
    assert held(broker) < 1
    hold(broker, 30)
    assert call(broker, there, budget=budget).status_code == 200
    broker.close()


def test_promise_8_the_second_try_after_a_dead_token_takes_a_turn_of_its_own(broker, call):
    broker.token(ANNA)

    def somebody_replaces_it_and_monite_is_busy():
        broker.reject(ANNA, broker.token(ANNA))
        broker.token(ANNA)
        hold(broker, 30)

    there = Monite((401, {}, DEAD), during=somebody_replaces_it_and_monite_is_busy)
    with pytest.raises(errors.RateLimited):
        call(broker, there)
    assert there.asked == 1


def test_promise_8_the_answer_to_the_second_try_holds_everybody_too(broker, call):
    there = Monite((401, {}, DEAD), (429, {"Retry-After": "7"}, {}))
    assert call(broker, there).status_code == 429
    assert there.asked == 2
    assert 0 < held(broker) <= 7


def test_promise_8_a_lower_limit_is_kept_whether_or_not_the_call_is_in_the_budget(broker, call):
    for budget, limit in ((True, "10"), (False, "5")):
        call(broker, Monite((200, {"X-RateLimit-Limit-Second": limit}, {})), budget=budget)
        operations = broker.store.operations(blocking=True)
        moments = [run(operations.admit(Priority.USER, None, patience=60)).ticket.moment for _ in range(3)]
        assert moments[2] - moments[1] > 1 / int(limit)


def test_another_origin_takes_no_turn_and_holds_nobody(broker, call):
    hold(broker, 30)
    there = Monite((429, {"Retry-After": "300"}, {}))
    assert call(broker, there, "https://elsewhere.test/").status_code == 429
    assert held(broker) <= 30


def test_the_partners_calls_take_turns_too(broker, call):
    broker.partner_token()
    hold(broker, 30)
    with pytest.raises(errors.RateLimited):
        call(broker, Monite(), principal=PARTNER)


# -- in time that the test makes up


def turn(world, subject=ALICE):
    """Take the turn of one call, and return the token to call with."""
    return run(world.engine.tokens.token_in_turn(world, subject))


def book_for_users(world, count):
    return [run(world.store.admit(Priority.USER, None, patience=60)).wait for _ in range(count)]


def test_promise_8_a_call_goes_after_the_mints_that_wait():
    world = World(numbered())
    world.token()
    began = world.now
    last = book_for_users(world, 20)[-1]
    turn(world)
    assert last < world.now - began < last + 0.1


def test_promise_8_a_call_behind_too_many_mints_learns_at_once_when_to_come_again():
    world = World(numbered())
    world.token()
    last = book_for_users(world, 100)[-1]
    with pytest.raises(errors.RateLimited) as caught:
        turn(world)
    assert last < caught.value.retry_after < last + 0.1
    assert world.slept == []


def test_promise_8_a_call_that_mints_keep_from_its_turn_gives_up_when_its_patience_is_over():
    class Rush(World):
        async def sleep(self, seconds):
            book_for_users(self, 30)  # somebody else's, each time
            await super().sleep(seconds)

    world = Rush(numbered())
    world.token()
    book_for_users(world, 20)
    began = world.now
    with pytest.raises(errors.RateLimited):
        turn(world)
    assert 0 < world.now - began <= world.settings.call_patience


def test_promise_8_a_renewal_and_a_revocation_wait_while_a_call_does():
    world = World(numbered())
    world.token()
    world.logout()
    for _ in range(20):
        call = run(world.store.admit(Priority.CALL, None, patience=60))
    assert call.wait > 0
    assert run(world.store.admit(Priority.RENEWAL, None, patience=60)).wait > call.wait
    revocation = run(world.store.admit(Priority.REVOCATION, None, patience=60))
    assert not revocation.admitted
    assert revocation.wait > call.wait


class Recorded:
    """The operations of a store, and the names of those that were asked for."""

    def __init__(self, inner):
        self.inner, self.names = inner, []

    def __getattr__(self, name):
        self.names.append(name)
        return getattr(self.inner, name)


def test_a_call_asks_the_store_once_for_its_token_and_its_turn():
    world = World(numbered())
    world.token()
    world.now += 1
    recorded = world.store = Recorded(world.store)
    turn(world)
    assert recorded.names == ["peek_in_turn"]


class Meanwhile:
    """The operations of a store that only peeks for a call. Something happens before the first turn is asked for."""

    def __init__(self, world, happens):
        self.inner, self.happens = world.store, [happens]

    async def peek_in_turn(self, slot, principal, *, patience):
        return InTurn(await self.inner.peek(slot, principal), None)

    def __getattr__(self, name):
        if name == "admit" and self.happens:
            self.happens.pop()()
        return getattr(self.inner, name)


def test_promise_5_a_call_whose_session_is_logged_out_here_just_before_its_turn_is_not_made():
    world = World(numbered())
    world.token()
    world.now += 1
    world.store = Meanwhile(world, world.logout)
    with pytest.raises(errors.SessionEnded):
        turn(world)
    assert world.slept == []


def test_promise_5_a_call_whose_session_is_logged_out_elsewhere_while_it_waits_is_not_made():
    def logout_elsewhere():
        world.now += 0.01
        run(world.memory.operations(blocking=True).end_session(ALICE))

    world = World(numbered())
    world.token()
    world.now += 1
    world.store = Meanwhile(world, logout_elsewhere)
    with pytest.raises(errors.SessionEnded):
        turn(world)


def test_promise_3_a_call_that_has_waited_goes_with_the_token_of_that_moment():
    class Replaced(World):
        async def sleep(self, seconds):
            await super().sleep(seconds)
            if len(self.slept) == 1:
                run(self.engine.tokens.reject(self, ALICE, self.token()))

    world = Replaced(numbered())
    world.token()
    book_for_users(world, 2)
    assert turn(world).value.reveal() == "token-2"


def test_promise_8_while_the_store_is_down_the_calls_of_a_process_keep_to_its_own_budget():
    world = Outage(numbered())
    world.token()
    world.shared.is_down = True
    world.token()  # minted here
    began = world.now
    for _ in range(120):
        turn(world)
    assert 120 / 30 - 1 <= world.now - began <= 120 / 27
    run(world.store.hold(30))
    with pytest.raises(errors.RateLimited):
        turn(world)


def test_promise_11_a_call_of_somebody_who_was_not_seen_alive_is_not_made_while_the_store_is_down():
    world = Outage(numbered(), seen=())
    world.shared.is_down = True
    with pytest.raises(errors.StoreUnavailable):
        turn(world)
