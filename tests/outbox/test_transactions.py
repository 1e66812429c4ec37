"""Endings of applications without Django: they hold when the application's transaction commits, whoever carries them out."""

import asyncio
import threading
import time
from contextlib import suppress
from dataclasses import replace

import psycopg
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session, scoped_session, sessionmaker
from sqlalchemy.pool import NullPool

from monite_auth import Principal, errors
from monite_auth.emulator import ANNA_ID, VIKTOR_ID
from monite_auth.outbox import write
from monite_auth.processes.flows import run
from tests.outbox.ground import all_end, live
from tests.people import ANNA, VIKTOR
from tests.waiting import until


def test_a_commit_ends_every_session_and_leaves_no_row(process, database, emulator):
    broker = process()
    broker.token(ANNA)
    broker.token(VIKTOR)
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE users SET is_active = false WHERE id = 'anna'"))
        broker.end_user_in(connection, "anna")
        assert live(emulator, ANNA_ID) == 1
    all_end(emulator, ANNA_ID)
    until(lambda: database.rows() == [])
    with pytest.raises(errors.SessionEnded):
        broker.token(ANNA)
    assert live(emulator, VIKTOR_ID) == 1


def test_a_rollback_leaves_nothing(process, database, emulator):
    broker = process()
    broker.token(ANNA)
    with pytest.raises(ZeroDivisionError), database.engine.begin() as connection:
        broker.end_user_in(connection, "anna")
        raise ZeroDivisionError
    broker.drain()
    assert database.rows() == []
    assert live(emulator, ANNA_ID) == 1
    assert broker.token(ANNA)


def test_a_rollback_to_a_savepoint_leaves_nothing(process, database, emulator):
    broker = process()
    broker.token(ANNA)
    broker.token(VIKTOR)
    with Session(database.engine) as session, session.begin():
        with suppress(ZeroDivisionError), session.begin_nested():
            broker.end_user_in(session, "anna")
            raise ZeroDivisionError
        broker.end_user_in(session, "viktor")
    all_end(emulator, VIKTOR_ID)
    assert live(emulator, ANNA_ID) == 1
    assert broker.token(ANNA)


def test_relink_in_revokes_the_tokens_and_sessions_go_on(process, database, emulator):
    broker = process()
    first = broker.token(ANNA)
    with database.engine.begin() as connection:
        broker.relink_in(connection, "anna")
    all_end(emulator, ANNA_ID)
    assert broker.token(ANNA).value != first.value


def test_another_process_finds_what_one_that_died_has_committed(process, database, emulator, shared):
    broker = process()
    broker.token(ANNA)
    left_by_a_process_that_died(database, shared)
    process().drain()
    assert database.rows() == []
    all_end(emulator, ANNA_ID)


def test_a_process_that_starts_looks_by_itself(process, database, emulator, shared):
    process().token(ANNA)
    left_by_a_process_that_died(database, shared)
    process().token(VIKTOR)
    all_end(emulator, ANNA_ID)
    until(lambda: database.rows() == [])


def test_an_adrain_looks_too(process, database, emulator, shared):
    async def main():
        broker = process()
        await broker.atoken(ANNA)
        left_by_a_process_that_died(database, shared)
        await broker.adrain()
        await asyncio.to_thread(all_end, emulator, ANNA_ID)
        await broker.aclose()

    asyncio.run(main())


def test_a_process_that_ends_in_good_order_carries_out_what_it_has_committed(process, database, emulator):
    process().token(ANNA)
    with process() as script, database.engine.begin() as connection:
        script.end_user_in(connection, "anna")
        connection.commit()
    assert database.rows() == []
    all_end(emulator, ANNA_ID)


def left_by_a_process_that_died(database, settings, *, ago=0.0):
    """Commit an ending, written so many seconds ago, that nobody has carried out."""
    with database.engine.begin() as connection:
        run(write(connection, settings.account_name, "end_user", "anna"))
        connection.execute(text("UPDATE monite_endings SET at = at - :ago"), {"ago": ago})


# -- moments


def test_a_session_that_began_after_the_ending_goes_on(process, database, shared):
    broker = process()
    broker.login(ANNA)
    left_by_a_process_that_died(database, shared, ago=60)
    later = Principal("anna", session_id="anna-2", authenticated_at=time.time())
    broker.login(later)
    broker.drain()
    assert broker.token(later)


def test_a_session_that_began_before_the_ending_ends_however_late_it_is_found(process, database, shared):
    old = Principal("anna", session_id="anna-2", authenticated_at=time.time() - 600)
    left_by_a_process_that_died(database, shared, ago=300)
    broker = process()
    broker.drain()
    with pytest.raises(errors.SessionEnded):
        broker.token(old)


def test_a_session_that_began_while_the_transaction_was_open_ends(process, database, shared):
    broker = process()
    broker.drain()  # it looks, and finds nothing yet
    meanwhile = Principal("anna", session_id="anna-2")
    broker.login(meanwhile)
    broker.drain()
    left_by_a_process_that_died(database, shared, ago=60)  # written before all that, and committed now
    broker.drain()
    with pytest.raises(errors.SessionEnded):
        broker.token(meanwhile)


# -- connections


on_postgres = pytest.mark.parametrize("database", ["postgres"], indirect=True)


@on_postgres
def test_psycopg_connections_write_and_find(process, app_postgres, emulator, database):
    url = app_postgres.url
    broker = process(outbox=lambda: psycopg.connect(url, row_factory=psycopg.rows.dict_row))
    broker.token(ANNA)
    with psycopg.connect(url, row_factory=psycopg.rows.dict_row) as connection:
        broker.end_user_in(connection, "anna")
    all_end(emulator, ANNA_ID)
    until(lambda: database.rows() == [])


@on_postgres
async def test_async_connections_of_psycopg(process, app_postgres, emulator, database):
    url = app_postgres.url
    broker = process(outbox=lambda: psycopg.connect(url))
    await broker.atoken(ANNA)
    async with await psycopg.AsyncConnection.connect(url) as connection:
        await broker.aend_user_in(connection, "anna")
    all_end(emulator, ANNA_ID)
    await broker.aclose()


@on_postgres
async def test_async_connections_and_engines_of_sqlalchemy(process, emulator, database):
    engine = create_async_engine(database.url)
    broker = process(outbox=create_async_engine(database.url, poolclass=NullPool))
    for make in (engine.begin, async_sessionmaker(engine).begin):
        await broker.atoken(VIKTOR)
        async with make() as connection:
            await broker.arelink_in(connection, "viktor")
        await asyncio.to_thread(all_end, emulator, VIKTOR_ID)
    await broker.aclose()
    await engine.dispose()


@pytest.mark.parametrize("source", [sessionmaker, lambda engine: engine.begin])
def test_an_outbox_is_an_engine_a_sessionmaker_or_a_function(process, database, emulator, source):
    broker = process(outbox=source(database.engine))
    broker.token(ANNA)
    session = scoped_session(sessionmaker(database.engine))
    broker.end_user_in(session, "anna")
    session.commit()
    session.remove()
    all_end(emulator, ANNA_ID)
    until(lambda: database.rows() == [])


def test_what_is_no_connection_is_refused(process, database):
    broker = process()
    with pytest.raises(TypeError, match="psycopg.*SQLAlchemy"):
        broker.end_user_in(object(), "anna")
    with pytest.raises(TypeError, match="psycopg.*SQLAlchemy"):
        broker.end_user_in(database.engine, "anna")
    with pytest.raises(TypeError, match="await broker.aend_user_in"):
        broker.end_user_in(AsyncSession(), "anna")
    with database.engine.begin() as connection, pytest.raises(TypeError, match="user_id"):
        broker.end_user_in(connection, 17)
    with pytest.raises(errors.ConfigurationError, match="outbox"):
        process(outbox=17)


def test_another_kind_of_database_is_refused(process):
    class Elsewhere(Session):
        def get_bind(self, **_):
            return create_engine("sqlite://").execution_options()

        def execute(self, *_):
            raise AssertionError

    Elsewhere.get_bind = lambda self: type("Bound", (), {"dialect": type("D", (), {"name": "oracle"})})
    with pytest.raises(errors.ConfigurationError, match="PostgreSQL or SQLite.*oracle"):
        process().end_user_in(Elsewhere(), "anna")


def test_a_broker_without_an_outbox_says_so(process, database):
    with database.engine.begin() as connection, pytest.raises(errors.ConfigurationError, match="outbox="):
        process(outbox=None).end_user_in(connection, "anna")


# -- troubles


def test_a_missing_table_is_the_applications_error_and_no_trouble_for_others(process, database, caplog):
    broker = process()
    database.execute("DROP TABLE monite_endings")
    with pytest.raises(Exception, match="monite_endings"), database.engine.begin() as connection:
        broker.end_user_in(connection, "anna")
    broker.drain()
    broker.drain()
    assert caplog.text.count("outbox cannot be carried out") == 1
    assert broker.token(ANNA)


def test_a_database_that_takes_no_writes_is_asked_again(process, database, emulator, shared):
    broker = process()
    broker.token(ANNA)
    left_by_a_process_that_died(database, shared)
    if database.engine.dialect.name == "sqlite":
        forbid = "CREATE TRIGGER no BEFORE DELETE ON monite_endings BEGIN SELECT RAISE(ABORT, 'no'); END"
        allow = "DROP TRIGGER no"
    else:
        forbid = "CREATE RULE no AS ON DELETE TO monite_endings DO INSTEAD SELECT 1 / 0"
        allow = "DROP RULE no ON monite_endings"
    database.execute(forbid)
    broker.drain()
    assert live(emulator, ANNA_ID) == 0  # it holds all the same
    assert database.rows() == [("end_user", "anna")]
    later = Principal("anna", session_id="anna-2")
    broker.login(later)
    broker.token(later)
    broker.drain()
    assert broker.token(later)  # it is not carried out twice
    database.execute(allow)
    broker.drain()
    assert database.rows() == []


def test_many_processes_that_find_the_same_row_bear_each_other(process, database, emulator, shared):
    first = process()
    first.token(ANNA)
    left_by_a_process_that_died(database, shared)
    brokers = [process() for _ in range(8)]
    threads = [threading.Thread(target=each.drain) for each in brokers]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert database.rows() == []
    all_end(emulator, ANNA_ID)


def test_a_row_stays_until_the_store_has_heard_of_it(emulated, process, database, redis_server, emulator):
    settings = replace(emulated, store_url=redis_server.url)
    broker = process(settings=settings)
    principal = Principal("anna", session_id="anna-1", authenticated_at=time.time() - 60)
    broker.token(principal)
    redis_server.stop()
    left_by_a_process_that_died(database, settings)
    for _ in range(2):
        broker.running.look_at_outbox()
    assert database.rows() == [("end_user", "anna")]
    assert broker.store.waiting == 1
    redis_server.start()
    until(lambda: broker.running.look_at_outbox() or database.rows() == [])
    with pytest.raises(errors.SessionEnded):
        broker.token(principal)


def test_rows_of_other_accounts_and_of_later_versions_stay(process, database, shared):
    broker = process()
    left_by_a_process_that_died(database, shared)
    database.execute("UPDATE monite_endings SET account = 'another'")
    left = database.rows()
    broker.drain()
    assert database.rows() == left
    database.execute(f"UPDATE monite_endings SET account = '{broker.settings.account_name}', what = 'more'")
    broker.drain()
    assert len(database.rows()) == 1


def test_a_store_of_one_process_finds_its_own(process, database, emulated, emulator):
    broker = process(settings=emulated)
    broker.token(ANNA)
    with database.engine.begin() as connection:
        broker.end_user_in(connection, "anna")
    all_end(emulator, ANNA_ID)
