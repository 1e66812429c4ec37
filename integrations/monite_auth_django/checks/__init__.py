"""System checks: `manage.py check` says what would fail later, or be unsafe, and how to mend it.

monite_auth.E001  the middleware is missing, is there twice, or comes too early
monite_auth.E002  an app is missing in INSTALLED_APPS
monite_auth.E003  a setting is missing or wrong
monite_auth.E004  the client ID or secret is a placeholder
monite_auth.E005  the base URL is http
monite_auth.E006  there is no directory, or no function to identify, or to authorize where one is asked
monite_auth.E007  MONITE_AUTH has an unknown key
monite_auth.E008  STORE is no store, or stands beside STORE_URL
monite_auth.E009  STORE_URL names a database of the project that can have no store
monite_auth.W001  deployment: tokens live in the memory of each process
monite_auth.W002  the client secret stands in the settings module
monite_auth.W003  deployment: Monite is on this machine
monite_auth.W004  the environment has a MONITE_… variable that means nothing
monite_auth.W005  the store's tables are not in the database
monite_auth.W006  the user of the database may not use them
monite_auth.W007  the table of endings is not in a database that has users
"""

from collections.abc import Collection
from typing import Any

from django.core.checks import CheckMessage

from monite_auth_django.checks import database, deployment, outbox, project, secrets, values

__all__ = ["check_databases", "check_deployment", "check_project"]


def check_project(**_: Any) -> list[CheckMessage]:
    """Return the problems that matter in development and in production."""
    return [*project.check(), *values.check(), *database.check(), *secrets.check()]


def check_databases(databases: Collection[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Return the problems in the databases that may be asked (`manage.py check --database default`, and `migrate`)."""
    return [*database.check_tables(databases or ()), *outbox.check(databases or ())]


def check_deployment(**_: Any) -> list[CheckMessage]:
    """Return the problems that matter only in production (`manage.py check --deploy`)."""
    return [*deployment.check()]
