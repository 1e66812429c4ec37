"""The middleware: `request.monite`, errors as responses, and a logout that nobody has to remember."""

from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.apps import apps
from django.contrib.sessions.backends.base import SessionBase
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse

from monite_auth import Principal
from monite_auth.errors import MoniteAuthError
from monite_auth.sessions import has_left
from monite_auth_django.access import attach
from monite_auth_django.bindings import aend, aleave, end, leave, unbind_if_gone, watch
from monite_auth_django.conf import conf
from monite_auth_django.identify import aprincipal, principal
from monite_auth_django.responses import error_response

__all__ = ["MoniteAuthMiddleware"]


class MoniteAuthMiddleware:
    """Puts a lazy MoniteAccess at `request.monite`; belongs after AuthenticationMiddleware.

    A request that does not use Monite costs no query and does not touch its session. When a session loses its user in this
    request, in whatever way, it is logged out of Monite.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        if not apps.is_installed("monite_auth_django"):
            raise ImproperlyConfigured("Add 'monite_auth_django' to INSTALLED_APPS.")
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponse | Awaitable[HttpResponse]:
        """Serve one request, or return the coroutine that does."""
        if self.is_async:
            return self.__acall__(request)
        watched = _begin(request)
        response = self.get_response(request)
        if watched is not None and watched.unread_key:
            leave(type(request.session)(watched.unread_key))
        end(_gone_from_session(request))
        came = _known_by_own_means(request)
        if came is not None and has_left(came, principal(request)):
            end(came)
        return response

    async def __acall__(self, request: HttpRequest) -> HttpResponse:
        watched = _begin(request)
        response = await self.get_response(request)
        if watched is not None and watched.unread_key:
            await aleave(type(request.session)(watched.unread_key))
        await aend(_gone_from_session(request))
        came = _known_by_own_means(request)
        if came is not None and has_left(came, await aprincipal(request)):
            await aend(came)
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer for an error of ours that a view lets through; a developer's mistake stays an exception."""
        if isinstance(exception, MoniteAuthError) and exception.status_hint != 500:
            return error_response(request, exception)
        return None


# What both ways of serving share; none of it does I/O.


def _begin(request: HttpRequest) -> Any:
    attach(request)
    session = getattr(request, "session", None)
    return watch(session) if isinstance(session, SessionBase) else None


def _gone_from_session(request: HttpRequest) -> Principal | None:
    session = getattr(request, "session", None)
    # Whoever takes a user away has modified the session; and who has not read it, need not read it for us.
    if isinstance(session, SessionBase) and session.modified:
        return unbind_if_gone(session)
    return None


def _known_by_own_means(request: HttpRequest) -> Principal | None:
    """Return who the request came with, where the app has its own `IDENTIFY` and was asked."""
    if conf.identifies_by_default:
        return None
    came: Principal | None = request.monite.known_principal
    return None if came is None or request.monite.logged_out else came
