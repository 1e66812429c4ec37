"""Decorators for views that only some may use."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from monite_auth.rbac import Action, ObjectType, parse_permission
from tests.toys.monite_auth_teapot.state import monite
from tests.toys.teapot import Request

__all__ = ["monite_allowed", "monite_required"]

View = Callable[[Request], Any]


def monite_required(view: View) -> View:
    """Let only users in who are logged in and linked to an entity user; others get a 401 or a 403."""

    @wraps(view)
    def guarded(request: Request) -> Any:
        monite(request).entity_user()
        return view(request)

    return guarded


def monite_allowed(
    object_type: ObjectType | str, action: Action | str, *, own: bool = False
) -> Callable[[View], View]:
    """Let only users in who may do this in Monite; others get a 401 or a 403."""
    asked = parse_permission(object_type, action)

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: Request) -> Any:
            monite(request).demand(*asked, own=own)
            return view(request)

        return guarded

    return decorate
