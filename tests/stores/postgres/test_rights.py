"""What the user of the store may do in the database: the least with which everything works."""

import pytest

from monite_auth.errors import ConfigurationError
from tests.postgres_server import PostgresServer
from tests.stores.harness import ALICE, BOB, FORMS
from tests.stores.postgres.ground import LiveGround

GRANTS = """
    GRANT USAGE ON SCHEMA monite_auth TO app;
    GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA monite_auth TO app;
"""
"""As docs/stores.md has them."""


@pytest.fixture(scope="module")
def own_server():
    with PostgresServer() as server:
        server.query("CREATE ROLE app LOGIN")
        yield server


@pytest.mark.parametrize("form", FORMS)
def test_a_user_who_may_not_create_a_schema_uses_one_that_somebody_has_made(own_server, form, drive):
    own_server.query("DROP SCHEMA IF EXISTS monite_auth CASCADE")
    driver = drive(LiveGround(own_server.url_of("app")), form)
    with pytest.raises(ConfigurationError, match="refuses this user's statements"):
        driver.peek()
    drive(LiveGround(own_server.url), form).peek()
    with pytest.raises(ConfigurationError, match="refuses this user's statements"):
        driver.peek()
    own_server.query(GRANTS)
    driver.put("t")
    driver.put_note("x")
    assert (driver.peek(), driver.get_note()) == ("t", "x")
    assert driver.admit().admitted
    driver.run(driver.ops.end_session(BOB))
    assert driver.run(driver.ops.end_session(ALICE)) == 1
    assert driver.condemned() == {"t": True}
    assert driver.run(driver.ops.end_everything()).sessions == 0
    assert driver.run(driver.ops.overview()).pending == 1
