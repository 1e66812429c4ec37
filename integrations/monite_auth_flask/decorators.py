"""Decorators that guard views."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import current_app

from monite_auth.rbac import Action, ObjectType, parse_permission
from monite_auth_flask.extension import current_monite

__all__ = ["monite_allowed", "monite_required"]


def monite_required(view: Callable[..., Any]) -> Callable[..., Any]:
    """Let in only users who are logged in and linked to an entity user; `def` and `async def`.

    An anonymous visitor gets a 401, and a user who is not linked a 403:

        @app.get("/invoices")
        @monite_required
        def invoices(): ...
    """
    return _guarded(view, lambda: current_monite.entity_user())  # noqa: PLW0108 - a proxy, asked in a request


def monite_allowed(
    object_type: ObjectType | str, action: Action | str, *, own: bool = False
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Let in only users who may do this in Monite, as `current_monite.can` says; others get a 401 or a 403.

    `own`: the view is about objects that they created themselves. A wrong word is an error at import:

        @app.post("/invoices")
        @monite_allowed("payable", "create")
        def new_invoice(): ...
    """
    asked = parse_permission(object_type, action)
    return lambda view: _guarded(view, lambda: current_monite.demand(*asked, own=own))


def _guarded(view: Callable[..., Any], check: Callable[[], object]) -> Callable[..., Any]:
    """Return a view that calls `check` first, which raises what becomes the refusal."""

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        check()
        return current_app.ensure_sync(view)(*args, **kwargs)

    return guarded
