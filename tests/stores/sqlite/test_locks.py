"""Locks of the file: who finds it locked waits, for a time, without holding up the event loop or readers."""

import asyncio
import threading
import time
from types import SimpleNamespace

import pytest

from monite_auth.engine.runtime import run
from monite_auth.errors import StoreUnavailable
from monite_auth.stores import Claimed, Hit
from monite_auth.stores.sqlite import locks
from tests.stores.harness import ALICE, BOB, BOBS, HOME, Driver
from tests.waiting import PATIENCE


def test_who_finds_the_file_locked_for_too_long_is_told(ground, form, drive, raw):
    driver = drive(ground, form, busy_timeout=0.05)
    driver.put("t")
    raw().execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match=r"kept it locked for 0\.05 s") as caught:
        driver.run(driver.ops.end_session(ALICE))
    assert caught.value.retry_after == 1
    assert driver.peek() == "t"  # readers wait for nobody
    raw().execute("ROLLBACK")
    assert driver.run(driver.ops.end_session(ALICE)) == 1


def test_who_finds_the_file_locked_waits(driver, raw, monkeypatch):
    driver.put("t")
    raw().execute("BEGIN IMMEDIATE")
    pauses = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            raw().execute("ROLLBACK")

    monkeypatch.setattr(locks, "time", SimpleNamespace(sleep=pause, monotonic=time.monotonic))
    assert driver.run(driver.ops.end_session(ALICE)) == 1
    assert len(pauses) == 3
    assert max(pauses) < 0.01


def test_a_reader_that_is_locked_out_waits_too(driver, raw, monkeypatch):
    driver.put("t")
    driver.store.close()  # a reader with its own view of the file is not locked out
    raw().execute("PRAGMA locking_mode = EXCLUSIVE")
    raw().execute("BEGIN EXCLUSIVE")
    waiting = []

    def pause(_seconds: float) -> None:
        if not waiting:
            raw().close()
        waiting.append(threading.current_thread())

    monkeypatch.setattr(locks, "time", SimpleNamespace(sleep=pause, monotonic=time.monotonic))
    assert driver.peek() == "t"
    assert waiting
    assert (waiting[0] is threading.current_thread()) == (driver.form == "blocking")


async def test_promise_2_while_a_task_waits_for_a_lock_the_event_loop_goes_on_and_so_do_reads(
    ground, raw, monkeypatch
):
    store = ground.open()
    operations = store.operations(blocking=False)
    await operations.claim(HOME, ALICE, owner="me", seconds=5, min_life=0)
    raw().execute("BEGIN IMMEDIATE")
    waits = threading.Event()  # with the only connection that there is
    goes_on = threading.Event()

    def pause(_seconds: float) -> None:
        waits.set()
        goes_on.wait(PATIENCE)

    monkeypatch.setattr(locks, "time", SimpleNamespace(sleep=pause, monotonic=time.monotonic))
    ending = asyncio.create_task(operations.end_session(ALICE))
    assert await asyncio.to_thread(waits.wait, PATIENCE)
    assert await operations.peek(HOME, ALICE) is None
    assert await operations.peek(BOBS, BOB) is None
    assert not ending.done()
    raw().execute("ROLLBACK")
    goes_on.set()
    assert await ending == 0
    await store.aclose()


async def test_tasks_that_wait_for_a_locked_file_lose_patience_together(ground, raw):
    store = ground.open(busy_timeout=1.0)
    operations = store.operations(blocking=False)
    assert await operations.relink("alice") == 0
    raw().execute("BEGIN IMMEDIATE")
    began = time.monotonic()
    ended = await asyncio.gather(*(operations.relink("alice") for _ in range(50)), return_exceptions=True)
    assert {type(each) for each in ended} == {StoreUnavailable}
    assert (
        time.monotonic() - began < 6
    )  # one after the other, even over several connections, they take longer
    raw().execute("ROLLBACK")
    assert await operations.relink("alice") == 0
    await store.aclose()


async def test_promise_2_a_cancelled_task_leaves_no_lock_and_loses_no_token(ground, raw):
    store = ground.open()
    operations = store.operations(blocking=False)
    claimed = await operations.claim(HOME, ALICE, owner="me", seconds=5, min_life=0)
    raw().execute("BEGIN IMMEDIATE")
    fresh = Driver.token(SimpleNamespace(now=ground.now, ground=ground), "fresh")
    tasks = [
        asyncio.create_task(operations.commit(claimed.lease, fresh)),
        asyncio.create_task(operations.hold(1)),
    ]
    await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    assert all(task.cancelled() for task in tasks)
    raw().execute("ROLLBACK")
    assert isinstance(await operations.claim(BOBS, BOB, owner="me", seconds=5, min_life=0), Claimed)
    assert await operations.peek(HOME, ALICE) == fresh
    raw().execute("BEGIN IMMEDIATE")
    raw().execute("ROLLBACK")
    await store.aclose()


def test_a_transaction_that_breaks_off_changes_nothing(blocking, raw):
    blocking.put("t")
    raw().execute(
        "CREATE TRIGGER breaks_off BEFORE UPDATE OF state ON tokens BEGIN SELECT RAISE(ABORT, 'broken off'); END"
    )
    with pytest.raises(StoreUnavailable, match="broken off"):
        run(blocking.ops.end_user("alice"))
    raw().execute("DROP TRIGGER breaks_off")
    assert blocking.peek() == "t"
    assert isinstance(blocking.claim(), Hit)
