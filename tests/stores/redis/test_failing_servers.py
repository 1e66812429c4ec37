"""A Redis server that crashes, hangs, is emptied, full or a replica: revocations survive, and callers are told in time."""

import asyncio
import time

import pytest

from monite_auth import Secret
from monite_auth.errors import StoreUnavailable
from tests.stores.harness import ALICE, BOB, BOBS, FORMS, HOME, Driver
from tests.stores.live import LiveGround, works
from tests.waiting import until


@pytest.mark.parametrize("form", FORMS)
def test_a_server_that_hangs_costs_a_caller_the_timeout_and_no_more(form, server, drive):
    ground = LiveGround(server.url)
    driver, newcomer = drive(ground, form, timeout=1.0), drive(ground, form, timeout=1.0)
    driver.put("t")

    def seconds_to_fail(each: Driver) -> float:
        started = time.monotonic()
        with pytest.raises(StoreUnavailable, match=r"did not answer within 1 s"):
            each.peek()
        return time.monotonic() - started

    with server.paused():
        for each in (driver, newcomer):
            # A busy machine may hold up one of them.
            assert 0.9 < min(seconds_to_fail(each) for _ in range(2)) < 2.0
    until(lambda: works(driver))
    assert driver.peek() == "t"


def test_a_server_that_hangs_holds_up_many_tasks_no_longer_than_one(server, drive):
    store = LiveGround(server.url).open(timeout=1.0)
    ops = store.operations(blocking=False)

    async def main() -> None:
        await asyncio.gather(*(ops.peek(HOME, ALICE) for _ in range(100)))
        with server.paused():
            started = time.monotonic()
            ended = await asyncio.gather(*(ops.peek(HOME, ALICE) for _ in range(200)), return_exceptions=True)
            assert {type(each) for each in ended} == {StoreUnavailable}
            assert (
                time.monotonic() - started < 20
            )  # or 50, if each of a few connections waited time and again
        for _ in range(3):
            await ops.peek(HOME, ALICE)
        assert len(server.admin.client_list(_type="normal")) < 60

    asyncio.run(main())


def test_a_store_that_was_emptied_begins_anew_and_all_processes_agree(server, form, drive, caplog):
    ground = LiveGround(server.url)
    one, other = drive(ground, form), drive(ground, form)
    one.put("old")
    one.put("bobs", slot=BOBS, principal=BOB)
    assert other.peek() == "old"
    server.admin.flushall()
    assert one.peek() is None
    one.put("new")
    assert other.peek() == "new"  # though it had the old data key
    third = drive(ground, form)
    third.run(third.ops.end_session(ALICE))
    assert one.has_ended(ALICE)
    assert other.peek() is None
    assert other.pending() == ["new"]
    assert one.peek(BOBS, BOB) is None
    assert caplog.text.count("has lost the data of the token store") == 2


def test_a_drainer_is_told_too_when_the_store_was_emptied(server, form, drive):
    ground = LiveGround(server.url)
    one, other = drive(ground, form), drive(ground, form)
    one.end("old")
    server.admin.flushall()
    other.end("new")
    assert one.pending() == ["new"]


def test_what_was_sealed_with_a_lost_data_key_is_let_alone(server, form, drive):
    driver = drive(LiveGround(server.url), form)
    driver.end("lost")
    # As a server would that drops keys when its memory is full.
    server.admin.delete(driver.store._keys._own.envelope)
    newcomer = drive(LiveGround(server.url), form)
    newcomer.end("kept")
    (kept,) = newcomer.run(newcomer.ops.due(9, seconds=1)).batch
    assert kept.token == Secret("kept")
    newcomer.run(newcomer.ops.settle(kept))
    assert newcomer.run(newcomer.ops.due(9, seconds=1)).next_in > 30
    assert driver.peek() is None
    newcomer.put("new")
    assert driver.peek() == "new"


def test_promise_5_a_replica_is_not_asked_though_it_would_answer(driver, server):
    driver.put("t")
    server.admin.replicaof("127.0.0.1", 1)
    server.admin.config_set("replica-serve-stale-data", "yes")
    try:
        with pytest.raises(StoreUnavailable):
            driver.peek()
    finally:
        server.admin.replicaof("NO", "ONE")
    assert driver.peek() == "t"


def test_promise_5_a_logout_works_when_the_memory_is_full(driver, server):
    driver.put("t")
    server.admin.config_set("maxmemory", 1)
    try:
        assert driver.peek() == "t"
        with pytest.raises(StoreUnavailable, match="refuses to work: .*memory"):
            driver.claim(slot=BOBS, principal=BOB)
        assert driver.run(driver.ops.end_session(ALICE)) == 1
        assert driver.pending() == ["t"]
    finally:
        server.admin.config_set("maxmemory", 0)
