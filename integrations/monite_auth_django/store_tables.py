"""The tables of the token store in the project's database: a migration makes them, a system check misses them.

The statements are those of the store itself, under the store's own lock. So whoever comes first makes the tables, a migration or a
process that has begun to work, and the other finds them there.
"""

from enum import Enum
from typing import Any

from django.db import connections, router, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

from monite_auth_django.database import alias_of_store

__all__ = ["HINT", "StoreTables", "Tables", "make_missing_tables", "may_be_there", "state_of_tables"]

LATEST = 1
"""The version of the schema that the migrations make. Each version is a migration of its own."""

HINT = "monite_auth_store"
"""The hint by which a router knows that these tables are meant, and none of the app's models."""

APP = "monite_auth_django"


class StoreTables(Operation):
    """Makes the tables of one version of the store's schema, in the PostgreSQL that `STORE_URL` names; elsewhere it does nothing.

    Taken back, it does nothing either: the tables may have pending revocations.
    """

    reduces_to_sql = True
    reversible = True

    def __init__(self, version: int) -> None:
        self.version = version

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        """See Operation."""
        return type(self).__qualname__, [self.version], {}

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """See Operation. There are no models."""

    def database_forwards(
        self,
        app_label: str,  # noqa: ARG002 - Django's interface
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,  # noqa: ARG002
        to_state: ProjectState,  # noqa: ARG002
    ) -> None:
        """See Operation."""
        if _is_wanted(schema_editor.connection):
            schema_editor.execute(_script(self.version), params=None)

    def database_backwards(self, *_: Any) -> None:
        """See Operation."""

    def describe(self) -> str:
        """See Operation."""
        return f"Make the tables of the token store where STORE_URL is django://… and PostgreSQL (schema {self.version})"


class Tables(Enum):
    """How the tables stand for the user of a connection."""

    MISSING = "missing"
    """They are not there, or of an older version than this package makes."""
    REFUSED = "refused"
    """The user may not read and write them."""
    READY = "ready"


def state_of_tables(database: BaseDatabaseWrapper) -> Tables:
    """Say how the tables stand. It asks the database."""
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT has_schema_privilege(schema.oid, 'USAGE') AND bool_and(has_table_privilege(class.oid, 'SELECT') "
            "AND has_table_privilege(class.oid, 'INSERT') AND has_table_privilege(class.oid, 'UPDATE') "
            "AND has_table_privilege(class.oid, 'DELETE')) FROM pg_namespace AS schema "
            "JOIN pg_class AS class ON class.relnamespace = schema.oid AND class.relkind = 'r' "
            "WHERE schema.nspname = 'monite_auth' GROUP BY schema.oid HAVING bool_or(class.relname = 'schema_version')"
        )
        found = cursor.fetchone()
        if found is None:
            return Tables.MISSING
        if not found[0]:
            return Tables.REFUSED
        cursor.execute("SELECT version FROM monite_auth.schema_version")
        return Tables.READY if cursor.fetchone()[0] >= LATEST else Tables.MISSING


def make_missing_tables(*, using: str, **_: Any) -> None:
    """Make after `manage.py migrate` what is missing: `STORE_URL` may name the database only since the migration ran."""
    database = connections[using]
    if _is_wanted(database) and state_of_tables(database) is Tables.MISSING:
        with transaction.atomic(using), database.cursor() as cursor:
            cursor.execute(_script(LATEST))


def may_be_there(alias: str) -> bool:
    """Say whether the project's routers let the tables be in the database."""
    return bool(router.allow_migrate(alias, APP, **{HINT: True}))


def _is_wanted(database: BaseDatabaseWrapper) -> bool:
    return (
        database.vendor == "postgresql"
        and database.alias == alias_of_store()
        and may_be_there(database.alias)
    )


def _script(version: int) -> str:
    from monite_auth.stores.postgres import setup_script  # noqa: PLC0415 - it needs psycopg

    return setup_script(version)
