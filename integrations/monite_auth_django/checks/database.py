"""Checks of a store in one of the project's databases."""

from collections.abc import Collection, Iterator

from django.core.checks import CheckMessage, Error, Warning  # noqa: A004 - Django's name
from django.db import DatabaseError

from monite_auth.errors import ConfigurationError
from monite_auth_django.database import alias_of_store, check_store, database_of_store
from monite_auth_django.store_tables import HINT, Tables, may_be_there, state_of_tables

__all__ = ["check", "check_tables"]

GRANTS = "GRANT USAGE ON SCHEMA monite_auth TO {0}; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA monite_auth TO {0};"


def check() -> Iterator[CheckMessage]:
    """Yield a message where the database can have no store. It connects to none."""
    alias = alias_of_store()
    if alias is not None:
        try:
            check_store(alias)
        except (ConfigurationError, ImportError) as error:
            sentence, _, advice = str(error).partition(": ")
            yield Error(
                f"{sentence.rstrip('.')}.",
                hint=f"{advice[:1].upper()}{advice[1:] or 'See DATABASES.'}",
                id="monite_auth.E009",
            )


def check_tables(databases: Collection[str]) -> Iterator[CheckMessage]:
    """Yield a message where the tables are missing, or not for the user of the connection."""
    alias = alias_of_store()
    if alias not in databases or alias is None or any(check()):
        return
    database = database_of_store(alias)
    if database.vendor != "postgresql":
        return
    try:
        state = state_of_tables(database)
    except DatabaseError:  # whatever it is, Django says it better
        return
    if state is Tables.REFUSED:
        user = database.settings_dict["USER"] or "app"
        yield Warning(
            f'The user of the database "{alias}" may not use the tables of the token store.',
            hint=f"Let their owner grant it: {GRANTS.format(database.ops.quote_name(user))}",
            id="monite_auth.W006",
        )
    if state is Tables.MISSING:
        yield Warning(
            f'The database "{alias}" has not got the tables of the token store, which STORE_URL wants there.',
            hint=f"Run manage.py migrate --database {alias}."
            if may_be_there(alias)
            else f'DATABASE_ROUTERS keeps them out: let allow_migrate("{alias}", "monite_auth_django", {HINT}=True) return True, '
            f"and run manage.py migrate --database {alias}.",
            id="monite_auth.W005",
        )
