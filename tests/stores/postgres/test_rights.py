"""A user who may create nothing: `monite-auth store sql` prints what somebody else has to run, and the least rights that it needs."""

import subprocess

import psycopg
import pytest
from click.testing import CliRunner

from monite_auth.cli.plain import monite_auth
from monite_auth.errors import ConfigurationError
from tests.postgres_server import PostgresServer
from tests.stores.harness import ALICE, BOB, FORMS
from tests.stores.live import LiveGround

ROLE = 'The "app"'
"""A name that has to be quoted."""


@pytest.fixture(scope="module")
def own_server():
    with PostgresServer() as server:
        server.query('CREATE ROLE "The ""app""" LOGIN')
        server.query("CREATE ROLE other LOGIN")
        yield server


@pytest.fixture
def no_schema(own_server):
    own_server.query("DROP SCHEMA IF EXISTS monite_auth CASCADE")
    return own_server


def printed(*arguments: str) -> str:
    found = CliRunner().invoke(monite_auth, ["store", "sql", *arguments])
    assert (found.exit_code, found.stderr) == (0, "")
    return found.stdout


def as_role(server: PostgresServer) -> LiveGround:
    return LiveGround(server.url_of("The%20%22app%22"))


@pytest.mark.parametrize("form", FORMS)
def test_a_user_who_may_not_create_a_schema_uses_one_that_somebody_has_made(no_schema, form, drive):
    driver = drive(as_role(no_schema), form)
    with pytest.raises(ConfigurationError, match=r"permission denied.*`monite-auth store sql --role USER`"):
        driver.peek()
    no_schema.query(printed())
    with pytest.raises(ConfigurationError, match=r"permission denied.*`monite-auth store sql --role USER`"):
        driver.peek()
    no_schema.query(printed("--role", ROLE))
    driver.put("t")
    driver.put_note("x")
    assert (driver.peek(), driver.get_note()) == ("t", "x")
    driver.run(driver.ops.delete_note("alice", "link"))
    assert driver.admit().admitted
    driver.run(driver.ops.hold(1))
    driver.run(driver.ops.end_session(BOB))
    assert driver.run(driver.ops.end_session(ALICE)) == 1
    driver.run(driver.ops.relink("alice"))
    driver.run(driver.ops.end_user("alice"))
    assert driver.condemned() == {"t": True}
    assert driver.run(driver.ops.end_everything()).sessions == 0
    assert driver.run(driver.ops.overview()).pending == 1


def test_what_is_there_is_left_as_it_is_by_psql_and_by_psycopg(no_schema, drive):
    script = printed("--role", ROLE)
    no_schema.query(script)
    driver = drive(as_role(no_schema), "blocking")
    driver.put("t")
    command = ["psql", "--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", no_schema.url]
    subprocess.run(command, input=script, text=True, check=True, stdout=subprocess.DEVNULL)
    with psycopg.connect(no_schema.url, autocommit=True) as connection:
        connection.execute(script)
    assert driver.peek() == "t"


def test_a_role_that_there_is_not_leaves_nothing_behind(no_schema):
    with pytest.raises(psycopg.errors.UndefinedObject):
        no_schema.query(printed("--role", "nobody"))
    no_schema.query("ROLLBACK")
    assert no_schema.tables() == []


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE monite_auth.mine ()",
        "DROP TABLE monite_auth.tokens",
        "TRUNCATE monite_auth.tokens",
        "ALTER TABLE monite_auth.tokens ADD COLUMN mine text",
        "DROP FUNCTION monite_auth.seconds(double precision)",
        "UPDATE monite_auth.schema_version SET version = 9",
        "CREATE TRIGGER mine AFTER INSERT ON monite_auth.tokens EXECUTE FUNCTION monite_auth.seconds()",
    ],
)
def test_the_role_may_change_nothing_but_rows(no_schema, statement):
    no_schema.query(printed("--role", ROLE))
    with (
        psycopg.connect(as_role(no_schema).url) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(statement)


def test_another_role_may_not_even_read(no_schema):
    no_schema.query(printed("--role", ROLE))
    with (
        psycopg.connect(no_schema.url_of("other")) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("SELECT FROM monite_auth.tokens")
