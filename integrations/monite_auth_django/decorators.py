"""Decorators for views that need Monite."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse

from monite_auth.adapter import nobody_logged_in
from monite_auth.rbac import Action, ObjectType, parse_permission
from monite_auth_django.responses import error_response, keep_private

__all__ = ["monite_allowed", "monite_required"]


def monite_required(view: Callable[..., Any]) -> Callable[..., Any]:
    """Let in only users who are logged in and linked to an entity user; `def` and `async def`.

    An anonymous visitor's browser is sent to `LOGIN_URL`; other anonymous clients get a 401. A user who is not linked gets a
    403. For class-based views: `monite_required(InvoiceView.as_view())`.
    """
    if iscoroutinefunction(view):

        @wraps(view)
        async def aguarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            monite = await request.amonite()
            if not monite:
                return _log_in_first(request)
            await monite.aentity_user()  # or NotLinked, which the middleware answers
            return keep_private(request, await view(request, *args, **kwargs))

        return aguarded

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.monite:
            return _log_in_first(request)
        request.monite.entity_user()
        return keep_private(request, view(request, *args, **kwargs))

    return guarded


def monite_allowed(
    object_type: ObjectType | str, action: Action | str, *, own: bool = False
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Let in only users who may do this in Monite, as `request.monite.can` says; others get a 403, or log in first.

    `own`: the view is about objects that they created themselves. A wrong word is an error at import:

        @monite_allowed("payable", "create")
        def new_invoice(request): ...
    """
    asked = parse_permission(object_type, action)

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        if iscoroutinefunction(view):

            @wraps(view)
            async def aallowed(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
                await request.monite.ademand(*asked, own=own)
                return await view(request, *args, **kwargs)

            return monite_required(aallowed)

        @wraps(view)
        def allowed(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            request.monite.demand(*asked, own=own)
            return view(request, *args, **kwargs)

        return monite_required(allowed)

    return decorate


def _log_in_first(request: HttpRequest) -> HttpResponse:
    if request.method in ("GET", "HEAD") and "text/html" in request.headers.get("accept", ""):
        return redirect_to_login(request.get_full_path())
    return error_response(request, nobody_logged_in())
