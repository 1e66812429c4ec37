"""Identifies the logged-in user by Django's own means: `request.user` and `request.session`."""

from typing import Any

from asgiref.sync import async_to_sync, iscoroutinefunction, sync_to_async
from django.contrib.auth import SESSION_KEY
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject, empty

from monite_auth import Principal
from monite_auth.adapter import checked_principal
from monite_auth_django.bindings import bind_user, session_user
from monite_auth_django.conf import conf
from monite_auth_django.credentials import api_principal

__all__ = ["aidentify", "aprincipal", "auser", "identify", "principal"]


def identify(request: HttpRequest, *, tenant: str | None = None) -> Principal | None:
    """Return who is logged in, or None.

    `tenant`: which of the user's organizations is active; for a function of your own that knows:

        def identify_with_tenant(request):
            return monite_auth_django.identify(request, tenant=request.organization.slug)
    """
    _check_order(request)
    return _principal(request, request.user, tenant)


async def aidentify(request: HttpRequest, *, tenant: str | None = None) -> Principal | None:
    """Return who is logged in; see `identify`."""
    _check_order(request)
    user = await auser(request)
    if hasattr(request, "session"):
        await request.session.aget(SESSION_KEY)  # read it, so that it is in memory
    return _principal(request, user, tenant)


def principal(request: HttpRequest) -> Principal | None:
    """Return who is logged in, according to `MONITE_AUTH["IDENTIFY"]`."""
    function = conf.IDENTIFY
    found: Any = async_to_sync(function)(request) if iscoroutinefunction(function) else function(request)
    return checked_principal(found)


async def aprincipal(request: HttpRequest) -> Principal | None:
    """Return who is logged in, according to `MONITE_AUTH["IDENTIFY"]`; the default makes no thread hop of its own."""
    function = conf.IDENTIFY
    if function is identify:
        return await aidentify(request)
    waiting: Any = function(request) if iscoroutinefunction(function) else sync_to_async(function)(request)
    return checked_principal(await waiting)


async def auser(request: HttpRequest) -> Any:
    """Return `request.user` without blocking the event loop.

    `request.auser` may name another user: it is out of date after a login or logout within the request (Django 5.2), and a
    middleware that lets staff act as a customer replaces only `request.user`.
    """
    user = request.user
    if type(user) is not SimpleLazyObject or user._wrapped is not empty:  # noqa: SLF001 - nothing else tells
        return user
    find = getattr(request, "auser", None)
    if find is not None and (_is_djangos(user.__dict__["_setupfunc"]) or not _is_djangos(find)):
        return await find()
    await sync_to_async(bool)(user)  # in the request's thread
    return user


def _is_djangos(find_user: Any) -> bool:
    """Return whether Django's AuthenticationMiddleware has put this function on a request."""
    function: Any = getattr(find_user, "func", find_user)  # of a partial
    return bool(function.__module__ == "django.contrib.auth.middleware")


def _principal(request: HttpRequest, user: Any, tenant: str | None) -> Principal | None:
    if not getattr(user, "is_authenticated", False):
        return None
    user_id = str(user.pk)
    session = getattr(request, "session", None)
    if session is None or getattr(request, "auth", None) is not None or session_user(session) is None:
        # The user logged in by other means, for this request only; a session, if there is one, is not theirs.
        return api_principal(request, user_id, tenant)
    return bind_user(session, user_id, tenant)


def _check_order(request: HttpRequest) -> None:
    if not hasattr(request, "user"):
        raise ImproperlyConfigured(
            "request.monite needs request.user: put 'monite_auth_django.middleware.MoniteAuthMiddleware' after "
            "'django.contrib.auth.middleware.AuthenticationMiddleware' in MIDDLEWARE."
        )
