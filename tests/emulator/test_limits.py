"""Monite's request limit and the statistics of what came in."""

import pytest

from monite_auth.emulator import ANNA_ID, BAKERY_ID, Clock, Monite
from monite_auth.emulator.traffic.limits import Limiter


def test_the_default_limit_is_monites_30_requests_a_second():
    assert Monite().requests_per_second == 30


def test_requests_over_the_limit_are_refused_with_429_until_the_next_second(api, monite):
    monite.requests_per_second = 5
    answers = [api.mint(ANNA_ID) for _ in range(7)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 2
    assert answers[-1].headers["retry-after"] == "1"
    assert answers[-1].json()["error"]["message"]
    monite.clock.advance(1)
    assert api.mint(ANNA_ID).status_code == 200
    assert len(monite.ledger.tokens) == 6


@pytest.mark.parametrize(
    ("window", "arrivals", "admitted"),
    [
        (
            "fixed",
            (0.4, 0.6, 0.8, 0.95, 1.0, 1.1, 1.2, 1.3),
            (True, True, True, False, True, True, True, False),
        ),
        (
            "sliding",
            (0.4, 0.6, 0.8, 0.95, 1.0, 1.4, 1.5, 1.6),
            (True, True, True, False, False, True, False, True),
        ),
    ],
)
def test_a_window_is_a_second_of_the_clock_or_slides(window, arrivals, admitted):
    now = [0.0]
    limiter = Limiter(Clock(lambda: now[0]), 3, window)
    decisions = []
    for now[0] in arrivals:
        decisions.append(limiter.admit())
    assert tuple(each.admitted for each in decisions) == admitted
    refused = [each for each in decisions if not each.admitted]
    assert {each.remaining for each in refused} == {0}
    assert {each.resets_at for each in refused} <= {1, 2}
    assert refused[0].first_refusal


def test_the_limit_is_read_and_changed_over_http(api, monite):
    assert api.send("GET", "/_emulator/limit").json() == {"requests_per_second": 10_000, "window": "fixed"}
    changed = api.send("POST", "/_emulator/limit", json={"requests_per_second": 2, "window": "sliding"})
    assert changed.json() == {"requests_per_second": 2, "window": "sliding"}
    assert (monite.requests_per_second, monite.limit_window) == (2, "sliding")
    api.send("POST", "/_emulator/limit", json={"window": "fixed"})
    assert (monite.requests_per_second, monite.limit_window) == (2, "fixed")
    for wrong in ({"requests_per_second": 0}, {"window": "leaking"}, {"rate": 3}):
        assert api.send("POST", "/_emulator/limit", json=wrong).status_code == 422


def test_all_calls_of_the_partner_share_one_limit(api, monite):
    token = api.token(ANNA_ID)
    monite.requests_per_second = 3
    assert api.call("GET", "/payables", token, BAKERY_ID).status_code == 200
    assert api.mint(client_secret="wrong").status_code == 401
    assert api.call("GET", "/payables", token, BAKERY_ID).status_code == 429
    assert api.call("GET", "/nothing").status_code == 429


def test_the_control_endpoints_and_the_page_are_not_limited(api, monite):
    monite.requests_per_second = 1
    assert {api.send("GET", "/_emulator/clock").status_code for _ in range(5)} == {200}
    assert {api.send("GET", "/").status_code for _ in range(5)} == {200}
    assert monite.statistics.requests == {}


def test_answers_say_how_much_of_the_limit_is_left(api, monite):
    monite.requests_per_second = 2
    first, second, third = (api.mint(ANNA_ID).headers for _ in range(3))
    assert [headers["ratelimit-remaining"] for headers in (first, second, third)] == ["1", "0", "0"]
    assert first["ratelimit-limit"] == first["x-ratelimit-limit-second"] == "2"
    assert first["x-ratelimit-remaining-second"] == "1"
    assert int(first["ratelimit-reset"]) == int(monite.clock.now()) + 1


def test_requests_are_counted_by_path_and_status(api, monite):
    monite.requests_per_second = 4
    token = api.token(ANNA_ID)
    bill = monite.directory.payables.all(BAKERY_ID)[0].id
    api.call("GET", f"/payables/{bill}", token, BAKERY_ID)
    for _ in range(3):
        api.mint(client_secret="wrong")
    assert monite.statistics.requests == {
        ("/auth/token", 200): 1,
        ("/payables/{id}", 200): 1,
        ("/auth/token", 401): 2,
        ("/auth/token", 429): 1,
    }
    assert monite.statistics.throttled == 1


def test_what_is_no_operation_is_counted_together(api, monite):
    for path in ("/nothing", "/payables/nobody", "/payables/nobody/else"):
        assert api.call("GET", path, api.token(ANNA_ID), BAKERY_ID).status_code in {404, 422}
    counts = {path: count for (path, _), count in monite.statistics.requests.items()}
    assert set(counts) == {"/auth/token", "other"}


@pytest.mark.parametrize(("step", "second", "window"), [(0.0, 6, 6), (0.4, 3, 3), (1.0, 1, 1)])
def test_the_busiest_second_and_window_are_remembered(api, monite, step, second, window):
    for _ in range(6):
        api.mint(ANNA_ID)
        monite.clock.advance(step)
    assert monite.statistics.busiest_second == second
    assert monite.statistics.busiest_window == window


def test_a_second_may_be_busier_than_any_window(api, monite):
    monite.clock.advance(0.5)
    for _ in range(2):
        for _ in range(3):
            api.mint(ANNA_ID)
        monite.clock.advance(0.5)
    assert monite.statistics.busiest_second == 6
    assert monite.statistics.busiest_window == 3


def test_statistics_can_be_reset(api, monite):
    api.mint(ANNA_ID)
    monite.statistics.reset()
    assert monite.statistics.requests == {}
    assert monite.statistics.busiest_second == monite.statistics.last_second == 0
