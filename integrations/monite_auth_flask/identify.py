"""Identifies the logged-in user by Flask's own means: Flask-Login where the app has it, else `session["user_id"]`."""

from typing import Any

from flask import Flask, current_app, session
from flask.globals import request_ctx
from flask.sessions import SessionMixin

from monite_auth import Principal
from monite_auth.adapter import bind_principal, bound_principal

__all__ = [
    "FLASK_LOGIN_KEY",
    "UnmarkedSession",
    "current_binding",
    "has_flask_login",
    "identify",
    "logged_in_user",
]

SESSION_KEY = "user_id"
"""Where the app itself keeps who is logged in, as in Flask's tutorial."""

FLASK_LOGIN_KEY = "_user_id"
"""Where Flask-Login keeps it."""


def identify(*, tenant: str | None = None, may_write: bool = True) -> Principal | None:
    """Return who is logged in, or None.

    `tenant`: which of the user's organizations is active; for a function of your own that knows:

        @monite.identify
        def who():
            return identify(tenant=session.get("organization"))

    `may_write`: whether the answer can still carry the session's cookie.
    """
    if not has_flask_login(current_app):
        return bind_principal(session, session.get(SESSION_KEY), tenant=tenant, may_write=may_write)
    from flask_login import current_user  # noqa: PLC0415 - only there where the app uses it

    # Ask this first: the cookie that remembers a user may put them into the session.
    if not current_user.is_authenticated:
        return bind_principal(session, None, may_write=may_write)
    in_session, bound = session.get(FLASK_LOGIN_KEY), bound_principal(session, tenant=tenant)
    if in_session is not None and bound is not None and not may_write:
        return (
            bound  # a stream goes on for its first user; the user object may have lost its database session
        )
    # The user whom the app shows as logged in. It is not the session's user where an administrator acts as a customer.
    user_id = str(getattr(current_user, current_app.login_manager.id_attribute)())  # type: ignore[attr-defined]  # Flask-Login's
    if in_session is None:
        # A request_loader has found the user, by an API key for example: there is no session to bind.
        return Principal(user_id, tenant or None)
    return bind_principal(session, user_id, tenant=tenant, may_write=may_write)


def has_flask_login(app: Flask) -> bool:
    """Return whether an app uses Flask-Login."""
    return hasattr(app, "login_manager")


def logged_in_user(app: Flask, found: SessionMixin) -> Any:
    """Return the id of the logged-in user in a session of the app's, or None."""
    return found.get(FLASK_LOGIN_KEY if has_flask_login(app) else SESSION_KEY)


def current_binding(
    app: Flask, opened: SessionMixin, arrived_user: Any, *, may_write: bool
) -> Principal | None:
    """Return the principal that a session is bound to, and bind it if somebody has logged in.

    `arrived_user`: the user id that the session had when the request arrived.
    """
    user_id = logged_in_user(app, opened)
    if has_flask_login(app) and user_id is not None and user_id == arrived_user:
        return bound_principal(opened)  # `identify` has bound it, if it was asked
    return bind_principal(opened, user_id, may_write=may_write)


class UnmarkedSession:
    """A context in which the session is read for our own purposes, without marking it as read.

    Flask adds `Vary: Cookie` to the response of a request that has read its session. The response does not depend on our
    search for a logout, and shared caches should keep it.
    """

    __slots__ = ("_accessed", "_opened")

    def __enter__(self) -> SessionMixin:
        context = request_ctx._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 - a proxy's, which takes its time for each attribute
        # Flask 3.1.3 marks it in the property `session`, other versions in the session itself.
        found = getattr(context, "_session", None)
        opened: SessionMixin = context.session if found is None else found
        self._opened, self._accessed = opened, opened.accessed
        return opened

    def __exit__(self, *_: object) -> None:
        self._opened.accessed = self._accessed
