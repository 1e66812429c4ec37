"""The same request in Django, in several ways: see `benchmarks.middlewares.Sides`. A process has one project, so this is it."""

import time
from collections.abc import Callable
from typing import Any

import django
from django.conf import settings
from django.contrib.sessions.backends.signed_cookies import SessionStore
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from django.urls import path

from benchmarks.middlewares import KEY, Sides, wsgi
from monite_auth import EntityUser, Principal
from monite_auth.emulator import ANNA_ID, BAKERY_ID, DEMO_CLIENT_ID, DEMO_CLIENT_SECRET

__all__ = ["nothing", "sides", "twice", "urlpatterns"]

SESSIONS = "django.contrib.sessions.middleware.SessionMiddleware"
OURS = "monite_auth_django.middleware.MoniteAuthMiddleware"


def nothing(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Return a middleware that does nothing."""
    return lambda request: get_response(request)  # noqa: PLW0108 - a middleware is a function around another one


def twice(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Return a middleware that asks who is logged in, before the view and after it."""

    def serve(request: HttpRequest) -> Any:
        _identify(request)
        response = get_response(request)
        _identify(request)
        return response

    return serve


def _plain(_request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok")


def _reads(request: HttpRequest) -> HttpResponse:
    assert request.session["user_id"]
    return HttpResponse("ok")


def _takes(request: HttpRequest) -> HttpResponse:
    request.monite.token()
    return HttpResponse("ok")


urlpatterns = [path("", _plain), path("reads", _reads), path("takes", _takes)]


def _identify(request: HttpRequest) -> Principal | None:
    user_id = request.session.get("user_id")
    return None if user_id is None else Principal(user_id, authenticated_at=request.session["since"])


def sides(api_url: str) -> Sides:
    """Return the sides of Django, with sessions in signed cookies, and an `IDENTIFY` that reads them: no database."""
    _set_up(api_url)
    session = SessionStore()
    session["user_id"], session["since"] = "anna", time.time()
    session.save()
    cookie = f"{settings.SESSION_COOKIE_NAME}={session.session_key}"
    idle, ours = _handler(f"{__name__}.nothing"), _handler(OURS)
    return Sides(
        wsgi(idle),
        wsgi(_handler(f"{__name__}.twice")),
        wsgi(ours),
        wsgi(idle, "/reads", cookie),
        wsgi(ours, "/takes", cookie),
    )


def _handler(middleware: str) -> WSGIHandler:
    with override_settings(MIDDLEWARE=[SESSIONS, middleware]):
        return WSGIHandler()  # it reads the setting now


def _set_up(api_url: str) -> None:
    if settings.configured:
        return
    settings.configure(
        SECRET_KEY=KEY,
        ALLOWED_HOSTS=["testserver"],
        USE_TZ=True,
        ROOT_URLCONF=__name__,
        SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "monite_auth_django"],
        MONITE_AUTH={
            "CLIENT_ID": DEMO_CLIENT_ID,
            "CLIENT_SECRET": DEMO_CLIENT_SECRET,
            "BASE_URL": api_url,
            "REQUESTS_PER_SECOND": 1_000_000,
            "DIRECTORY": {"anna": EntityUser(ANNA_ID, BAKERY_ID)},
            "IDENTIFY": _identify,
        },
    )
    django.setup()
