"""Checks of the databases: the table in which transactions leave endings."""

from collections.abc import Collection, Iterator

from django.contrib.auth import get_user_model
from django.core.checks import CheckMessage, Warning  # noqa: A004 - Django's name
from django.db import DatabaseError, connections

from monite_auth_django.models import MoniteEnding
from monite_auth_django.outbox import aliases

__all__ = ["check"]


def check(databases: Collection[str]) -> Iterator[CheckMessage]:
    """Yield a message for each database that has users, and no table of endings."""
    users, endings = (model._meta.db_table for model in (get_user_model(), MoniteEnding))  # noqa: SLF001 - Django's documented name
    for alias in aliases():
        if alias in databases and users in (tables := _tables(alias)) and endings not in tables:
            yield Warning(
                f"The database {alias!r} has no table of MoniteEnding: an ending is lost if the process dies right after the commit.",
                hint=f"Run manage.py migrate --database {alias}. If a router keeps monite_auth_django out of this database, let it in.",
                id="monite_auth.W007",
            )


def _tables(alias: str) -> Collection[str]:
    try:
        return connections[alias].introspection.table_names()  # type: ignore[no-any-return]  # Django has no types
    except DatabaseError:  # others say so
        return ()
