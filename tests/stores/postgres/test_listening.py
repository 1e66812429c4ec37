"""Mints of other processes: a waiter hears when they are over (LISTEN), and asks again where it hears nothing."""

import asyncio
import threading

import pytest

from monite_auth import PostgresStore
from monite_auth.errors import ConfigurationError
from monite_auth.stores import Busy, Hit
from tests.forking import FORKS, child_of, needs_fork
from tests.stores.harness import BOB, BOBS
from tests.stores.live import KEY, LiveGround
from tests.stores.postgres.test_pgbouncer import pgbouncer
from tests.waiting import until

LISTENERS = "FROM pg_stat_activity WHERE query ~ 'LISTEN|pg_backend_pid' AND application_name = 'monite-auth'"


@pytest.fixture
def other(server, form, drive):
    """Another process."""
    return drive(LiveGround(server.url), form)


def awaited(driver):
    """Wait until the driver hears of the mint in Alice's slot, and return what it waits for."""
    claims = []

    def hears():
        claims.append(driver.claim(owner="waiter"))
        assert isinstance(claims[-1], Busy)
        return claims[-1].mint is not None

    until(hears)
    return claims[-1].mint


def listeners(server):
    ((many,),) = server.query(f"SELECT count(*) {LISTENERS}")
    return many


def test_a_waiter_hears_that_another_process_has_stored_a_token(driver, other):
    lease = other.lease(owner="minter")
    mint = awaited(driver)
    assert not mint.is_finished
    other.commit(lease, "t")
    until(lambda: mint.is_finished)
    assert isinstance(driver.claim(owner="waiter"), Hit)


def test_a_waiter_hears_that_another_process_gives_up(driver, other):
    lease = other.lease(owner="minter")
    mint = awaited(driver)
    other.run(other.ops.abandon(lease))
    until(lambda: mint.is_finished)
    driver.lease(owner="waiter")


def test_a_waiter_hears_of_its_own_slot_only(driver, other):
    other.lease(owner="minter")
    mint = awaited(driver)
    other.put("bobs", slot=BOBS, principal=BOB)
    lease = other.lease(owner="minter")
    other.commit(lease, "t")
    until(lambda: mint.is_finished)
    other.run(other.ops.relink("alice"))
    other.lease(owner="minter")
    mint = awaited(driver)
    other.put("bobs other", slot=BOBS, principal=BOB)
    assert listeners_have_heard(driver, other)
    assert not mint.is_finished


def listeners_have_heard(driver, other):
    """Say whether the driver has heard all that was told before now."""
    lease = other.lease(slot=BOBS._replace(tenant="x"), principal=BOB, owner="minter")
    claims = []

    def hears():
        claims.append(driver.claim(slot=BOBS._replace(tenant="x"), principal=BOB, owner="waiter"))
        return claims[-1].mint is not None

    until(hears)
    other.run(other.ops.abandon(lease))
    until(lambda: claims[-1].mint.is_finished)
    return True


def test_all_of_a_process_listen_over_one_connection(server, drive):
    driver, minter = (drive(LiveGround(server.url), "blocking") for _ in range(2))
    minter.lease(owner="minter", seconds=60)
    minter.lease(slot=BOBS, principal=BOB, owner="minter", seconds=60)
    awaited(driver)
    threads = [threading.Thread(target=awaited, args=(driver,)) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    async def on_a_loop():
        ops = driver.store.operations(blocking=False)
        return await ops.claim(BOBS, BOB, owner="waiter", seconds=5, min_life=0)

    until(lambda: asyncio.run(on_a_loop()).mint is not None)
    assert listeners(server) == 1


def test_a_lost_connection_wakes_all_who_wait_and_they_ask_again(driver, other, server):
    lease = other.lease(owner="minter", seconds=60)
    mint = awaited(driver)
    server.query(f"SELECT pg_terminate_backend(pid) {LISTENERS}")
    until(lambda: mint.is_finished)
    assert driver.claim(owner="waiter").mint is None
    other.commit(lease, "t")
    assert isinstance(driver.claim(owner="waiter"), Hit)


def test_nothing_is_left_when_the_store_is_closed(driver, other, server):
    other.lease(owner="minter", seconds=60)
    mint = awaited(driver)
    assert listeners(server) == 1
    driver.close_store()
    until(lambda: listeners(server) == 0)
    until(lambda: mint.is_finished)
    until(lambda: all(each.name != "monite_auth_listener" for each in threading.enumerate()))
    awaited(driver)  # and it may begin again at once
    driver.close_store()


@needs_fork
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
@pytest.mark.parametrize("fork", list(FORKS.values()), ids=list(FORKS))
def test_a_child_listens_by_itself(server, drive, fork):
    driver, other = (drive(LiveGround(server.url), "blocking") for _ in range(2))
    lease = other.lease(owner="minter", seconds=60)
    mint = awaited(driver)

    def child():
        awaited(driver)
        return listeners(server) == 2

    server.query("SELECT 1")
    server._forget_admin()
    assert child_of(fork, child)
    other.commit(lease, "t")
    until(lambda: mint.is_finished)


def test_behind_a_pooler_nobody_listens_unless_at_a_direct_address(server, form, drive):
    with pgbouncer(server) as url:
        other = drive(LiveGround(server.url), form)
        other.lease(owner="minter", seconds=60)
        polling = drive(LiveGround(url), form)
        for _ in range(20):
            assert polling.claim(owner="waiter").mint is None
        listener = polling.store._listener()
        until(lambda: listener._thread is None)
        assert polling.claim(owner="waiter").mint is None
        assert listener._thread is None
        direct = drive(LiveGround(f"{url}?listen=127.0.0.1:{server.port}"), form)
        mint = awaited(direct)
        other.run(other.ops.relink("alice"))
        lease = other.lease(owner="minter")
        other.commit(lease, "t")
        until(lambda: mint.is_finished)


def test_nobody_listens_where_the_url_says_so(server, form, drive):
    driver, other = (drive(LiveGround(f"{server.url}?listen=no"), form) for _ in range(2))
    other.lease(owner="minter", seconds=60)
    for _ in range(5):
        assert driver.claim(owner="waiter").mint is None
    assert driver.store._listener()._thread is None


@pytest.mark.parametrize("listen", ["db", "db:", ":5432", "yes", "", "a:1,b"])
def test_an_address_to_listen_at_has_a_host_and_a_port(listen):
    with pytest.raises(ConfigurationError, match="listen=host:port"):
        PostgresStore(f"postgresql://me@db/app?listen={listen}", keys=[KEY])
