"""Who is logged in, by Django's own means: `request.user` and `request.session`."""

from typing import Any, cast

from asgiref.sync import async_to_sync, iscoroutinefunction, sync_to_async
from django.contrib.auth import SESSION_KEY
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from monite_auth import Principal
from monite_auth.sessions import principal_of
from monite_auth_django.conf import conf

__all__ = ["aidentify", "aprincipal", "identify", "principal"]


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
    # After a login or logout within the request, `user` is a plain object, and `auser` is out of date (Django 5.2).
    is_current = type(request.user) is not SimpleLazyObject
    user = request.user if is_current else await request.auser()
    if hasattr(request, "session"):
        await request.session.aget(SESSION_KEY)  # from here on the session is in memory
    return _principal(request, user, tenant)


def principal(request: HttpRequest) -> Principal | None:
    """Return who is logged in, as `MONITE_AUTH["IDENTIFY"]` has it."""
    function = conf.IDENTIFY
    found: Any = async_to_sync(function)(request) if iscoroutinefunction(function) else function(request)
    return cast("Principal | None", found)


async def aprincipal(request: HttpRequest) -> Principal | None:
    """Return who is logged in, as `MONITE_AUTH["IDENTIFY"]` has it; the default makes no thread hop of its own."""
    function = conf.IDENTIFY
    if function is identify:
        return await aidentify(request)
    waiting: Any = function(request) if iscoroutinefunction(function) else sync_to_async(function)(request)
    return cast("Principal | None", await waiting)


def _principal(request: HttpRequest, user: Any, tenant: str | None) -> Principal | None:
    if not getattr(user, "is_authenticated", False):
        return None
    user_id = str(user.pk)
    session = getattr(request, "session", None)
    if session is None or session.get(SESSION_KEY) != user_id:
        # Logged in by other means for this request alone (an API's token): there is no session to keep anything in.
        return Principal(user_id, tenant)
    return principal_of(session, user_id, tenant=tenant)


def _check_order(request: HttpRequest) -> None:
    if not hasattr(request, "user"):
        raise ImproperlyConfigured(
            "request.monite needs request.user: put 'monite_auth_django.middleware.MoniteAuthMiddleware' after "
            "'django.contrib.auth.middleware.AuthenticationMiddleware' in MIDDLEWARE."
        )
