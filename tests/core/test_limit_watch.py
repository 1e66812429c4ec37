"""The limit that Monite's answers name: read, told to the store, and kept to by all (promise 8)."""

import asyncio
import logging
from dataclasses import replace

import pytest

from monite_auth import PARTNER, EntityUser, MemoryStore, Principal, TokenBroker
from monite_auth.emulator import ANNA_ID, BAKERY_ID
from monite_auth.engine.asking import send
from monite_auth.engine.limit_watch import TELL_AGAIN
from monite_auth.engine.runtime import run
from monite_auth.monite_api.answers import Fault
from monite_auth.monite_api.limits import named_limit
from monite_auth.monite_api.requests import mint_request
from monite_auth.stores import Priority
from monite_auth.stores.budget import HEADROOM, LIMIT_AGE
from tests.scripted import World, reply, settings

REQUEST = mint_request(settings(), PARTNER)


def naming(limit):
    return reply(200, {}, {"x-ratelimit-limit-second": str(limit)})


def world(*answers, store=None):
    return World(*answers, store=store, requests_per_second=30)


def asked(here):
    run(send(here, REQUEST, within=5))


def pace(here):
    """Return how many requests a second may leave, as far as the limit goes."""
    first = run(here.store.admit(Priority.USER, None, patience=100))
    second = run(here.store.admit(Priority.USER, None, patience=100))
    here.now += second.wait + 1
    return 1 / ((second.wait - first.wait) * HEADROOM)


@pytest.mark.parametrize(
    ("headers", "limit"),
    [
        ({"x-ratelimit-limit-second": "10"}, 10),
        ({"ratelimit-limit": "10"}, 10),
        ({"ratelimit-limit": "10, 10;w=1"}, 10),
        ({"x-ratelimit-limit-second": " 5 ", "ratelimit-limit": "300"}, 5),
        ({"x-ratelimit-limit-second": "many", "ratelimit-limit": "10"}, 10),
        ({"ratelimit-limit": "1000, 10;w=1, 1000;w=60"}, 10),
        ({"ratelimit-limit": "10, 10;w=1, 30;w=1"}, 10),
        ({"ratelimit-policy": '"burst";q=30;w=1, "minute";q=10;w=60', "ratelimit": '"burst";r=3;t=1'}, 30),
        ({"ratelimit-policy": '"a";q=30;w=1, "b";q=12;w=1'}, 12),
        (
            {
                "ratelimit-policy": '"a, b";w=1;q=30;pk=:dGVzdA==:,"\\"c;";comment="x;y, z";q=20;qu="requests";w=1'
            },
            20,
        ),
        ({"ratelimit-policy": "10;w=1, 50;w=60"}, 10),
        ({"ratelimit-limit": "100;w=60", "ratelimit-policy": "10;w=1"}, 10),
    ],
)
def test_a_limit_per_second_is_read(headers, limit):
    assert named_limit(headers) == limit


@pytest.mark.parametrize("header", ["x-ratelimit-limit-second", "ratelimit-limit"])
@pytest.mark.parametrize(
    "value",
    [
        "",
        "0",
        "-1",
        "-10",
        "1.5",
        "ten",
        "1e3",
        "10 20",
        "0x10",
        "٣",
        "inf",
        "nan",
        "99999999",
        "10;w=60",
        "9" * 5000,
    ],
)
def test_a_header_that_says_no_limit_per_second_says_nothing(header, value):
    assert named_limit({header: value}) is None


@pytest.mark.parametrize(
    "value",
    [
        "",
        '"a";q=30',
        '"a";q=30;w=60',
        '"a";q=30;w=1;qu="content-bytes"',
        '"a";q=0;w=1',
        '"a";q=-5;w=1',
        '"a";q=1.5;w=1',
        '"a";w=1',
        '"a;q=30;w=1',
        '"a";q=30;w=1 "b";q=20;w=1',
        '"a";;q=30;w=1',
        '"a";q=30;w=1;' + '"' * 100,
        "".join(f'"{number}";q=30;w=1, ' for number in range(1000)),
        '"' + "\\" * 100_000,
        " ;" * 100_000,
    ],
)
def test_policies_without_a_limit_per_second_say_nothing(value):
    assert named_limit({"ratelimit-policy": value}) is None


@pytest.mark.parametrize("value", ["10, 10;w=60", "10, 20;w=1", "100;w=60"])
def test_the_limit_of_another_window_is_no_limit_per_second(value):
    assert named_limit({"ratelimit-limit": value}) is None


def test_promise_8_a_lower_limit_of_monites_is_kept_by_all_who_share_the_store():
    here = world(naming(10))
    other = world(naming(10), store=here.memory)
    other.now = here.now
    asked(here)
    assert pace(here) == pytest.approx(10, abs=0.001)
    other.now = here.now
    assert pace(other) == pytest.approx(10, abs=0.001)


@pytest.mark.parametrize(
    "answer", [naming(30), naming(31), naming(5000), naming(0), naming("x"), reply(200, {}), Fault("timeout")]
)
def test_promise_8_no_other_answer_changes_the_limit(answer, caplog):
    here = world(answer)
    asked(here)
    assert pace(here) == pytest.approx(30, abs=0.001)
    assert not caplog.records


def test_promise_8_a_limit_is_kept_as_long_as_answers_name_it_and_forgotten_then():
    here = world(naming(10))
    for _ in range(20):
        asked(here)
        here.now += 20
    assert pace(here) == pytest.approx(10, abs=0.001)
    here.answers = [naming(30)]
    here.now += LIMIT_AGE
    asked(here)
    assert pace(here) == pytest.approx(30, abs=0.001)


def test_one_log_line_says_that_the_limit_is_lower(caplog):
    here = world(naming(10))
    with caplog.at_level(logging.WARNING, "monite_auth"):
        for limit in (10, 10, 5, 10):
            here.answers = [naming(limit)]
            asked(here)
            here.now += 2 * LIMIT_AGE
    (record,) = caplog.records
    assert "limit of 10 requests/s" in record.getMessage()
    assert "30 of MONITE_REQUESTS_PER_SECOND" in record.getMessage()


def test_promise_8_one_log_line_for_all_threads_and_event_loops_of_a_process(emulator, emulated, caplog):
    emulator.monite.requests_per_second = 12
    people = {f"user-{number}": EntityUser(ANNA_ID, BAKERY_ID) for number in range(5)}
    with TokenBroker(replace(emulated, requests_per_second=30), people) as broker:
        broker.token(Principal("user-0", session_id="s"))
        for number in range(1, 4):
            asyncio.run(_token_on_a_loop(broker, f"user-{number}"))
        broker.token(Principal("user-4", session_id="s"))
        operations = broker.store.operations(blocking=True)
        waits = [run(operations.admit(Priority.USER, None, patience=60)).wait for _ in range(5)]
    assert waits[4] - waits[3] == pytest.approx(1 / (12 * HEADROOM), abs=0.005)
    assert [record.getMessage()[:40] for record in caplog.records] == [
        "Monite's answers name a limit of 12 requ"
    ]


async def _token_on_a_loop(broker, user):
    await broker.atoken(Principal(user, session_id="s"))
    await broker.aclose()


class Counting:
    """The operations of a store, with a count of what it was told of limits."""

    def __init__(self):
        self.told = []
        self._operations = MemoryStore().operations(blocking=True)

    def __getattr__(self, name):
        return getattr(self._operations, name)

    async def lower_limit(self, requests_per_second):
        self.told.append(requests_per_second)


def test_the_store_is_not_told_the_same_limit_with_every_answer():
    here = world(naming(10))
    here.store = Counting()
    for _ in range(100):
        asked(here)
        here.now += TELL_AGAIN / 50
    assert len(here.store.told) in (2, 3)
    here.now -= 3600  # the clock is set back
    asked(here)
    assert len(here.store.told) in (3, 4)
