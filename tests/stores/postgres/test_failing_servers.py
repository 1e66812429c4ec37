"""A PostgreSQL that crashes, hangs, takes no writes, no more connections, or is locked: revocations survive, callers are told in time."""

import time

import psycopg
import pytest

from monite_auth.errors import ConfigurationError, StoreReadOnly, StoreUnavailable
from monite_auth.processes.flows import run
from tests.postgres_server import PostgresServer
from tests.stores.harness import ALICE, BOB, BOBS, FORMS
from tests.stores.live import LiveGround, works
from tests.waiting import until


@pytest.mark.parametrize("form", FORMS)
def test_a_server_that_hangs_costs_a_caller_the_timeout_and_no_more(form, server, drive):
    ground = LiveGround(server.url)
    driver, newcomer = drive(ground, form, timeout=1.0), drive(ground, form, timeout=1.0)
    driver.put("t")
    with server.paused():
        for each in (driver, newcomer):
            started = time.monotonic()
            with pytest.raises(StoreUnavailable, match=r"did not answer within 1 s"):
                each.peek()
            assert time.monotonic() - started > 0.9
    until(lambda: works(driver))
    assert driver.peek() == "t"


def test_a_backend_that_was_killed_costs_nobody_an_error(driver, server):
    driver.put("t")
    server.end_backends()
    assert driver.peek() == "t"
    server.end_backends()
    assert driver.run(driver.ops.end_session(ALICE)) == 1
    assert driver.pending() == ["t"]


def test_a_server_that_was_restarted_costs_nobody_an_error(form, drive):
    with PostgresServer() as server:
        driver = drive(LiveGround(server.url), form)
        driver.put("t")
        server.stop()
        server.start()
        assert driver.peek() == "t"


def test_a_primary_that_takes_no_writes_hands_out_what_it_has(driver, server):
    driver.put("t")
    with server.read_only():
        assert driver.peek() == "t"
        with pytest.raises(StoreReadOnly, match="takes no writes"):
            driver.run(driver.ops.end_session(ALICE))
        assert driver.peek() == "t"
    assert driver.run(driver.ops.end_session(ALICE)) == 1


def test_a_record_that_another_session_has_locked_is_no_outage_of_the_others(driver, server):
    driver.put("t")
    driver.put("bobs", slot=BOBS, principal=BOB)
    alice = driver.store._keys._vault.user("alice")
    with psycopg.connect(server.url) as shell:
        shell.execute("SELECT FROM monite_auth.tokens WHERE user_name = %s FOR UPDATE", (alice,))
        # Over the default timeout, within which the server says it.
        impatient = driver.ground.open(timeout=1.0).of("").operations(blocking=True)
        with pytest.raises(StoreUnavailable, match="holds a lock") as caught:
            run(impatient.end_session(ALICE))
        assert caught.value.part is not None
        with pytest.raises(StoreUnavailable, match="holds a lock") as caught:
            driver.run(driver.ops.end_session(ALICE))
        assert caught.value.part is not None
        assert driver.peek() == "t"
        assert driver.run(driver.ops.end_session(BOB)) == 1
    assert driver.run(driver.ops.end_session(ALICE)) == 1


@pytest.mark.parametrize("form", FORMS)
def test_a_server_without_a_free_connection_serves_those_who_have_one(form, drive):
    with PostgresServer(max_connections="5", superuser_reserved_connections="1") as server:
        server.query("CREATE ROLE app LOGIN")
        server.query("GRANT CREATE ON DATABASE postgres TO app")
        ground = LiveGround(server.url_of("app"))
        driver, newcomer = drive(ground, form), drive(ground, form)
        driver.put("t")
        others = []
        with pytest.raises(psycopg.OperationalError):
            while True:
                others.append(psycopg.connect(server.url_of("app")))
        assert driver.peek() == "t"
        with pytest.raises(StoreUnavailable, match="connection slots|too many clients"):
            newcomer.peek()
        for each in others:
            each.close()
        until(lambda: works(newcomer))
        assert newcomer.peek() == "t"


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("whose", ["ROLE app", "DATABASE postgres"])
def test_a_user_or_a_database_without_a_connection_left_is_no_mistake_of_configuration(form, whose, drive):
    with PostgresServer() as server:
        server.query("CREATE ROLE app LOGIN")
        server.query("GRANT CREATE ON DATABASE postgres TO app")
        server.query(f"ALTER {whose} CONNECTION LIMIT 0")
        driver = drive(LiveGround(server.url_of("app")), form)
        with pytest.raises(StoreUnavailable, match="too many connections for"):
            driver.peek()
        server.query(f"ALTER {whose} CONNECTION LIMIT -1")
        driver.put("t")
        assert driver.peek() == "t"


def test_a_password_that_is_wrong_is_a_mistake_of_configuration(server, form, drive):
    driver = drive(LiveGround(server.url_of("nobody", "hunter2-but-longer")), form)
    with pytest.raises(ConfigurationError, match="Check user name, password") as caught:
        driver.peek()
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ("/nothere", 'database "nothere" does not exist'),
        ("?sslmode=verifyfull", 'invalid sslmode value: "verifyfull"'),
    ],
)
def test_a_database_and_a_mode_that_there_are_not_are_mistakes_of_configuration(
    server, form, drive, wrong, problem
):
    url = server.url.partition("?")[0].rpartition("/")[0] + wrong
    with pytest.raises(ConfigurationError, match=problem):
        drive(LiveGround(url), form).peek()


def test_a_store_that_was_emptied_begins_anew_and_all_processes_agree(server, form, drive, caplog):
    ground = LiveGround(server.url)
    one, other = drive(ground, form), drive(ground, form)
    one.put("old")
    assert other.peek() == "old"
    server.query("DROP SCHEMA monite_auth CASCADE")
    assert one.peek() is None
    one.put("new")
    other.run(other.ops.end_session(BOB))
    assert other.peek() == "new"
    assert caplog.text.count("has lost the data of the token store") == 2


def test_how_the_server_could_lose_a_logout_is_said_once(form, drive, caplog):
    with PostgresServer(synchronous_commit="off") as server:
        driver = drive(LiveGround(server.url), form)
        driver.put("t")
        driver.peek()
        assert caplog.text.count("synchronous_commit = off") == 1
        assert caplog.text.count("fsync = off") == 1
