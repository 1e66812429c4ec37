"""Who is logged in, by Flask's own means: Flask-Login where the app has it, else `session["user_id"]`."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import current_app, session
from flask.globals import request_ctx
from flask.sessions import SessionMixin

from monite_auth import Principal
from monite_auth.adapter.sessions import bind_principal, bound_principal

__all__ = [
    "FLASK_LOGIN_KEY",
    "has_flask_login",
    "identify",
    "logged_in_user",
    "principal_that_leaves",
    "unmarked_session",
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
    if not has_flask_login():
        return bind_principal(session, session.get(SESSION_KEY), tenant=tenant, may_write=may_write)
    from flask_login import current_user  # noqa: PLC0415 - only there where the app uses it

    # First, since the cookie that remembers a user may put them into the session.
    if not current_user.is_authenticated:
        return bind_principal(session, None, may_write=may_write)
    in_session, bound = session.get(FLASK_LOGIN_KEY), bound_principal(session, tenant=tenant)
    if in_session is not None and bound is not None and not may_write:
        return bound  # a stream goes on for who it was begun for; the user object may have lost its database session
    # Whom the app shows as logged in, which is another person than the session's where an administrator looks at the app
    # through a customer's eyes.
    user_id = str(getattr(current_user, current_app.login_manager.id_attribute)())  # type: ignore[attr-defined]  # Flask-Login's
    if in_session is None:
        # A request_loader found them, by an API key say: there is no session that could be given an id.
        return Principal(user_id, tenant or None)
    return bind_principal(session, user_id, tenant=tenant, may_write=may_write)


def has_flask_login() -> bool:
    """Say whether the current app uses Flask-Login."""
    return hasattr(current_app, "login_manager")


def logged_in_user(found: SessionMixin) -> Any:
    """Return the id under which a session has the user who is logged in; None is nobody."""
    return found.get(FLASK_LOGIN_KEY if has_flask_login() else SESSION_KEY)


def principal_that_leaves(leaving: SessionMixin, came_in: Any, *, may_write: bool) -> Principal | None:
    """Return whom a session belongs to as it leaves, and give it an id where somebody has logged in.

    `came_in`: the user who stood in it when it came.
    """
    user_id = logged_in_user(leaving)
    if has_flask_login() and user_id is not None and user_id == came_in:
        return bound_principal(leaving)  # `identify` has seen to it, if it was asked
    return bind_principal(leaving, user_id, may_write=may_write)


@contextmanager
def unmarked_session() -> Iterator[SessionMixin]:
    """Look at the session on our own behalf, without a trace.

    Flask marks a session that is looked at, and adds `Vary: Cookie` to the answer, since it may depend on who is
    asking. An answer does not because we look for a logout; it would only be kept from shared caches.
    """
    context = request_ctx
    # Flask 3.1.3 marks in the property `session`, others in the session.
    found = getattr(context, "_session", None)
    opened: SessionMixin = context.session if found is None else found
    accessed = opened.accessed
    try:
        yield opened
    finally:
        opened.accessed = accessed
