"""Reads of SQLite: a hit is one indexed read in the caller's thread, and the status waits for no writer."""

import threading
from types import SimpleNamespace

import pytest

from monite_auth import Principal
from monite_auth.errors import StoreUnavailable
from monite_auth.stores import Status
from monite_auth.stores.sqlite.tokens import PEEK, PEEK_BY_DATE, PEEK_BY_SESSION
from tests.stores.harness import ALICE, HOME, Driver


async def test_a_hit_makes_no_thread_hop(ground):
    store = ground.open()
    operations = store.operations(blocking=False)
    claimed = await operations.claim(HOME, ALICE, owner="me", seconds=5, min_life=0)
    fresh = Driver.token(SimpleNamespace(now=ground.now, ground=ground), "fresh")
    assert await operations.commit(claimed.lease, fresh)
    threads = set()
    for connection in store._connections._stack:
        connection.set_trace_callback(lambda _statement: threads.add(threading.current_thread()))
    assert await operations.peek(HOME, ALICE) == fresh
    assert threads == {threading.current_thread()}
    await store.aclose()


@pytest.mark.parametrize("statement", [PEEK, PEEK_BY_SESSION, PEEK_BY_DATE])
def test_a_hit_is_one_indexed_read(blocking, raw, statement):
    blocking.put("t")
    asked = {"slot": "", "user": "", "session": "", "account": "", "by": 1.0, "now": 1.0, "ahead": 0.0}
    steps = [step[3] for step in raw().execute(f"EXPLAIN QUERY PLAN {statement}", asked)]
    assert any(step.startswith("SEARCH") for step in steps)
    for step in steps:
        assert not step.startswith("SCAN") or step == "SCAN CONSTANT ROW", step
        assert not step.startswith("SEARCH") or " PRIMARY KEY " in step or " INDEX " in step, step
    statements = []
    blocking.store._connections._stack[0].set_trace_callback(statements.append)
    for principal in (ALICE, Principal("alice"), Principal("alice", authenticated_at=blocking.now)):
        assert blocking.peek(principal=principal) == "t"
    assert len(statements) == 3


def test_status_and_backlog_are_reads_and_wait_for_no_writer(driver, ground, drive, raw):
    driver.end("ended")
    driver.put("t")
    raw().execute("BEGIN IMMEDIATE")
    opens_only_now = drive(ground, driver.form, busy_timeout=0.05)
    for each in (driver, opens_only_now):
        assert each.run(each.ops.status("alice")).live == 1
        assert each.run(each.ops.status("bob")) == Status(0, None)
        assert each.run(each.ops.backlog()) == 1
        assert each.peek() == "t"
    raw().execute("ROLLBACK")


def test_status_and_backlog_are_answered_by_a_connection_that_may_only_read(driver):
    driver.end("ended")
    driver.put("t")
    for connection in driver.store._connections._stack:
        connection.execute("PRAGMA query_only = ON")
    assert driver.run(driver.ops.status("alice")).live == 1
    assert driver.run(driver.ops.backlog()) == 1
    with pytest.raises(StoreUnavailable, match="read-only"):
        driver.run(driver.ops.hold(1))
