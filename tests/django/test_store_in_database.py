"""`STORE_URL = "django://…"`: a database of the project that is SQLite, and those that can have no store. PostgreSQL has its own file."""

import contextlib

import pytest
from django.core.management import call_command

import monite_auth_django
from monite_auth import Principal
from monite_auth.errors import ConfigurationError, SessionEnded
from monite_auth_django.checks import check_databases, check_project
from tests.django.conftest import live
from tests.django.databases import further_database

ENGINE = "django.db.backends.sqlite3"


@pytest.fixture
def database():
    with contextlib.ExitStack() as stack:
        yield lambda **parameters: stack.enter_context(
            further_database("elsewhere", **{"ENGINE": ENGINE, **parameters})
        )


@pytest.fixture
def configure(settings, monite_settings):
    return lambda url: settings(MONITE_AUTH={**monite_settings, "STORE_URL": url})


def problem():
    """Return what is wrong with the store, as the check and the broker say it."""
    (message,) = (each for each in check_project() if each.id == "monite_auth.E009")
    with pytest.raises(ConfigurationError) as raised:
        monite_auth_django.broker()
    sentence, _, advice = str(raised.value).partition(": ")
    assert (message.msg.rstrip("."), message.hint.lower()) == (sentence, advice.lower())
    return str(raised.value)


@pytest.mark.parametrize("name", ["{folder}/db.sqlite3", "file:{folder}/db.sqlite3?mode=rwc"])
def test_sqlite_has_a_file_beside_the_database(name, tmp_path, database, configure, emulator, anna):
    database(NAME=name.format(folder=tmp_path))
    configure("django://elsewhere")
    assert check_project() == []
    broker = monite_auth_django.broker()
    login = Principal(str(anna.pk), session_id="a login of hers")
    broker.token(login)
    broker.logout(login)
    assert live(emulator) == 0
    assert (tmp_path / "db.monite-auth.sqlite3").exists()
    assert not (tmp_path / "db.sqlite3").exists()


def test_a_store_is_copied_into_the_projects_database(tmp_path, database, configure, emulator, anna):
    login = Principal(str(anna.pk), session_id="a login of hers")
    database(NAME=tmp_path / "db.sqlite3")
    configure(f"sqlite:///{tmp_path}/old.db")
    monite_auth_django.broker().token(login)
    monite_auth_django.broker().logout(login)
    call_command("monite_store", "copy", f"sqlite:///{tmp_path}/old.db", "django://elsewhere", last=True)
    configure("django://elsewhere")
    with pytest.raises(SessionEnded):
        monite_auth_django.broker().token(login)
    assert live(emulator) == 0


def test_migrations_do_nothing_on_sqlite(tmp_path, database, configure):
    connection = database(NAME=tmp_path / "db.sqlite3")
    configure("django://elsewhere")
    call_command("migrate", database="elsewhere", verbosity=0)
    assert "monite_auth_django_monitelink" in connection.introspection.table_names()
    assert check_databases(databases=["elsewhere"]) == []


@pytest.mark.parametrize("name", [":memory:", "file:db?mode=memory&cache=shared"])
def test_a_database_in_memory_has_no_store(name, database, configure):
    database(NAME=name)
    configure("django://elsewhere")
    said = problem()
    assert "SQLite in memory" in said
    assert "memory://" in said
    assert "PostgreSQL" in said


def test_the_default_database_of_tests_in_memory_has_no_store(configure):
    configure("django://default")
    assert 'DATABASES["default"]["TEST"]' in problem()


def test_an_alias_that_is_not_there_is_named(configure):
    configure("django://nowhere")
    said = problem()
    assert 'no "nowhere"' in said
    assert '"django://default"' in said


def test_another_engine_is_told_which_two_there_are(database, configure):
    database(ENGINE="tests.django.other_engine", NAME="whatever")
    configure("django://elsewhere")
    said = problem()
    assert "that database is Teapot" in said
    assert "PostgreSQL or SQLite" in said


def test_the_app_has_no_migrations_to_make():
    call_command("makemigrations", "monite_auth_django", check=True, dry_run=True, verbosity=0)


def test_no_database_is_asked_without_a_store_in_one(configure, database, tmp_path):
    database(NAME=tmp_path / "db.sqlite3")
    configure("memory://")
    assert check_databases(databases=["elsewhere", "default"]) == []
    assert [each.id for each in check_project()] == []
