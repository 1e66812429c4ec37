"""Endings in Django's own transactions: a row is written with the change, carried out after the commit, and found if nobody has."""

from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.db import OperationalError, connection, connections, transaction
from django.db.models import F
from django.test.utils import CaptureQueriesContext

import monite_auth_django
from monite_auth import Principal
from monite_auth.emulator import VIKTOR_ID
from monite_auth_django import aend_user, end_user
from monite_auth_django.checks import check_databases
from monite_auth_django.endings import write_ending
from monite_auth_django.models import MoniteEnding, MoniteLink
from monite_auth_django.outbox import ModelOutbox
from tests.django.conftest import close_connections, code, live
from tests.django.databases import further_database
from tests.postgres_server import PostgresServer
from tests.test_documentation import run_page
from tests.waiting import PATIENCE


def rows():
    return sorted(MoniteEnding.objects.values_list("what", "user"))


def deactivate(user):
    user.is_active = False
    user.save()


def delete(user):
    user.delete()


def delete_link(user):
    user.monite_links.all().delete()


def change_link(user):
    link = user.monite_links.get()
    link.entity_user_id = VIKTOR_ID
    link.save()


def change_password(user):
    user.set_password("another")
    user.save()


CHANGES = {
    deactivate: "end_user",
    delete: "end_user",
    delete_link: "relink",
    change_link: "relink",
    change_password: "relink",
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_and_its_ending_are_one_transaction(at_work, emulator, change):
    user = str(at_work.pk)
    with transaction.atomic():
        change(at_work)
        assert (CHANGES[change], user) in rows()
        assert len(emulator.monite.ledger.live()) == 1
    assert rows() == []
    assert live(emulator) == 0


@pytest.mark.parametrize("users", [lambda user: user, lambda _: get_user_model().objects.all()])
def test_a_user_who_is_deleted_with_links_is_one_ending(at_work, users):
    user = str(at_work.pk)
    with transaction.atomic():
        users(at_work).delete()
        assert rows() == [("end_user", user)]


def test_whatever_an_object_calls_its_model_its_links_end(at_work, emulator):
    link = at_work.monite_links.get()
    link.model = "Golf"  # what a QuerySet has, too, whose deletion it may be
    link.delete()
    assert live(emulator) == 0


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_that_commits_by_itself_is_carried_out_and_leaves_no_row(at_work, emulator, change):
    change(at_work)
    assert rows() == []
    assert live(emulator) == 0


@pytest.mark.parametrize("change", CHANGES)
def test_a_rollback_leaves_nothing(at_work, client, emulator, change):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        change(at_work)
        raise ZeroDivisionError
    assert rows() == []
    assert live(emulator) == 1
    assert client.get("/me").status_code == 200


def test_a_rollback_to_a_savepoint_leaves_nothing(at_work, emulator):
    with transaction.atomic():
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            deactivate(at_work)
            raise ZeroDivisionError
        with transaction.atomic():
            at_work.refresh_from_db()
            at_work.first_name = "Anna"
            at_work.save()
    assert rows() == []
    assert live(emulator) == 1


def test_an_ending_in_an_inner_block_waits_for_the_outer_one(at_work, emulator):
    with transaction.atomic():
        with transaction.atomic():
            deactivate(at_work)
        assert live(emulator) == 1
        assert rows() == [("end_user", str(at_work.pk))]  # a drain in a transaction sees no rows of its own
    assert rows() == []
    assert live(emulator) == 0


def test_what_ends_nothing_costs_nothing(at_work):
    with CaptureQueriesContext(connection) as captured:
        at_work.first_name = "Anna"
        at_work.save()
    assert len(captured) == 1


def test_a_transaction_that_the_project_commits_by_hand_leaves_a_row(at_work, emulator):
    transaction.set_autocommit(False)
    try:
        deactivate(at_work)
        transaction.commit()
    finally:
        transaction.set_autocommit(True)
    assert rows() == [("end_user", str(at_work.pk))]
    make_older()
    assert live(emulator) == 0
    assert rows() == []


def make_older(seconds=60):
    """Make the rows older: as long as they are young, they are left to whoever has written them."""
    MoniteEnding.objects.update(at=F("at") - timedelta(seconds=seconds))


def test_a_row_that_a_process_has_left_is_found(at_work, client, emulator):
    left_behind(at_work)
    assert live(emulator) == 1
    make_older()
    assert live(emulator) == 0
    assert rows() == []
    assert code(client.get("/me")) == "session_ended"


def left_behind(user, what="end_user"):
    """Commit an ending as a process does that dies then."""
    assert write_ending("default", what, user.pk).id
    assert rows() == [(what, str(user.pk))]


def test_a_login_after_the_ending_goes_on_however_late_that_is_carried_out(at_work, client, emulator):
    left_behind(at_work)
    make_older()
    client.logout()
    client.force_login(at_work)
    monite_auth_django.broker().drain()
    assert rows() == []
    assert client.get("/me").status_code == 200


def test_a_drain_in_a_transaction_has_not_looked(at_work, client):
    left_behind(at_work)
    make_older()
    client.logout()
    client.force_login(at_work)
    with transaction.atomic():
        monite_auth_django.broker().drain()
    monite_auth_django.broker().drain()
    assert rows() == []
    assert client.get("/me").status_code == 200


def test_a_drain_in_a_transaction_that_is_committed_by_hand_leaves_its_rows(at_work, emulator):
    transaction.set_autocommit(False)
    try:
        deactivate(at_work)
        make_older()
        assert live(emulator) == 1
        transaction.rollback()
    finally:
        transaction.set_autocommit(True)
    assert rows() == []
    assert live(emulator) == 1


@pytest.fixture
def other(tmp_path):
    """One more database, with the table of endings."""
    name = str(tmp_path / "other.sqlite3")
    with further_database("other", ENGINE="django.db.backends.sqlite3", NAME=name) as other:
        with other.schema_editor() as editor:
            editor.create_model(MoniteEnding)
        yield MoniteEnding.objects.using("other")


def test_another_databases_transaction_has_its_own_rows(at_work, emulator, other):
    with transaction.atomic(using="other"):
        end_user(at_work, on_commit=True, using="other")
        assert rows() == []
        assert other.count() == 1
        assert live(emulator) == 1
    assert other.count() == 0
    assert live(emulator) == 0


def test_a_row_in_another_database_that_users_are_written_to_is_found(at_work, emulator, other, settings):
    settings(DATABASE_ROUTERS=[UsersElsewhere()])
    assert write_ending("other", "end_user", at_work.pk).id
    other.update(at=F("at") - timedelta(seconds=60))
    assert live(emulator) == 0
    assert other.count() == 0


def test_a_row_is_deleted_where_nothing_commits_by_itself(at_work, emulator, other, settings):
    settings(DATABASE_ROUTERS=[UsersElsewhere()])
    assert write_ending("other", "end_user", at_work.pk).id
    other.update(at=F("at") - timedelta(seconds=60))
    connections["other"].close()
    connections["other"].settings_dict["AUTOCOMMIT"] = False
    assert live(emulator) == 0
    connections["other"].close()
    assert other.count() == 0


class UsersElsewhere:
    """A router that writes users to a database of their own."""

    def db_for_write(self, model, **_):
        return "other" if model is get_user_model() else None


# -- end_user


def test_end_user_ends_at_once_whatever_becomes_of_the_transaction(at_work, client, emulator):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        end_user(at_work)
        raise ZeroDivisionError
    assert live(emulator) == 0
    assert code(client.get("/me")) == "session_ended"


def test_end_user_on_commit_leaves_the_sessions_alive_when_the_transaction_is_rolled_back(
    at_work, client, emulator
):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        end_user(at_work, on_commit=True)
        raise ZeroDivisionError
    assert live(emulator) == 1
    assert client.get("/me").status_code == 200
    with transaction.atomic():
        get_user_model().objects.update(is_active=False)  # which sends no signal
        end_user(at_work.pk, on_commit=True)
    assert live(emulator) == 0


def test_the_page_on_transactions(at_work, emulator):
    run_page("docs/transactions.md", names := {}, section="Django")
    names["close_accounts"]([at_work.pk])
    assert not get_user_model().objects.get().is_active
    assert live(emulator) == 0


async def test_aend_user(anna, emulator):
    principal = Principal(str(anna.pk), session_id="1")
    broker = monite_auth_django.broker()
    for options in ({}, {"on_commit": True}):
        await broker.alogin(principal)
        await aend_user(anna, **options)
    with pytest.raises(Exception, match="has ended"):
        await broker.atoken(principal)
    await broker.aclose()
    await sync_to_async(close_connections)()


# -- troubles


@pytest.fixture
def no_table():
    """A project whose migrations have not been run."""
    with connection.schema_editor() as editor:
        editor.delete_model(MoniteEnding)
    yield
    with connection.schema_editor() as editor:
        editor.create_model(MoniteEnding)


@pytest.mark.parametrize("change", CHANGES)
def test_without_the_table_a_warning_is_logged_and_the_ending_is_carried_out(
    no_table, at_work, emulator, caplog, change
):
    with transaction.atomic():
        change(at_work)
        MoniteLink.objects.count()  # the transaction goes on
    assert "manage.py migrate" in caplog.text
    assert live(emulator) == 0


def test_a_transaction_of_postgres_goes_on_without_the_table(at_work, emulator, caplog):
    with PostgresServer() as server, on_server(server) as database:
        with transaction.atomic(using="app"):
            end_user(at_work, on_commit=True, using="app")
            with database.cursor() as cursor:
                cursor.execute("SELECT 1")  # which an aborted transaction refuses
            assert live(emulator) == 1
        assert "manage.py migrate --database app" in caplog.text
        assert live(emulator) == 0


def test_a_transaction_of_postgres_whose_connection_breaks_raises(at_work, emulator):
    """Django rolls back without a word where the savepoint is gone, too: the application has to hear of it."""
    with PostgresServer() as server, on_server(server) as database:
        with database.schema_editor() as editor:
            editor.create_model(MoniteEnding)

        def end(execute, sql, *more):
            if sql.startswith("INSERT"):
                server.query(f"SELECT pg_terminate_backend({database.connection.info.backend_pid})")
            return execute(sql, *more)

        with pytest.raises(OperationalError), database.execute_wrapper(end), transaction.atomic(using="app"):
            end_user(at_work, on_commit=True, using="app")
        assert live(emulator) == 1


def test_a_rollback_in_postgres_leaves_nothing_and_a_row_has_its_age(at_work, emulator):
    with PostgresServer() as server, on_server(server) as database:
        with database.schema_editor() as editor:
            editor.create_model(MoniteEnding)
        with pytest.raises(ZeroDivisionError), transaction.atomic(using="app"):
            end_user(at_work, on_commit=True, using="app")
            raise ZeroDivisionError
        assert live(emulator) == 1
        assert write_ending("app", "end_user", at_work.pk).id
        MoniteEnding.objects.using("app").update(at=F("at") - timedelta(seconds=60))
        (found,) = ModelOutbox().find(monite_auth_django.broker().settings.account_name)["app"]
        assert 60 <= found.ago < 60 + PATIENCE
        assert live(emulator) == 0
        assert not MoniteEnding.objects.using("app").exists()


def on_server(server):
    place = {"NAME": "postgres", "USER": "admin", "HOST": "127.0.0.1", "PORT": server.port}
    return further_database("app", ENGINE="django.db.backends.postgresql", **place)


def test_a_check_says_that_the_table_is_missing(no_table):
    assert [each.id for each in check_databases(databases=["default"])] == ["monite_auth.W007"]
    assert check_databases(databases=None) == []


def test_a_check_says_nothing_of_databases_that_have_it():
    assert check_databases(databases=["default"]) == []


def test_a_store_that_fails_leaves_the_row_for_another_try(at_work, emulator, monkeypatch, caplog):
    with monkeypatch.context() as patched:
        patched.setattr("monite_auth.TokenBroker.end_user", lambda *_: 1 / 0)
        deactivate(at_work)
    assert "tried again" in caplog.text
    make_older()
    assert live(emulator) == 0
    assert rows() == []


def test_a_database_that_takes_no_deletions_is_asked_again(at_work, emulator):
    def refuse(execute, sql, *more):
        if sql.startswith("DELETE") and "moniteending" in sql:
            raise OperationalError("read-only")
        return execute(sql, *more)

    with connection.execute_wrapper(refuse):
        deactivate(at_work)
        make_older()
        assert live(emulator) == 0
        assert len(rows()) == 1
    monite_auth_django.broker().drain()
    assert rows() == []
