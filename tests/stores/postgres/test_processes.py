"""Many processes on one PostgreSQL: set-up once, forks with connections of their own, one mint, and a budget for all."""

from collections.abc import Callable

import pytest

from monite_auth import Principal
from monite_auth.processes.flows import run
from monite_auth.stores import Claimed, Priority, Slot
from monite_auth.stores.budget import HEADROOM
from monite_auth.stores.postgres import PostgresStore
from tests.at_once import in_processes
from tests.forking import FORKS, child_of, needs_fork
from tests.stores.harness import ALICE, HOME
from tests.stores.live import KEY, LiveGround
from tests.waiting import PATIENCE

PROCESSES = 6


def store_at(url: str) -> PostgresStore:
    return PostgresStore(url, keys=(KEY,), timeout=PATIENCE)


def claim(begin: Callable[[], object], number: int, url: str) -> bool:
    """Claim the slot as a process of its own, and say whether it may mint."""
    owner = f"process {number}"
    begin()
    operations = store_at(url).operations(blocking=True)
    return isinstance(run(operations.claim(HOME, ALICE, owner=owner, seconds=60, min_life=0)), Claimed)


def book(begin: Callable[[], object], _number: int, url: str) -> list[float]:
    """Ask for ten requests, and return how long to wait for each."""
    operations = store_at(url).operations(blocking=True)
    begin()
    return [run(operations.admit(Priority.USER, None, patience=600)).wait for _ in range(10)]


def test_promise_2_processes_that_start_at_once_set_up_once_and_one_of_them_mints(server):
    server.query("DROP SCHEMA IF EXISTS monite_auth CASCADE")
    may_mint = in_processes(PROCESSES, claim, server.url)
    assert may_mint.count(True) == 1
    assert server.query("SELECT version FROM monite_auth.schema_version") == [(1,)]


def test_promise_8_processes_that_ask_at_once_get_a_moment_each(server):
    waits = sorted(wait for each in in_processes(PROCESSES, book, server.url) for wait in each)
    assert len(waits) == 10 * PROCESSES
    assert (
        waits[-1] > (len(waits) - 1) / (30 * HEADROOM) - 10
    )  # less what has passed meanwhile, on a busy machine


@needs_fork
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
@pytest.mark.parametrize("fork", list(FORKS.values()), ids=list(FORKS))
def test_parent_and_child_have_connections_of_their_own(server, drive, fork):
    driver = drive(LiveGround(server.url), "blocking")
    driver.put("t")
    bob = Slot("bob", None, None), Principal("bob", session_id="bob-1")

    def child() -> bool:
        driver.put("childs", *bob)
        return [driver.peek(), driver.peek(*bob)] == ["t", "childs"]

    assert child_of(fork, child)
    assert driver.peek() == "t"
    assert driver.peek(*bob) == "childs"
    driver.put("parents")
    assert driver.peek() == "parents"
