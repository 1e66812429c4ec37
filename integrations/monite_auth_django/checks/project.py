"""Checks of MIDDLEWARE and INSTALLED_APPS."""

from collections.abc import Iterator

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.utils.module_loading import import_string

from monite_auth_django.conf import conf

__all__ = ["MIDDLEWARE", "check"]

MIDDLEWARE = "monite_auth_django.middleware.MoniteAuthMiddleware"
BEFORE_OURS = (
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
)
APPS = ("django.contrib.auth", "django.contrib.contenttypes", "monite_auth_django")


def check() -> Iterator[CheckMessage]:
    """Yield a message for each problem."""
    yield from _middleware()
    for name in APPS:
        if not apps.is_installed(name):
            yield Error(
                f"{name} is not in INSTALLED_APPS.",
                hint=f"Add '{name}', and run manage.py migrate.",
                id="monite_auth.E002",
            )


def _middleware() -> Iterator[CheckMessage]:
    order = list(settings.MIDDLEWARE)
    if MIDDLEWARE not in order:
        if not any(_is_ours(path) for path in order):
            yield Error(
                "MoniteAuthMiddleware is not in MIDDLEWARE: there is no request.monite.",
                hint=f"Add '{MIDDLEWARE}' after '{BEFORE_OURS[1]}'.",
                id="monite_auth.E001",
            )
        return
    if order.count(MIDDLEWARE) > 1:
        yield Error(
            "MoniteAuthMiddleware is in MIDDLEWARE more than once.",
            hint=f"Keep one '{MIDDLEWARE}', after '{BEFORE_OURS[1]}'.",
            id="monite_auth.E001",
        )
    for other in BEFORE_OURS:
        if conf.identifies_by_default and (
            other not in order or order.index(other) > order.index(MIDDLEWARE)
        ):
            what = "is not in MIDDLEWARE" if other not in order else "comes after MoniteAuthMiddleware"
            yield Error(
                f"{other.rpartition('.')[2]} {what}: nobody would be logged in for Monite.",
                hint=f"Put '{MIDDLEWARE}' after '{other}' in MIDDLEWARE.",
                id="monite_auth.E001",
            )


def _is_ours(path: str) -> bool:
    """Return whether a middleware's path is that of a subclass of ours; other middleware may be anything."""
    from monite_auth_django.middleware import MoniteAuthMiddleware  # noqa: PLC0415

    try:
        found = import_string(path)
    except ImportError:
        return False
    return isinstance(found, type) and issubclass(found, MoniteAuthMiddleware)
