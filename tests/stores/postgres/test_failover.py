"""A primary that goes away, and a standby that takes its place: the URL names both hosts."""

import pytest

from monite_auth.errors import StoreReadOnly, StoreUnavailable
from tests.postgres_server import PostgresServer
from tests.stores.harness import ALICE, BOB, BOBS, FORMS
from tests.stores.live import LiveGround, works
from tests.waiting import until

pytestmark = pytest.mark.parametrize("form", FORMS)


@pytest.fixture
def primary():
    with PostgresServer() as running:
        yield running


@pytest.fixture
def standby(primary):
    """A standby that the primary waits for, so that it has whatever has returned."""
    with PostgresServer(primary) as running:
        primary.wait_for_standby()
        yield running


def url_of(primary, standby, attributes=""):
    hosts = f"127.0.0.1:{primary.port},127.0.0.1:{standby.port}"
    return f"postgresql://admin@{hosts}/postgres{attributes}"


@pytest.mark.parametrize("attributes", ["", "?target_session_attrs=read-write"])
def test_promises_5_and_6_what_was_ended_stays_so_when_a_standby_takes_over(
    primary, standby, attributes, form, drive
):
    ground = LiveGround(url_of(primary, standby, attributes))
    driver = drive(ground, form)
    driver.end("t")
    driver.put("live")
    driver.run(driver.ops.end_session(BOB))
    primary.kill()
    for each in (driver, drive(ground, form)):
        with pytest.raises(StoreUnavailable):
            each.peek()
    standby.promote()
    until(lambda: works(driver))
    assert driver.peek() == "live"
    assert driver.has_ended(BOB, slot=BOBS)
    assert driver.pending() == ["t"]
    newcomer = drive(ground, form)
    assert newcomer.run(newcomer.ops.end_session(ALICE)) == 1


def test_a_primary_that_hangs_is_given_up_for_the_one_that_took_over(primary, standby, form, drive):
    driver = drive(LiveGround(url_of(primary, standby)), form, timeout=1.0)
    driver.put("t")
    with primary.paused():
        with pytest.raises(StoreUnavailable):
            driver.peek()
        standby.promote()
        until(lambda: works(driver))
        assert driver.peek() == "t"
        assert driver.run(driver.ops.end_session(ALICE)) == 1


def test_a_standby_is_never_asked_though_it_would_answer(primary, standby, form, drive):
    driver = drive(LiveGround(url_of(primary, standby)), form)
    driver.put("t")
    alone = drive(LiveGround(standby.url), form)
    with pytest.raises(StoreUnavailable, match="hot standby"):
        alone.peek()
    asking = "SELECT FROM pg_stat_activity WHERE application_name = 'monite-auth'"
    until(lambda: standby.query(asking) == [])


def test_a_primary_that_only_reads_is_one_unless_the_url_asks_for_one_that_writes(
    primary, standby, form, drive
):
    driver = drive(LiveGround(url_of(primary, standby)), form)
    writing = drive(LiveGround(url_of(primary, standby, "?target_session_attrs=read-write")), form)
    driver.put("t")
    assert writing.peek() == "t"
    with primary.read_only():
        assert driver.peek() == "t"
        with pytest.raises(StoreReadOnly):
            driver.run(driver.ops.end_session(ALICE))
        with pytest.raises(StoreUnavailable):
            writing.run(writing.ops.end_session(ALICE))
    until(lambda: works(writing))
    assert writing.run(writing.ops.end_session(ALICE)) == 1
