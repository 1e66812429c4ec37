"""The middleware: `request.monite`, errors as responses, and logouts that the app need not report."""

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
from monite_auth.adapter import BINDING, aend, bound_principal, end, log_failed_identify
from monite_auth.errors import NotLoggedIn, NotPermitted, SessionEnded
from monite_auth_django.access import attach
from monite_auth_django.bindings import ACTING, bound_in
from monite_auth_django.conf import conf
from monite_auth_django.current import begin, broker, error_about
from monite_auth_django.identify import aprincipal, auser, principal
from monite_auth_django.responses import answered, error_response, keep_private
from monite_auth_django.watched import WatchedSession

__all__ = ["MoniteAuthMiddleware"]

REFUSALS = (
    Http404,
    PermissionDenied,
    SuspiciousOperation,
    BadRequest,
    NotLoggedIn,
    NotPermitted,
    SessionEnded,
)
"""Exceptions by which an `IDENTIFY` says that nobody is logged in, as far as a logout is concerned."""


class MoniteAuthMiddleware:
    """Puts a lazy MoniteAccess at `request.monite`; belongs after AuthenticationMiddleware.

    A request that does not use Monite costs no query and does not touch its session. When a session loses its user in this
    request, in whatever way, the user's session in Monite ends.
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
        begin()
        attach(request)
        session: Any = getattr(request, "session", None)
        if _may_log_out(request):
            request.monite_visit.arrive("identify", _ask(request))
        try:
            response = self.get_response(request)
        finally:  # even if a view is cancelled, because it may have logged the user out before
            if _is_replaced(request, session):
                end(broker, _gone_with(session, request.session))
            acting = _acting(request)
            if acting is not None:
                _stop_acting(request, acting, request.user)
            if _has_changed(request):
                request.session.end_gone()
            if request.monite_visit.has_open("identify"):
                end(broker, request.monite_visit.leave("identify", _ask_at_the_end(request)))
        return keep_private(request, answered(request, response))

    async def __acall__(self, request: HttpRequest) -> HttpResponse:
        begin()
        attach(request)
        session: Any = getattr(request, "session", None)
        if _may_log_out(request):
            request.monite_visit.arrive("identify", await _aask(request))
        try:
            response = await self.get_response(request)
        finally:
            if _is_replaced(request, session):
                for each in (session, request.session):
                    await each.aget(BINDING)  # read them, so that they are in memory
                await aend(broker, _gone_with(session, request.session))
            acting = _acting(request)
            if acting is not None:
                _stop_acting(request, acting, await auser(request))
            if _has_changed(request):
                await request.session.aend_gone()
            if request.monite_visit.has_open("identify"):
                await aend(broker, request.monite_visit.leave("identify", await _aask_at_the_end(request)))
        return keep_private(request, answered(request, response))

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer for an error of ours that a view lets through; a developer's mistake stays an exception."""
        error = error_about(exception)
        return None if error is None else error_response(request, error)


# Shared by both ways of serving. Of these, only those that ask may do I/O: that of the app's own function.


def _may_log_out(request: HttpRequest) -> bool:
    """Return whether an `IDENTIFY` of the app's own is to name who arrives: without a Django session, nothing else does."""
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


def _ask_at_the_end(request: HttpRequest) -> Principal | None:
    """Ask once more, when there is an answer, which a failure of the app's function must not change."""
    try:
        return _ask(request)
    except Exception as error:  # noqa: BLE001 - see log_failed_identify
        log_failed_identify(error)
        return None


async def _aask_at_the_end(request: HttpRequest) -> Principal | None:
    try:
        return await _aask(request)
    except Exception as error:  # noqa: BLE001 - see log_failed_identify
        log_failed_identify(error)
        return None


def _is_replaced(request: HttpRequest, session: Any) -> bool:
    """Return whether a view has put another session object in the place of the one that arrived."""
    return isinstance(session, WatchedSession) and getattr(request, "session", session) is not session


def _gone_with(session: WatchedSession, replacement: Any) -> list[Principal]:
    """Return the principals that a session was bound to, and its replacement is not."""
    stay = bound_in(replacement)
    return [each for each in session.leave_all() if each not in stay]


def _acting(request: HttpRequest) -> Principal | None:
    """Return whom the user acted as when the session was last bound, if the session has been read."""
    session = getattr(request, "session", None)
    if isinstance(session, WatchedSession) and session.is_in_memory:
        return bound_principal(session.get(ACTING, {}))
    return None


def _stop_acting(request: HttpRequest, acting: Principal, user: Any) -> None:
    """Remove the binding of an impersonation, if `request.user` is another user by now."""
    if str(user.pk) != acting.user_id:
        request.session.pop(ACTING, None)


def _has_changed(request: HttpRequest) -> bool:
    # Removing a user marks the session as modified, so an unmodified session need not be read.
    session = getattr(request, "session", None)
    return isinstance(session, WatchedSession) and session.modified
