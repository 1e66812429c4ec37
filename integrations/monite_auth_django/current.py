"""The process's broker: built at first use, and again when a test overrides `MONITE_AUTH`."""

from typing import Any

from django.core.signals import setting_changed
from django.db.backends.base.base import NO_DB_ALIAS, BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from monite_auth import TokenBroker
from monite_auth.adapter import LazyBroker, error_to_answer, warn_of_unknown_settings
from monite_auth.errors import MoniteAuthError
from monite_auth_django.conf import conf
from monite_auth_django.database import alias_of_store
from monite_auth_django.functions import ProjectFunction
from monite_auth_django.outbox import ModelOutbox

__all__ = ["begin", "broker", "error_about"]


def broker() -> TokenBroker:
    """Return the broker of this process, set up by `MONITE_AUTH`.

    Raises ConfigurationError if settings are missing or wrong; `manage.py check` finds that earlier.
    """
    return _of_this_process()


def begin() -> None:
    """Have this process carry out what others have left undone, from its first request on; see LazyBroker."""
    _of_this_process.begin()


def error_about(exception: BaseException) -> MoniteAuthError | None:
    """Return the error of ours that an exception is about, if end users get an answer for it; see `error_to_answer`."""
    found = _of_this_process.built
    if found is not None:
        return error_to_answer(exception, found.settings)
    # Nobody has called Monite yet, so only an error of ours itself counts.
    return exception if isinstance(exception, MoniteAuthError) and exception.status_hint != 500 else None


def _build() -> TokenBroker:
    warn_of_unknown_settings()
    authorize = conf.AUTHORIZE and ProjectFunction(
        "authorize", conf.AUTHORIZE, instead="`await request.monite.acan(…)`"
    )
    return TokenBroker(
        conf.core_settings(),
        conf.directory(),
        authorize=authorize,
        store=conf.STORE,
        events=conf.EVENT_SINKS,
        outbox=ModelOutbox(),
    )


def _setting_changed(*, setting: str, **_: Any) -> None:
    if setting == "MONITE_AUTH":
        _of_this_process.close()


def _connected(*, connection: BaseDatabaseWrapper, **_: Any) -> None:
    """Leave the database before a test runner copies or drops it: PostgreSQL refuses that while somebody is connected.

    To do so, Django connects to no database in particular. The next use opens the one that tests have by then.
    """
    if connection.alias == NO_DB_ALIAS and alias_of_store() is not None:
        _of_this_process.close()


_of_this_process = LazyBroker(_build)
connection_created.connect(_connected, dispatch_uid="monite_auth_django")
setting_changed.connect(_setting_changed, dispatch_uid="monite_auth_django")
