"""A decorator for views that only some may use."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import current_app

from monite_auth.rbac import Action, ObjectType, words
from monite_auth_flask.extension import current_monite

__all__ = ["monite_allowed"]


def monite_allowed(
    object_type: ObjectType | str, action: Action | str, *, own: bool = False
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Let only those in who may do this in Monite, as `current_monite.can` says; others get a 401 or a 403.

    `own`: it is about what they created themselves. A wrong word is an error when the module is imported:

        @app.post("/invoices")
        @monite_allowed("payable", "create")
        def new_invoice(): ...
    """
    asked = words(object_type, action)

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(view)
        def allowed(*args: Any, **kwargs: Any) -> Any:
            current_monite.demand(*asked, own=own)
            return current_app.ensure_sync(view)(*args, **kwargs)

        return allowed

    return decorate
