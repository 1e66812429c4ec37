"""Redis and PostgreSQL decide about the request budget in Lua and in SQL, as `Budget` does in Python."""

from functools import partial

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from monite_auth.stores import Budget, Priority
from tests import postgres_server, redis_server
from tests.stores.harness import PostgresGround, RedisGround

USER = Priority.USER
LATE = [(0.0, USER, 60.0, 0)] * 6 + [(2.5 * (n == 2), USER, 60.0, n) for n in range(2, 7)]
LATE += [(0.2 * (n == 7), USER, 60.0, n) for n in range(7, 12)] + [(0.0, USER, 60.0, 0)] * 3
"""Six book, all come late, go at once until the window is full, and come again."""

SLOW = [(0.0, "lower", 2.5, 0), (0.0, "throttled", 0.05, 0), *LATE, (61.0, "lower", 4.0, 0), *LATE]
"""The same before a limit that an answer has named, and after a 429."""

BACK = [*LATE, (-3600.0, USER, 60.0, 3), (0.0, "hold", 1.0, 0), (-3600.0, USER, 60.0, 3), *LATE]
"""The server's clock is set back, twice."""

CALL = Priority.CALL
CALLS = (
    [(0.0, CALL, 60.0, 0)] * 20
    + [(0.0, USER, 60.0, 0)] * 20
    + [(0.034, CALL, 60.0, n) for n in range(15, 21)]
)
CALLS += [(0.034, kind, 2.5, 0) for kind in Priority] + [(2.5, CALL, 0.05, n) for n in range(15, 21)]
"""Twenty calls, and twenty mints in front of those that wait; then renewals and revocations, and the calls once more."""

UNCHECKED = [*settings().suppress_health_check, HealthCheck.function_scoped_fixture]
"""Each example empties the server that its fixture shares with the others."""

requests = st.tuples(
    st.sampled_from([0.0, 0.001, 0.01, 0.034, 0.2, 2.5, 61.0, -0.5]),
    st.sampled_from([*Priority, "hold", "throttled", "lower"]),
    st.sampled_from([0.05, 1.0, 2.5, 20.0, 60.0]),
    st.integers(0, 12),
)


KINDS = {
    "redis": (RedisGround, redis_server.emptied),
    "postgres": (PostgresGround, postgres_server.emptied),
}
"""For each kind of store its ground, and how to empty its server."""


@pytest.fixture(params=KINDS)
def kind(request):
    return KINDS[request.param]


@pytest.fixture(params=[0.5, 5, 30, 1000])
def limited(tmp_path, drive, kind, request):
    """A limit, and a driver of a store that keeps to it."""
    ground, emptied = kind
    driver = drive(ground(tmp_path), "blocking", requests_per_second=request.param)
    return request.param, driver, partial(emptied, driver.ground.server)


@settings(max_examples=40, suppress_health_check=UNCHECKED)
@given(asked=st.lists(requests, max_size=25))
@example(asked=LATE)
@example(asked=SLOW)
@example(asked=BACK)
@example(asked=CALLS)
def test_promise_8_the_budget_of_a_server_is_the_budget_in_python(limited, asked):
    limit, timed, empty = limited
    empty()
    budget, tickets = Budget(), [None]
    for later, wish, number, which in asked:
        timed.advance(later)
        now = timed.ground.server.time()
        match wish:
            case "hold" | "throttled":
                timed.run(timed.ops.hold(number, throttled=wish == "throttled"))
                budget = budget.hold(now, number, throttled=wish == "throttled")
            case "lower":
                timed.run(timed.ops.lower_limit(number))
                budget = budget.lower_limit(now, number)
            case _:
                ticket = tickets[which % len(tickets)]
                budget, expected = budget.admit(now, limit, wish, ticket, number)
                assert timed.run(timed.ops.admit(wish, ticket, patience=number)) == expected
                tickets.append(expected.ticket)
