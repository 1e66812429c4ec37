"""The process's broker: built at first use, and again when a test overrides `MONITE_AUTH`."""

import atexit
import contextlib
import os
from typing import Any

from django.core.signals import setting_changed

from monite_auth import TokenBroker
from monite_auth.adapter import error_to_answer
from monite_auth.configuration.unknown_settings import warn_of_meaningless
from monite_auth.errors import MoniteAuthError
from monite_auth.processes.lifetimes import ProcessLock
from monite_auth.settings import SETTING_NAMES
from monite_auth_django.conf import conf
from monite_auth_django.functions import ProjectFunction

__all__ = ["broker", "close_broker", "error_about"]

_lock = ProcessLock()
_broker: TokenBroker | None = None


def broker() -> TokenBroker:
    """Return the broker of this process, set up by `MONITE_AUTH`.

    Raises ConfigurationError if settings are missing or wrong; `manage.py check` finds that earlier.
    """
    global _broker  # noqa: PLW0603 - there is one per process
    found = _broker
    if found is None:
        with _lock:
            if _broker is None:
                warn_of_meaningless(os.environ, SETTING_NAMES)
                authorize = conf.AUTHORIZE and ProjectFunction(
                    "authorize", conf.AUTHORIZE, instead="`await request.monite.acan(…)`"
                )
                _broker = TokenBroker(
                    conf.core_settings(), conf.directory(), authorize=authorize, store=conf.STORE
                )
            found = _broker
    return found


def error_about(exception: BaseException) -> MoniteAuthError | None:
    """Return the error of ours that an exception is about, if end users get an answer for it; see `error_to_answer`."""
    if _broker is None:  # nobody has called Monite, so only an error of ours itself counts
        is_answered = isinstance(exception, MoniteAuthError) and exception.status_hint != 500
        return exception if is_answered else None  # type: ignore[return-value]
    return error_to_answer(exception, _broker.settings)


def close_broker() -> None:
    """Close the broker after one more try at the pending revocations; the next use builds another broker."""
    global _broker
    with _lock:
        old, _broker = _broker, None
    if old is not None:
        with contextlib.suppress(MoniteAuthError):  # if the store is down, its pending revocations stay in it
            old.close()


def _setting_changed(*, setting: str, **_: Any) -> None:
    if setting == "MONITE_AUTH":
        close_broker()


setting_changed.connect(_setting_changed, dispatch_uid="monite_auth_django")
# A worker that stops in good order revokes what it can. After one that is killed, the others or monite_drain do it.
atexit.register(close_broker)
