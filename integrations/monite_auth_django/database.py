"""The store in one of the project's own databases: `MONITE_AUTH["STORE_URL"] = "django://default"`.

The store has connections of its own, with the alias' parameters, so an open transaction of the project neither holds a logout up nor
takes one back. On SQLite it has a file of its own beside the database, since a file takes one writer at a time.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.connection import ConnectionDoesNotExist

from monite_auth import Settings, SQLiteStore
from monite_auth.adapter import discreet
from monite_auth.errors import ConfigurationError
from monite_auth.stores import Store, register
from monite_auth_django.conf import conf

__all__ = ["alias_of_store", "check_store", "database_of_store", "open_store"]

SCHEME = "django://"


def alias_of_store() -> str | None:
    """Return the alias that `STORE_URL` names; None where it names none, or `STORE` is there instead."""
    url = str(conf.core_values().get("STORE_URL", ""))
    return url.removeprefix(SCHEME) if url.startswith(SCHEME) and "STORE" not in conf.MONITE_AUTH else None


def database_of_store(alias: str) -> BaseDatabaseWrapper:
    """Return Django's connection to the store's database, which need not be open.

    Raises: ConfigurationError where the alias is unknown, or no store can be there.
    """
    named = f'MONITE_AUTH["STORE_URL"] is "{SCHEME}{alias}"'
    try:
        database = connections[alias]
    except ConnectionDoesNotExist:
        known = ", ".join(f'"{SCHEME}{each}"' for each in connections)
        raise ConfigurationError(
            f'{named}, and DATABASES has no "{alias}": name an alias of it ({known}).'
        ) from None
    if database.vendor == "postgresql":
        return database
    if database.vendor != "sqlite":
        raise ConfigurationError(
            f"{named}, and that database is {database.display_name}: a store needs PostgreSQL or SQLite. Name another alias, or set "
            "STORE_URL to redis://… or postgresql://…."
        )
    if database.is_in_memory_db():
        raise ConfigurationError(
            f"{named}, and that database is SQLite in memory, as in tests by default: a store needs a file, or PostgreSQL. "
            f'Give it a file (DATABASES["{alias}"]["TEST"] = {{"NAME": "test.sqlite3"}}), or set STORE_URL to memory:// there.'
        )
    return database


def check_store(alias: str) -> None:
    """Raise what `open_store` would raise, without opening anything."""
    database = database_of_store(alias)
    if database.vendor == "postgresql":
        _url(database)


def open_store(settings: Settings, clock: Callable[[], float]) -> Store:
    """Return the store in the database that `settings.store_url` names, as the database is called now: a test has another name for it.

    Raises: ConfigurationError; ImportError where psycopg is missing.
    """
    database = database_of_store(settings.store_url.removeprefix(SCHEME))
    options: dict[str, Any] = {
        "keys": settings.credentials,
        "session_memory": settings.session_memory,
        "requests_per_second": settings.requests_per_second,
        "token_clock": clock,
    }
    if database.vendor == "sqlite":
        return SQLiteStore(_beside(database), **options)
    from monite_auth import PostgresStore  # noqa: PLC0415 - it needs psycopg

    return PostgresStore(_url(database), **options)


def _beside(database: BaseDatabaseWrapper) -> Path:
    """Return the store's file: `db.monite-auth.sqlite3` beside `db.sqlite3`."""
    name = str(database.settings_dict["NAME"])
    path = Path(unquote(urlsplit(name).path) if name.startswith("file:") else name)
    return path.with_name(f"{path.stem}.monite-auth{path.suffix}")


@discreet
def _url(database: BaseDatabaseWrapper) -> str:
    """Return what Django would connect with, as a URL of libpq's. Django's own options and the driver's are none of libpq's."""
    from monite_auth.stores.postgres import parameter_names  # noqa: PLC0415 - it needs psycopg

    known = parameter_names()
    try:
        given = {name: value for name, value in database.get_connection_params().items() if name in known}
    except ImproperlyConfigured as error:
        raise ConfigurationError(str(error)) from None
    role = database.settings_dict["OPTIONS"].get("assume_role")
    if role:
        given["options"] = f"{given.get('options', '')} -c role={_escaped(role)}".strip()
    return "postgresql://?" + "&".join(
        f"{name}={quote(str(value), safe='')}" for name, value in given.items() if value is not None
    )


def _escaped(value: str) -> str:
    """Return a value as it stands among libpq's `options`."""
    return value.replace("\\", "\\\\").replace(" ", "\\ ")


register("django", open_store)
