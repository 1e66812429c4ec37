"""`STORE_URL = "django://…"`: a database of the project that is PostgreSQL."""

import asyncio
import contextlib
import io
import threading
import traceback
from urllib.parse import quote

import pytest
from django.core.management import call_command
from django.db import ProgrammingError, transaction
from django.test import override_settings

import monite_auth_django
from monite_auth import Principal
from monite_auth.errors import ConfigurationError, MoniteAuthError, SessionEnded
from monite_auth.stores.postgres import setup_script
from monite_auth_django.checks import check_databases, check_project
from tests.django.conftest import live
from tests.django.databases import further_database
from tests.postgres_server import PostgresServer

ENGINE = "django.db.backends.postgresql"
PASSWORD = "p@ss/w:o?r#d 100% 'q' \\"


@pytest.fixture(scope="module")
def server():
    with PostgresServer() as server:
        yield server


@pytest.fixture
def empty_server(server):
    """The server, with a database `app` that has nothing in it."""
    server.query("DROP DATABASE IF EXISTS app WITH (FORCE)")
    server.query("CREATE DATABASE app")
    return server


@pytest.fixture
def database(empty_server):
    """Add a database of the server to DATABASES."""
    defaults = {
        "ENGINE": ENGINE,
        "NAME": "app",
        "USER": "admin",
        "HOST": "127.0.0.1",
        "PORT": empty_server.port,
    }
    with contextlib.ExitStack() as stack:
        yield lambda alias="app", **changed: stack.enter_context(
            further_database(alias, **{**defaults, **changed})
        )


@pytest.fixture
def configured(database, settings, monite_settings):
    """Have the store in it. When this is undone, its broker is closed, and only then the database goes."""
    settings(MONITE_AUTH={**monite_settings, "STORE_URL": "django://app"})


@pytest.fixture
def login(anna):
    return Principal(str(anna.pk), session_id="a login of hers")


def migrate(alias="app", *more):
    call_command("migrate", *more, database=alias, verbosity=0)


def tables(database):
    with database.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'monite_auth'")
        return cursor.fetchone()[0]


def warnings(alias="app"):
    messages = check_databases(databases=[alias])
    assert all(each.hint for each in messages)
    return {each.id.removeprefix("monite_auth."): each for each in messages}


def works(login, emulator):
    broker = monite_auth_django.broker()
    assert broker.token(login).expires_in > 0
    broker.logout(login)
    with pytest.raises(SessionEnded):
        broker.token(login)
    return live(emulator) == 0


# -- migrations and checks


@pytest.mark.usefixtures("configured")
def test_migrate_makes_the_tables_and_check_knows_whether_they_are_there(database, login, emulator):
    connection = database()
    assert "manage.py migrate --database app" in warnings()["W005"].hint
    migrate()
    assert tables(connection) > 0
    assert warnings() == {}
    assert check_project() == []
    assert works(login, emulator)


@pytest.mark.usefixtures("configured")
def test_the_store_and_the_migration_agree_whoever_comes_first(database, login, emulator):
    connection = database()
    assert works(login, emulator)  # it made the tables
    before = tables(connection)
    migrate()
    assert (tables(connection), warnings()) == (before, {})
    assert monite_auth_django.broker().status(login.user_id).live == 0


@pytest.mark.usefixtures("configured")
def test_other_databases_get_no_tables(database):
    database()
    other = database("other", NAME="postgres")
    migrate("other", "monite_auth_django")
    assert tables(other) == 0
    assert warnings("other") == {}


def test_without_the_store_there_are_no_tables_and_a_later_migrate_makes_them(
    database, settings, monite_settings
):
    connection = database()
    migrate()
    assert tables(connection) == 0
    settings(MONITE_AUTH={**monite_settings, "STORE_URL": "django://app"})
    assert "W005" in warnings()
    migrate()
    assert warnings() == {}
    assert tables(connection) > 0


@pytest.mark.usefixtures("configured")
def test_sqlmigrate_shows_the_statements_of_the_store(database):
    database()
    said = io.StringIO()
    call_command("sqlmigrate", "monite_auth_django", "0003", database="app", stdout=said, no_color=True)
    assert setup_script(1) in said.getvalue()


class KeepsOut:
    """A router of a project that has our models elsewhere."""

    may = False

    def allow_migrate(self, db, app_label, **hints):
        if db != "app" or app_label != "monite_auth_django":
            return None
        return self.may and hints.get("monite_auth_store", False)


@pytest.mark.usefixtures("configured")
def test_a_router_keeps_the_tables_out_or_lets_them_in_by_a_hint(database):
    connection, router = database(), KeepsOut()
    with override_settings(DATABASE_ROUTERS=[router]):
        migrate()
        assert tables(connection) == 0
        assert "allow_migrate" in warnings()["W005"].hint
        router.may = True
        migrate()
    assert tables(connection) > 0
    assert "monite_auth_django_monitelink" not in connection.introspection.table_names()


@pytest.mark.usefixtures("configured")
def test_an_older_schema_wants_a_migrate(database):
    connection = database()
    migrate()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE monite_auth.schema_version SET version = 0")
    assert "W005" in warnings()


@pytest.mark.usefixtures("configured")
def test_the_owner_migrates_and_another_user_has_the_least_rights(
    empty_server, database, login, emulator, monite_settings, settings
):
    empty_server.query("DROP ROLE IF EXISTS web")
    empty_server.query("CREATE ROLE web LOGIN")
    database(USER="web")
    owner = database("owner")
    with pytest.raises(ConfigurationError, match="refuses this user's statements"):
        monite_auth_django.broker().token(login)
    settings(MONITE_AUTH={**monite_settings, "STORE_URL": "django://owner"})
    migrate("owner")
    settings(MONITE_AUTH={**monite_settings, "STORE_URL": "django://app"})
    hint = warnings()["W006"].hint
    with owner.cursor() as cursor:
        cursor.execute(hint.partition(": ")[2])
    assert warnings() == {}
    assert works(login, emulator)
    with pytest.raises(ProgrammingError), database("web", USER="web").cursor() as cursor:
        cursor.execute("CREATE TABLE monite_auth.more (x int)")


# -- what a database is reached with


def require_password(server, user):
    rules = server.folder / "data" / "pg_hba.conf"
    text = rules.read_text()
    if user not in text:
        rules.write_text(f"host all {user} 127.0.0.1/32 scram-sha-256\n{text}")
        server.query("SELECT pg_reload_conf()")


@pytest.fixture
def secretive(empty_server):
    """A user whose password has every character that is special somewhere."""
    empty_server.query("DROP ROLE IF EXISTS secretive")
    quoted = PASSWORD.replace("'", "''")
    empty_server.query(f"CREATE ROLE secretive SUPERUSER LOGIN PASSWORD '{quoted}'")
    require_password(empty_server, "secretive")
    return {"USER": "secretive", "PASSWORD": PASSWORD}


@pytest.mark.usefixtures("configured")
def test_a_password_may_have_any_character(database, secretive, login, emulator):
    database(**secretive)
    assert works(login, emulator)


@pytest.mark.usefixtures("configured")
@pytest.mark.parametrize(
    "wrong",
    [
        {"PASSWORD": PASSWORD + "!"},
        {"NAME": "no such database"},
        {"OPTIONS": {"sslmode": "nonsense"}},
        {"OPTIONS": {"sslmode": "verify-full"}},
        {"PORT": 1},
        {"HOST": "127.0.0.1,127.0.0.2,127.0.0.3", "PORT": "1,2"},
    ],
)
def test_a_password_is_in_no_error_and_in_no_frame_of_one(database, secretive, login, wrong, caplog):
    database(**{**secretive, **wrong})
    with pytest.raises(MoniteAuthError) as raised:
        monite_auth_django.broker().token(login)
    raised.value.__traceback__ = raised.tb.tb_next  # without this test's own frame
    told = traceback.TracebackException.from_exception(raised.value, capture_locals=True)
    everything = "".join(told.format()) + caplog.text + repr(raised.value)
    for each in (PASSWORD, quote(PASSWORD, safe=""), repr(PASSWORD)[1:-1]):
        assert each not in everything


@pytest.mark.usefixtures("configured")
@pytest.mark.parametrize("how", ["HOST", "PGHOST"])
def test_a_unix_socket(empty_server, database, login, emulator, how, monkeypatch):
    folder = str(empty_server.folder)
    if how == "PGHOST":
        monkeypatch.setenv("PGHOST", folder)
    database(HOST=folder if how == "HOST" else "")
    assert works(login, emulator)


@pytest.mark.usefixtures("configured")
def test_a_service_and_a_password_file(
    empty_server, database, secretive, login, emulator, tmp_path, monkeypatch
):
    escaped = PASSWORD.replace("\\", "\\\\").replace(":", "\\:")
    (tmp_path / "passwords").write_text(f"127.0.0.1:*:*:secretive:{escaped}\n")
    (tmp_path / "passwords").chmod(0o600)
    (tmp_path / "services").write_text(
        f"[shop]\nhost=127.0.0.1\nport={empty_server.port}\ndbname=app\nuser=secretive\n"
    )
    monkeypatch.setenv("PGSERVICEFILE", str(tmp_path / "services"))
    options = {"service": "shop", "passfile": str(tmp_path / "passwords")}
    database(NAME="", USER="", HOST="", PORT="", OPTIONS=options)
    assert works(login, emulator)


@pytest.mark.usefixtures("configured")
def test_options_of_django_are_none_of_libpq_and_a_role_is_assumed(empty_server, database, login, emulator):
    empty_server.query('DROP ROLE IF EXISTS "who owns"')
    empty_server.query('CREATE ROLE "who owns"')
    empty_server.query('GRANT CREATE ON DATABASE app TO "who owns"')
    options = {
        "assume_role": "who owns",
        "isolation_level": 4,
        "server_side_binding": True,
        "options": "-c statement_timeout=9s",
        "sslmode": "prefer",
        "connect_timeout": 5,
    }
    connection = database(OPTIONS=options, CONN_MAX_AGE=60, ATOMIC_REQUESTS=True)
    assert works(login, emulator)
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'monite_auth'")
        assert cursor.fetchall() == [("who owns",)]


@pytest.mark.usefixtures("configured")
def test_a_pool_of_djangos_is_not_the_stores(database, login, emulator):
    database(OPTIONS={"pool": {"min_size": 1, "max_size": 1}})
    assert works(login, emulator)


# -- beside the project's own work


@pytest.mark.usefixtures("configured")
def test_a_transaction_of_the_project_takes_no_logout_back(database, login, emulator):
    database()
    broker = monite_auth_django.broker()
    broker.token(login)

    class Undo(Exception):
        pass

    with pytest.raises(Undo), transaction.atomic("app"):
        broker.logout(login)
        raise Undo
    with pytest.raises(SessionEnded):
        broker.token(login)
    assert live(emulator) == 0


@pytest.mark.usefixtures("configured")
def test_the_store_follows_the_database_of_tests_and_leaves_it_before_it_is_copied_or_dropped(
    empty_server, database, login
):
    connection = database()
    creation = connection.creation
    # Somebody is connected to the project's own database already.
    monite_auth_django.broker().token(login)
    name = creation.create_test_db(verbosity=0)
    assert name == "test_app"
    monite_auth_django.broker().token(login)
    assert names_of_connected(empty_server) == {"test_app"}
    # Other threads and event loops have connections, too.
    worker = threading.Thread(target=monite_auth_django.broker().token, args=[login])
    worker.start()
    worker.join()
    asyncio.run(monite_auth_django.broker().atoken(login))
    creation.clone_test_db("1", verbosity=0)
    parent = dict(connection.settings_dict)
    connection.settings_dict.update(creation.get_test_db_clone_settings("1"))  # as each parallel process does
    connection.close()
    monite_auth_django.broker().token(login)
    assert names_of_connected(empty_server) == {"test_app_1"}
    connection.settings_dict.update(parent)
    creation.destroy_test_db(suffix="1", verbosity=0)
    creation.destroy_test_db("app", verbosity=0)
    monite_auth_django.broker().token(login)
    assert names_of_connected(empty_server) == {"app"}
    assert monite_auth_django.broker().status(login.user_id).live == 1


def names_of_connected(server):
    rows = server.query(
        "SELECT DISTINCT datname FROM pg_stat_activity WHERE application_name = 'monite-auth'"
    )
    return {name for (name,) in rows}
