"""The schema and its versions: each step is taken once, in order, whoever comes."""

import pytest

from monite_auth.errors import ConfigurationError
from monite_auth.stores.postgres import setup_script
from monite_auth.stores.postgres.schema import VERSION, script_of
from tests.stores.harness import FORMS
from tests.stores.live import LiveGround

FIRST = """
    CREATE TABLE monite_auth.schema_version (one boolean PRIMARY KEY DEFAULT true CHECK (one), version integer NOT NULL);
    CREATE TABLE monite_auth.things (name text);
"""
SECOND = "ALTER TABLE monite_auth.things ADD COLUMN size integer; INSERT INTO monite_auth.things VALUES ('made', 2);"


@pytest.fixture
def no_schema(server):
    server.query("DROP SCHEMA IF EXISTS monite_auth CASCADE")
    yield server
    server.query("DROP SCHEMA IF EXISTS monite_auth CASCADE")


@pytest.mark.parametrize("first", [[FIRST], [FIRST, SECOND]], ids=["one by one", "at once"])
def test_a_step_is_taken_once_and_after_those_before_it(no_schema, first):
    for steps in (first, [FIRST, SECOND], [FIRST, SECOND], [FIRST]):
        no_schema.query(script_of(steps))
    assert no_schema.query("SELECT version FROM monite_auth.schema_version") == [(2,)]
    assert no_schema.query("SELECT name, size FROM monite_auth.things") == [("made", 2)]


def test_the_scripts_of_all_versions_lead_to_the_newest(no_schema):
    for version in range(1, VERSION + 1):
        no_schema.query(setup_script(version))
        assert no_schema.query("SELECT version FROM monite_auth.schema_version") == [(version,)]
    tables = no_schema.tables()
    no_schema.query(setup_script())
    assert no_schema.tables() == tables


@pytest.mark.parametrize("form", FORMS)
def test_a_store_of_an_older_package_leaves_a_newer_schema_alone(no_schema, form, drive):
    no_schema.query(setup_script())
    no_schema.query(f"UPDATE monite_auth.schema_version SET version = {VERSION + 1}")
    with pytest.raises(ConfigurationError, match="made by a newer monite-auth"):
        drive(LiveGround(no_schema.url), form).peek()
