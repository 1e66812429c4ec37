"""The middleware: `request.monite`, errors as responses, and a logout that nobody has to remember."""

from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.apps import apps
from django.core.exceptions import (
    BadRequest,
    ImproperlyConfigured,
    PermissionDenied,
    SuspiciousOperation,
)
from django.http import Http404, HttpRequest, HttpResponse

from monite_auth import Principal
from monite_auth.adapter.sessions import BINDING, bound_principal, is_logged_out
from monite_auth.errors import NotLoggedIn
from monite_auth_django.access import attach
from monite_auth_django.bindings import ACTING, bound_in
from monite_auth_django.conf import conf
from monite_auth_django.current import error_about
from monite_auth_django.endings import aend, end
from monite_auth_django.identify import aprincipal, auser, principal
from monite_auth_django.responses import error_response, keep_private
from monite_auth_django.watched import WatchedSession

__all__ = ["MoniteAuthMiddleware"]

REFUSALS = (Http404, PermissionDenied, SuspiciousOperation, BadRequest, NotLoggedIn)
"""By raising these, an `IDENTIFY` says that there is nobody, as far as a logout is concerned."""


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
        attach(request)
        session: Any = getattr(request, "session", None)
        arrived = _ask(request) if _may_log_out(request) else None
        try:
            response = self.get_response(request)
        finally:  # a view that is cancelled may have logged out before
            if _is_replaced(request, session):
                end(_gone_with(session, request.session))
            acting = _acting(request)
            if acting is not None:
                _stop_acting(request, acting, request.user)
            if _has_changed(request):
                request.session.end_gone()
            came = _known_by_own_means(request, arrived)
            if came:
                end(_gone(came, _ask(request)))
        return keep_private(request, response)

    async def __acall__(self, request: HttpRequest) -> HttpResponse:
        attach(request)
        session: Any = getattr(request, "session", None)
        arrived = await _aask(request) if _may_log_out(request) else None
        try:
            response = await self.get_response(request)
        finally:
            if _is_replaced(request, session):
                for each in (session, request.session):
                    await each.aget(BINDING)  # from here on they are in memory
                await aend(_gone_with(session, request.session))
            acting = _acting(request)
            if acting is not None:
                _stop_acting(request, acting, await auser(request))
            if _has_changed(request):
                await request.session.aend_gone()
            came = _known_by_own_means(request, arrived)
            if came:
                await aend(_gone(came, await _aask(request)))
        return keep_private(request, response)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer for an error of ours that a view lets through; a developer's mistake stays an exception."""
        error = error_about(exception)
        return None if error is None or error.status_hint == 500 else error_response(request, error)


# What both ways of serving share; what asks, does I/O by the app's own function alone.


def _may_log_out(request: HttpRequest) -> bool:
    """Say whether an `IDENTIFY` of the app's own has to say who came: where there is no Django session, nothing else knows."""
    return not conf.identifies_by_default and request.method not in ("GET", "HEAD", "OPTIONS", "TRACE")


def _ask(request: HttpRequest) -> Principal | None:
    try:
        return principal(request)
    except REFUSALS:
        return None


async def _aask(request: HttpRequest) -> Principal | None:
    try:
        return await aprincipal(request)
    except REFUSALS:
        return None


def _is_replaced(request: HttpRequest, session: Any) -> bool:
    """Say whether a view has put another session in the place of the one that came in."""
    return isinstance(session, WatchedSession) and getattr(request, "session", session) is not session


def _gone_with(session: WatchedSession, other: Any) -> list[Principal]:
    """Return whom a session was bound to that `other` was put in the place of, and is not."""
    stay = bound_in(other)
    return [each for each in session.forget() if each not in stay]


def _acting(request: HttpRequest) -> Principal | None:
    """Return whom the request's user acted as when the session was last bound, where somebody has read that session."""
    session = getattr(request, "session", None)
    if isinstance(session, WatchedSession) and session.is_in_memory:
        return bound_principal(session.get(ACTING, {}))
    return None


def _stop_acting(request: HttpRequest, acting: Principal, user: Any) -> None:
    """Take the binding of an impersonation out of the session, if another user is at `request.user` by now."""
    if str(user.pk) != acting.user_id:
        request.session.pop(ACTING, None)


def _has_changed(request: HttpRequest) -> bool:
    # Whoever takes a user away has modified the session; and who has not read it, need not read it for us.
    session = getattr(request, "session", None)
    return isinstance(session, WatchedSession) and session.modified


def _known_by_own_means(request: HttpRequest, arrived: Principal | None) -> list[Principal]:
    """Return who the request came with, where the app has its own `IDENTIFY` and was asked."""
    if conf.identifies_by_default:
        return []
    known = request.monite.known_principal
    if known is not None and request.monite.logged_out:
        return [] if arrived is None or not is_logged_out(arrived, known) else [arrived]
    found = [] if known is None else [known]
    if arrived is not None and is_logged_out(arrived, known):
        found.append(arrived)
    return found


def _gone(came: list[Principal], leaves: Principal | None) -> list[Principal]:
    return [each for each in came if is_logged_out(each, leaves)]
