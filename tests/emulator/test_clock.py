"""The emulator's clock: what can be done with it, in Python and over HTTP, and what nothing can do to it."""

import email.utils
import json
import math
from datetime import UTC, datetime

import pytest

from monite_auth.emulator import ANNA_ID, BAKERY_ID, Clock, Monite
from tests.emulator.conftest import NOON

NEW_YEAR = datetime(2030, 1, 1, tzinfo=UTC)
ABSURD = [1e12, 1e308, 1_767_000_000_000, math.inf, -math.inf, math.nan]


@pytest.fixture
def ticking():
    """A clock, and the list whose only number is the time of its source."""
    source = [1000.0]
    return Clock(lambda: source[0]), source


def test_a_clock_is_set_forward_and_back_and_goes_on(ticking):
    clock, source = ticking
    assert clock.set(5000) == clock.now() == 5000
    source[0] += 7
    assert clock.now() == 5007
    assert clock.set(10) == clock.now() == 10
    assert clock.ahead == 10 - source[0]
    assert clock.set(NEW_YEAR) == clock.now() == NEW_YEAR.timestamp()


def test_a_frozen_clock_stands_until_it_is_moved_or_unfrozen(ticking):
    clock, source = ticking
    assert clock.freeze() == 1000
    source[0] += 60
    assert (clock.now(), clock.ahead, clock.is_frozen) == (1000, -60, True)
    assert clock.advance(5) == clock.now() == 1005
    assert clock.set(2000) == clock.freeze() == clock.now() == 2000
    assert clock.freeze(NEW_YEAR) == clock.now() == NEW_YEAR.timestamp()
    assert clock.set(2000) == clock.unfreeze() == 2000
    source[0] += 1
    assert (clock.now(), clock.is_frozen) == (2001, False)
    assert clock.unfreeze() == 2001


def test_a_reset_brings_the_right_time_back(ticking):
    clock, source = ticking
    clock.advance(50)
    clock.freeze(9000)
    assert clock.reset() == clock.now() == source[0]
    assert (clock.ahead, clock.is_frozen) == (0, False)


@pytest.mark.parametrize("seconds", [*ABSURD, -1])
def test_no_advance_wedges_the_clock(ticking, seconds):
    clock, _ = ticking
    with pytest.raises(ValueError, match="emulator's clock"):
        clock.advance(seconds)
    assert (clock.now(), clock.pace()) == (1000, 1000)


@pytest.mark.parametrize("moment", [*ABSURD, -1, datetime(2030, 1, 1), datetime(2100, 1, 1, tzinfo=UTC)])  # noqa: DTZ001 - without a time zone, to be refused
def test_no_time_wedges_the_clock(ticking, moment):
    clock, _ = ticking
    for move in (clock.set, clock.freeze):
        with pytest.raises(ValueError, match="emulator's clock"):
            move(moment)
    assert (clock.now(), clock.pace(), clock.is_frozen) == (1000, 1000, False)


def test_a_clock_stands_still_at_its_ends(ticking):
    clock, source = ticking
    clock.set(4_102_444_799)
    source[0] += 1e9
    end = clock.now()
    assert datetime.fromtimestamp(end, UTC).year == 2099
    state = clock.state
    clock.reset()
    clock.restore(state)
    assert clock.now() == clock.freeze() == clock.unfreeze() == end
    source[0] += 1
    assert clock.now() == end
    clock.set(0)
    source[0] -= 1
    assert clock.now() == 0


@pytest.mark.parametrize("moment", [0, NEW_YEAR, 4_102_444_799])
def test_everything_works_at_every_time_that_can_be_set(api, monite, moment):
    monite.clock.freeze(moment)
    token = api.token(ANNA_ID)
    assert api.call("GET", "/payables", token, BAKERY_ID).status_code == 200
    assert api.send("GET", "/_emulator/live").status_code == 200
    assert api.send("POST", "/_emulator/reset").status_code == 204
    assert monite.clock.now() == NOON


@pytest.mark.parametrize("moment", [NOON - 3600, NOON + 3600])
def test_the_limit_goes_on_while_the_clock_stands_or_is_set_back(ticking, moment):
    clock, source = ticking
    monite = Monite(clock=clock, requests_per_second=1)
    clock.freeze(moment)
    assert [monite.limiter.admit().admitted for _ in range(2)] == [True, False]
    source[0] += 1
    admission = monite.limiter.admit()
    assert (admission.admitted, admission.resets_at) == (True, math.ceil(moment))


def test_no_request_counts_twice_when_the_clock_is_set_back(ticking):
    clock, source = ticking
    monite = Monite(clock=clock, requests_per_second=1)
    for _ in range(3):
        monite.statistics.arrived()
        assert monite.limiter.admit().admitted
        clock.set(500)
        source[0] += 1
    assert monite.statistics.busiest_second == monite.statistics.busiest_window == 1


@pytest.mark.parametrize(
    ("body", "now", "frozen"),
    [
        ({"advance": 300}, NOON + 300, False),
        ({"advance": 300, "freeze": True}, NOON + 300, True),
        ({"set": 1000.5}, 1000.5, False),
        ({"set": "2030-01-01T00:00:00Z"}, NEW_YEAR.timestamp(), False),
        ({"set": "2030-01-01T01:00:00+01:00", "freeze": True}, NEW_YEAR.timestamp(), True),
        ({"freeze": True}, NOON, True),
        ({"freeze": False}, NOON, False),
    ],
)
def test_the_clock_is_moved_and_frozen_over_http(api, monite, body, now, frozen):
    moved = api.send("POST", "/_emulator/clock", json=body)
    assert moved.json() == {"now": now, "ahead": now - NOON, "frozen": frozen}
    assert api.send("GET", "/_emulator/clock").json() == moved.json()
    assert (monite.clock.now(), monite.clock.is_frozen) == (now, frozen)
    (event,) = api.send("GET", "/_emulator/live").json()["events"]
    assert event["facts"] == {"seconds": round(now - NOON), "frozen": frozen}
    assert api.send("DELETE", "/_emulator/clock").json() == {"now": NOON, "ahead": 0, "frozen": False}
    assert monite.clock.now() == NOON


def test_a_frozen_clock_is_unfrozen_over_http(api, monite):
    monite.clock.freeze()
    body = {"set": 5000, "freeze": False}
    assert api.send("POST", "/_emulator/clock", json=body).json()["frozen"] is False
    assert monite.clock.now() == 5000


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"advance": -1}, "moves the emulator's clock forward"),
        ({"advance": 1e12}, "from 1970 to the end of 2099"),
        ({"advance": 1e308, "freeze": True}, "from 1970 to the end of 2099"),
        ({"advance": math.nan}, "not by nan seconds"),
        ({"set": 1_767_000_000_000}, "from 1970 to the end of 2099"),
        ({"set": math.inf, "freeze": True}, "from 1970 to the end of 2099"),
        ({"set": "tomorrow"}, "a date-time with a time zone: 2030-01-31T09:00:00Z"),
        ({"set": "2030-01-01T00:00:00"}, "a date-time with a time zone: 2030-01-31T09:00:00Z"),
        ({"set": 5, "advance": 5}, "give set or advance or freeze"),
        ({"set": True}, "a valid number"),
        ({"advance": "5"}, "a valid number"),
        ({"freeze": "yes"}, "a valid boolean"),
        ({}, "give set or advance or freeze"),
        ({"rewind": 5}, "Extra inputs are not permitted"),
    ],
)
def test_what_the_clock_cannot_do_is_refused_with_a_sentence(api, monite, body, sentence):
    refused = api.send(
        "POST", "/_emulator/clock", content=json.dumps(body), headers={"content-type": "application/json"}
    )
    assert refused.status_code == 422
    assert sentence in refused.text
    assert (monite.clock.now(), monite.clock.is_frozen) == (NOON, False)
    assert api.mint(ANNA_ID).status_code == 200


def test_answers_carry_the_emulators_date(api, monite):
    monite.clock.advance(86_400)
    date = email.utils.parsedate_to_datetime(api.mint(ANNA_ID).headers["date"])
    assert date.timestamp() == int(monite.clock.now())
