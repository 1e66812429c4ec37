"""Promise 8 between processes, in real time; `python -m benchmarks` does it with 3,000 users, and counts Monite's 429s too.

Judged here is what this package decides, whatever else the machine does: how many requests the store lets leave within a second
and its jitter, and in which order. When they arrive at Monite is the machine's affair: a busy one holds them up for longer than
JITTER. What Monite says of requests that arrive within JITTER is judged in virtual time, by
`test_budget.py::test_promise_8_3000_cold_users_get_no_429_and_use_nearly_all_of_the_limit`.
"""

import pytest

from benchmarks.admissions import Admitted, booked_out_of_turn, most_within
from benchmarks.budget import LIMIT, rush
from monite_auth.emulator import Monite, serve
from tests.postgres_server import PostgresServer
from tests.redis_server import RedisServer


@pytest.mark.parametrize("kind", ["sqlite", "redis", "postgres"])
def test_promise_8_four_processes_keep_to_one_budget_first_come_first_served(kind, tmp_path):
    with serve(Monite()) as emulator:
        if kind == "sqlite":
            result = rush(emulator, f"sqlite:///{tmp_path}/tokens.db", users=120, processes=4)
        else:
            with RedisServer() if kind == "redis" else PostgresServer() as server:
                result = rush(emulator, server.url, users=120, processes=4)
    assert result.users == 120
    assert result.busiest <= LIMIT
    assert result.booked_out_of_turn == 0


def leaving(asked, answered):
    return Admitted(asked, answered, None, leaves=True)


def test_the_judge_counts_what_has_certainly_left_within_a_second():
    assert most_within(1, []) == 0
    assert most_within(1, [leaving(0, 0.1), leaving(0.5, 0.6), leaving(0.9, 1)]) == 3
    assert most_within(1, [leaving(0, 0.1), leaving(0.5, 0.6), leaving(0.9, 1.1)]) == 2
    assert most_within(1, [leaving(0, 5), leaving(4.5, 4.6)]) == 1
    assert most_within(1, [leaving(0, 0.1), Admitted(0.2, 0.3, 7.0, leaves=False)]) == 1


def test_the_judge_counts_who_has_certainly_been_overtaken():
    first, second = Admitted(0, 1, 10.0, leaves=False), Admitted(2, 3, 11.0, leaves=False)
    assert booked_out_of_turn([second, first]) == 0
    assert booked_out_of_turn([first, Admitted(0.5, 3, 9.0, leaves=False)]) == 0
    assert booked_out_of_turn([first, second, Admitted(2, 3, 9.0, leaves=False)]) == 1
    assert booked_out_of_turn([first, Admitted(2, 3, None, leaves=True)]) == 0
