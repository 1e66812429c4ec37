"""Which refusals cost a token: those that are about it, and of the others two mints at the most."""

import asyncio
import time as time_of_day

import pytest

from monite_auth import (
    PARTNER,
    MemoryStore,
    Principal,
    SQLiteStore,
    TokenBroker,
    errors,
)
from monite_auth.emulator import ANNA_ID, VIKTOR_ID, Fault
from monite_auth.engine import exchange
from monite_auth.processes.boot_clock import BootClock
from tests.at_once import in_threads
from tests.people import ANNA, PEOPLE, VIKTOR

ANNA_AGAIN = Principal("anna", session_id="anna-2")


class Time:
    """Epoch seconds that pass by themselves, and by more when a test says so."""

    def __init__(self) -> None:
        self.now = time_of_day.time()
        self._started = time_of_day.monotonic()

    def __call__(self) -> float:
        return self.now + time_of_day.monotonic() - self._started


@pytest.fixture
def time():
    return Time()


@pytest.fixture(params=["memory", "sqlite"])
def brokers(request, emulated, time, tmp_path):
    """Return a function that makes brokers over one store, as several processes have them."""
    made = []
    memory = MemoryStore(clock=time, requests_per_second=100_000)

    def make():
        store = memory
        if request.param == "sqlite":
            store = SQLiteStore(
                tmp_path / "tokens.db",
                keys=emulated.sealing_keys,
                clock=time,
                token_clock=time,
                boot_clock=BootClock("", time),
                requests_per_second=100_000,
            )
        made.append(TokenBroker(emulated, PEOPLE, clock=time, store=store))
        return made[-1]

    yield make
    for broker in made:
        broker.close()


@pytest.fixture(params=["threads", "tasks"])
def get(request):
    """Return a function that makes one call and gives its status."""

    async def aget(broker, path, principal):
        async with broker.aclient(principal) as client:
            return (await client.get(path)).status_code

    with asyncio.Runner() as runner:

        def call(broker, path="/payables", principal=ANNA):
            if request.param == "tasks":
                return runner.run(aget(broker, path, principal))
            return broker.client(principal).get(path).status_code

        yield call


def broken(emulator, path="/payables", *, status=401, message="Unauthorized"):
    """Have Monite's gateway refuse a path whatever the token."""
    return emulator.monite.faults.add(Fault(kind="status", path=path, status=status, message=message))


def mints(emulator, entity_user=ANNA_ID):
    return len(emulator.monite.ledger.mints(entity_user))


WORDS = "The token has been revoked, expired or not found."


@pytest.mark.parametrize(("status", "message"), [(401, "Unauthorized"), (400, WORDS), (403, WORDS)])
def test_100_calls_that_are_refused_whatever_the_token_cost_two_mints(
    brokers, emulator, time, get, status, message
):
    workers = [brokers() for _ in range(3)]
    broken(emulator, status=status, message=message)
    for number in range(100):
        assert get(workers[number % 3]) == status
        time.now += 3
    assert mints(emulator) == 2
    assert get(brokers(), "/entity_users/me") == 200
    assert mints(emulator) == 2


@pytest.mark.parametrize("message", ["Unauthorized", WORDS])
@pytest.mark.parametrize("age", [0, 3600])
def test_100_calls_at_once_cost_two_mints_in_threads(brokers, emulator, time, age, message):
    workers = [brokers() for _ in range(4)]
    emulator.monite.token_life = 86_400
    broken(emulator, message=message)
    workers[0].token(ANNA)
    time.now += age

    def poll(number):
        for _ in range(8):
            assert workers[number % 4].client(ANNA).get("/payables").status_code == 401

    in_threads(16, poll)
    assert mints(emulator) == (1 if age == 0 and message == "Unauthorized" else 2)


@pytest.mark.parametrize("message", ["Unauthorized", WORDS])
def test_100_calls_at_once_cost_two_mints_in_tasks(brokers, emulator, time, message):
    broker = brokers()
    emulator.monite.token_life = 86_400
    broken(emulator, message=message)
    broker.token(ANNA)
    time.now += 3600

    async def poll(client):
        for _ in range(4):
            assert (await client.get("/payables")).status_code == 401

    async def main():
        async with broker.aclient(ANNA) as client:
            await asyncio.gather(*[poll(client) for _ in range(25)])
        await broker.aclose()

    asyncio.run(main())
    assert mints(emulator) == 2


def test_a_401_says_nothing_about_a_token_that_was_minted_a_moment_ago(brokers, emulator, time, get):
    broken(emulator)
    for _ in range(10):
        assert get(brokers()) == 401
        time.now += exchange.TRUST_PERIOD / 11
    assert mints(emulator) == 1


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_token_that_monite_says_is_dead_is_replaced_at_once_however_new(brokers, emulator, get, status):
    emulator.monite.dead_token_status = status
    for number in range(1, 6):
        assert get(brokers()) == 200
        assert mints(emulator) == number
        for token in emulator.monite.ledger.mints(ANNA_ID):
            emulator.monite.ledger.revoke(token)


def test_a_token_that_died_without_words_is_replaced_within_a_moment(brokers, emulator, time, get):
    assert get(brokers()) == 200
    dead = broken(emulator)
    assert get(brokers()) == 401
    time.now += exchange.TRUST_PERIOD
    emulator.monite.faults.remove(dead.id)
    emulator.monite.faults.add(
        Fault(kind="status", path="/payables", status=401, message="Unauthorized", times=1)
    )
    assert get(brokers()) == 200
    assert mints(emulator) == 2


def test_after_an_exchange_that_did_not_help_a_death_is_noticed_when_its_time_is_over(
    brokers, emulator, time, get
):
    emulator.monite.token_life = 86_400
    fault = broken(emulator)
    get(brokers())
    time.now += exchange.TRUST_PERIOD
    assert get(brokers()) == 401
    emulator.monite.faults.remove(fault.id)
    for token in emulator.monite.ledger.mints(ANNA_ID):
        emulator.monite.ledger.revoke(token)
    assert get(brokers()) in (400, 401)
    time.now += exchange.COOLDOWN_AFTER_FUTILE
    assert get(brokers()) == 200
    assert mints(emulator) == 3


def test_what_one_user_is_refused_is_remembered_for_nobody_else(brokers, emulator, time, get):
    broken(emulator, message=WORDS)
    assert get(brokers()) == 401
    for principal, entity_user in ((VIKTOR, VIKTOR_ID), (PARTNER, None)):
        path = "/entity_users/me" if principal is VIKTOR else "/entities"
        before = mints(emulator, entity_user)
        assert get(brokers(), path, principal) == 200
        for token in emulator.monite.ledger.mints(entity_user):
            emulator.monite.ledger.revoke(token)
        assert get(brokers(), path, principal) == 200
        assert mints(emulator, entity_user) == before + 2


def test_all_sessions_of_a_slot_share_what_is_known(brokers, emulator, time, get):
    broken(emulator, message=WORDS)
    for _ in range(10):
        assert get(brokers(), principal=ANNA) == 401
        assert get(brokers(), principal=ANNA_AGAIN) == 401
    assert mints(emulator) == 2


def test_a_call_that_meets_an_exchange_of_another_is_sent_again_with_what_that_brings(broker, emulator):
    """Both were refused with the old token, and the second comes when the first has exchanged it."""
    old = broker.token(ANNA)
    assert broker.exchange(ANNA, old, certain=True) is True
    assert broker.exchange(ANNA, old, certain=True) is True
    new = broker.token(ANNA)
    assert broker.exchange(ANNA, old, certain=False) is True
    assert broker.token(ANNA) == new
    assert broker.exchange(ANNA, new, certain=True) is False
    assert broker.token(ANNA) == new
    assert mints(emulator) == 2


@pytest.mark.parametrize(
    "message", ["Invalid pagination token.", "Payment link token expired", "Invalid CSRF token"]
)
def test_other_tokens_are_none_of_ours(brokers, emulator, time, get, message):
    for status in (400, 403):
        fault = broken(emulator, status=status, message=message)
        time.now += 100
        assert get(brokers()) == status
        emulator.monite.faults.remove(fault.id)
    assert mints(emulator) == 1


@pytest.mark.parametrize("form", ["threads", "tasks"])
def test_a_role_that_is_refused_whatever_the_token_costs_no_more(brokers, emulator, time, form):
    broker = brokers()
    broken(emulator, "/entity_users/my_role", message=WORDS)

    with asyncio.Runner() as runner:
        for _ in range(20):
            with pytest.raises(errors.NotPermitted, match="could not be read"):
                runner.run(broker.arole(ANNA)) if form == "tasks" else broker.role(ANNA)
            time.now += 3
    assert mints(emulator) == 2


def test_the_second_answer_is_given_as_it_is_also_where_it_is_streamed(broker, emulator):
    broken(emulator, status=400, message=WORDS)
    with broker.client(ANNA).stream("GET", "/payables") as response:
        assert b"".join(response.iter_bytes()) == b'{"error":{"message":"' + WORDS.encode() + b'"}}'
