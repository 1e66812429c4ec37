"""The one way to ask Monite: a turn in the request budget, a request, and a hold where Monite asks for one."""

import re
from pathlib import Path

import pytest

import monite_auth
from monite_auth import PARTNER, MemoryStore
from monite_auth.engine.api_client import SHORTEST_HOLD
from monite_auth.engine.asking import LONGEST_HOLD, Turn, send
from monite_auth.engine.runtime import run
from monite_auth.monite_api.answers import Fault
from monite_auth.monite_api.pauses import requested_pause
from monite_auth.monite_api.requests import mint_request
from monite_auth.stores import Priority
from monite_auth.stores.budget import HEADROOM, PROBE, SLOWER
from tests.scripted import World, refused, reply, settings

CORE = Path(monite_auth.__file__).parent
REQUEST = mint_request(settings(), PARTNER)


def world(*answers, requests_per_second=10):
    made = World(*answers)
    made.memory = MemoryStore(clock=made.clock, requests_per_second=requests_per_second)
    made.store = made.memory.operations(blocking=True)
    return made


def use_up(here, turns):
    for _ in range(turns):
        run(Turn(here).take(Priority.USER, until=here.now + 60))


def test_promise_8_there_is_one_way_to_take_a_turn_and_to_have_everybody_hold():
    asks = re.compile(r"\.(admit|hold)\(")
    flows = [
        each
        for wing in ("engine", "permissions", "provisioning", "outbound")
        for each in (CORE / wing).glob("*.py")
    ]
    assert [each.stem for each in flows if asks.search(each.read_text())] == ["asking"]


def test_promise_8_turns_come_at_the_rate_of_the_limit():
    here = world()
    began = here.now
    use_up(here, 11)
    assert here.now - began == pytest.approx(1, abs=0.1)


def test_promise_8_a_turn_that_would_come_too_late_is_not_waited_for():
    here = world(requests_per_second=1)
    use_up(here, 3)
    before = here.now
    wait = run(Turn(here).take(Priority.USER, until=here.now + 0.5))
    assert 0.5 < wait <= 1.1
    assert here.now == before


def test_promise_8_a_turn_keeps_its_place_while_its_owner_does_something_else():
    here = world(requests_per_second=1)
    use_up(here, 1)
    first, until = Turn(here), here.now + 60
    wait = run(first.take(Priority.USER, until=until, longest_sleep=0.1))
    assert wait > 0.5
    here.now += wait  # renewing a claim, say
    second = Turn(here)
    assert run(second.take(Priority.USER, until=until, longest_sleep=0.1)) > 0.5
    assert run(first.take(Priority.USER, until=until, longest_sleep=0.1)) == 0


def test_promise_8_a_user_who_asks_again_does_not_queue_again():
    here = world(requests_per_second=1)
    turn = Turn(here)
    use_up(here, 1)
    run(turn.take(Priority.USER, until=here.now + 60))
    for _ in range(5):  # others book the next moments meanwhile
        run(here.store.admit(Priority.USER, None, patience=60))
    assert run(turn.take(Priority.USER, until=here.now + 1.5)) == 0


@pytest.mark.parametrize(
    ("answer", "held"),
    [
        (reply(200, {}), 0),
        (reply(200, {}, {"retry-after": "7"}), 0),
        (refused(403), 0),
        (reply(403, {}, {"retry-after": "7"}), 0),
        (refused(500), 0),
        (Fault("timeout"), 0),
        (reply(429, {}), 1),
        (reply(429, {}, {"retry-after": "7"}), 7),
        (reply(503, {}, {"retry-after": "7"}), 7),
        (reply(408, {}, {"retry-after": "7"}), 7),
        (reply(429, {}, {"retry-after": "3000"}), LONGEST_HOLD),
        (reply(429, {}, {"retry-after": "0"}), SHORTEST_HOLD),
    ],
)
def test_promise_8_an_answer_that_asks_for_a_pause_holds_everybody(answer, held):
    here = world(answer, requests_per_second=1_000_000)
    sent = run(send(here, REQUEST, within=5, shortest_hold=SHORTEST_HOLD))
    assert sent == (answer, held)
    admission = run(here.store.admit(Priority.USER, None, patience=100))
    assert admission.wait == pytest.approx(held, abs=0.001)


@pytest.mark.parametrize("status", [200, 204, 400, 401, 403, 404, 409, 422])
def test_an_answer_that_is_final_asks_for_no_pause(status):
    assert requested_pause(reply(status, {}, {"retry-after": "5"}), now=0) is None


@pytest.mark.parametrize(("status", "pace"), [(429, SLOWER), (503, 1)])
def test_promise_8_a_429_lowers_the_pace_of_everybody_and_another_pause_does_not(status, pace):
    here = world(reply(status, {}, {"retry-after": "1"}), requests_per_second=100)
    run(send(here, REQUEST, within=5))
    here.now += 1
    run(here.store.admit(Priority.USER, None, patience=100))  # the probe
    here.now += PROBE
    waits = [run(here.store.admit(Priority.USER, None, patience=100)).wait for _ in range(2)]
    assert 1 / (waits[1] - waits[0]) == pytest.approx(100 * HEADROOM * pace, rel=0.05)
