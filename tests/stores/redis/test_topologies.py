"""Sentinels, clusters and TLS: each serves every operation, and a failover or a node that hangs is survived."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from monite_auth import Principal
from monite_auth.engine.runtime import run
from monite_auth.errors import ConfigurationError, MoniteAuthError, StoreUnavailable
from monite_auth.identity import PARTNER
from monite_auth.stores import PARTNER_SLOT, Cooldown, CoolingDown, Priority, Slot
from tests.redis_server import RedisCluster, RedisServer, WatchedPair
from tests.stores.harness import FORMS, Driver
from tests.stores.live import LiveGround, user, works
from tests.stores.redis.ground import do_everything
from tests.waiting import PATIENCE, until


def test_a_failover_is_survived(drive):
    with WatchedPair() as pair:
        drivers = [drive(LiveGround(pair.url), form) for form in FORMS]
        drivers[0].end("pending")
        drivers[0].put("t")
        assert drivers[1].peek() == "t"
        pair.primary.admin.set("a write of this connection", "is what the next line waits for")
        assert pair.primary.admin.wait(1, 60_000) == 1
        pair.primary.kill()
        for driver in drivers:
            with pytest.raises(StoreUnavailable):
                driver.peek()
        pair.wait_for_failover()
        for driver in drivers:
            until(lambda driver=driver: works(driver))
            assert driver.peek() == "t"
        assert drivers[1].pending() == ["pending"]
        do_everything(drivers[1])
        assert drivers[0].has_ended(Principal("carol", session_id="carol-1"), slot=Slot("carol", None, None))


@pytest.mark.parametrize("form", FORMS)
def test_a_cluster_serves_users_of_all_its_nodes(cluster, form, drive):
    driver = drive(LiveGround(cluster.url), form)
    for number in range(60):
        driver.put(f"token-{number:02}", *user(number))
    assert all(node.admin.dbsize() > 10 for node in cluster.nodes)
    assert [driver.peek(*user(number)) for number in range(60)] == [
        f"token-{number:02}" for number in range(60)
    ]
    for number in range(30):
        assert driver.run(driver.ops.end_user(f"user-{number}")) == 1
    due = driver.run(driver.ops.due(10, seconds=60))
    assert len(due.batch) == 10
    for each in due.batch:
        driver.run(driver.ops.settle(each))
    assert len(driver.pending()) == 20
    assert driver.run(driver.ops.due(10, seconds=60)).next_in == pytest.approx(60, abs=5)
    driver.run(
        driver.ops.abandon(
            driver.lease(slot=PARTNER_SLOT, principal=PARTNER), Cooldown(1, "x", "y", everyone=True)
        )
    )
    assert all(isinstance(driver.claim(*user(number), min_life=1e9), CoolingDown) for number in range(30, 60))


@pytest.mark.parametrize("form", FORMS)
def test_every_operation_works_in_a_cluster(cluster, form, drive):
    do_everything(drive(LiveGround(cluster.url), form))


@pytest.mark.parametrize("form", FORMS)
def test_a_node_that_hangs_leaves_the_users_of_others_alone(cluster, form, drive):
    ground = LiveGround(cluster.url)
    drivers = [drive(ground, form, timeout=1.0) for _ in range(3)]
    for number in range(40):
        drivers[0].put(f"token-{number}", *user(number))
    for driver in drivers:
        driver.run(driver.ops.admit(Priority.USER, None, patience=9))

    def longest_wait(driver: Driver) -> float:
        waited, fine = [], 0
        for number in range(40):
            started = time.monotonic()
            try:
                fine += driver.peek(*user(number)) == f"token-{number}"
            except StoreUnavailable:
                waited.append(time.monotonic() - started)
            if len(waited) >= 2 and fine >= 2:
                return max(waited)
        raise AssertionError(f"{fine} were served, and {len(waited)} were not")

    with cluster.nodes[1].paused():
        # A busy machine may hold up one of them.
        assert min(longest_wait(driver) for driver in drivers) < 3.0
    until(cluster.is_whole)
    until(lambda: works(drivers[0]))
    patient = drive(ground, form)
    assert all(patient.peek(*user(number)) == f"token-{number}" for number in range(40))


def test_promise_11_a_node_that_is_gone_at_the_first_command_of_new_connections_is_a_part():
    with RedisCluster() as cluster:
        store = LiveGround(cluster.url).open()
        told = []

        def begin_and_peek(number: int) -> str | None:
            """Peek over new connections, and return the part that has failed."""
            store.close()
            try:
                run(store.operations(blocking=True).peek(*user(number)))
            except StoreUnavailable as error:
                told.append(str(error))
                return error.part or "all of it"
            return None

        assert begin_and_peek(0) is None
        cluster.nodes[1].kill()
        failed = {begin_and_peek(number) for number in range(20)}
        assert failed == {None, f"node 127.0.0.1:{cluster.nodes[1].port}"}
        assert all("cannot be reached" in each for each in told)  # also while it is left alone
        store.close()


@pytest.mark.parametrize("form", FORMS)
def test_sentinels_that_do_not_answer_are_told_by_their_addresses(form, drive):
    driver = drive(LiveGround("redis+sentinel://127.0.0.1:1,localhost:2/mymaster?sentinel_password=x"), form)
    with pytest.raises(StoreUnavailable) as caught:
        driver.peek()
    _, _, said = str(caught.value).partition("cannot be reached: ")
    assert "127.0.0.1:1 - " in said
    assert "localhost:2 - " in said
    assert "<" not in said


@pytest.mark.parametrize("form", FORMS)
def test_a_url_without_its_kind_is_told_which_kind_it_leads_to(cluster, form, drive):
    driver = drive(LiveGround(cluster.nodes[0].url), form)
    with pytest.raises(MoniteAuthError, match=r"begin MONITE_STORE_URL with redis\+cluster://"):
        for number in range(20):
            driver.peek(*user(number))
    with RedisServer(sentinel="# It watches nothing.\n") as sentinel:
        driver = drive(LiveGround(sentinel.url), form)
        with pytest.raises(ConfigurationError, match=r"begin MONITE_STORE_URL with redis\+sentinel://"):
            driver.peek()


@pytest.mark.parametrize("form", FORMS)
def test_tls_is_spoken_and_certificates_are_checked(form, drive):
    with RedisServer(tls=True) as server:
        do_everything(drive(LiveGround(server.url), form))
        stranger = drive(LiveGround(server.url.partition("?")[0]), form)
        with pytest.raises(StoreUnavailable, match="(?i)certificate"):
            stranger.peek()


@pytest.mark.parametrize("kind", [RedisCluster, WatchedPair])
def test_tls_is_spoken_with_clusters_and_sentinels_too(kind, drive):
    with kind(tls=True) as servers:
        for form in FORMS:
            driver = drive(LiveGround(servers.url), form)
            assert "rediss+" in repr(driver.store)
            do_everything(driver)
            for node in servers.nodes if kind is RedisCluster else [servers.primary]:
                node.admin.flushall()


@pytest.mark.parametrize("kind", [RedisServer, RedisCluster, WatchedPair])
@pytest.mark.parametrize("tls", [False, True], ids=["", "tls"])
def test_promise_11_names_are_resolved_although_the_application_has_all_threads_of_the_event_loop(kind, tls):
    ends = threading.Event()

    async def use(url: str) -> None:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(1))
        work = loop.run_in_executor(None, ends.wait, PATIENCE)
        store = LiveGround(url).open()
        try:
            assert await store.operations(blocking=False).end_user("alice") == 0
            assert not work.done()
        finally:
            ends.set()
            await work
            await store.aclose()

    with kind(tls=tls) as servers:
        asyncio.run(use(servers.url.replace("127.0.0.1", "localhost")))
