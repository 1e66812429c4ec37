"""Who is logged in, by Flask's own means: Flask-Login where the app has it, else `session["user_id"]`."""

from collections.abc import Iterator
from contextlib import contextmanager

from flask import current_app, session
from flask.globals import request_ctx
from flask.sessions import SessionMixin

from monite_auth import Principal
from monite_auth.sessions import BINDING, principal_of

__all__ = ["identify", "principal_that_came", "principal_that_leaves", "unmarked_session"]

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
    user_id = session.get(_key())
    if has_flask_login():
        from flask_login import current_user  # noqa: PLC0415 - only there where the app uses it

        if not current_user.is_authenticated:
            user_id = None
        elif session.get(FLASK_LOGIN_KEY) is None:
            # A request_loader found them, by an API key say: there is no session that could be given an id.
            return Principal(str(current_user.get_id()), tenant or None)
        else:
            user_id = session[
                FLASK_LOGIN_KEY
            ]  # the user may have come by the cookie that remembers them, just now
    return principal_of(session, user_id, tenant=tenant, may_write=may_write)


def has_flask_login() -> bool:
    """Say whether the current app uses Flask-Login."""
    return hasattr(current_app, "login_manager")


def principal_that_came(arriving: SessionMixin) -> Principal | None:
    """Return whom an arriving session belongs to; only who has been given an id can have had a token."""
    binding = arriving.get(BINDING)
    return (
        None if binding is None else Principal(binding[0], session_id=binding[1], authenticated_at=binding[2])
    )


def principal_that_leaves(leaving: SessionMixin) -> Principal | None:
    """Return whom a session belongs to as it leaves, and give it an id where somebody has logged in."""
    return principal_of(leaving, leaving.get(_key()))


@contextmanager
def unmarked_session() -> Iterator[SessionMixin]:
    """Look at the session on our own behalf, without a trace.

    Flask marks a session that is looked at, and adds `Vary: Cookie` to the answer, since it may depend on who is
    asking. An answer does not because we look for a logout; it would only be kept from shared caches.
    """
    context = request_ctx
    found = getattr(
        context, "_session", None
    )  # Flask 3.1.3 marks in the property `session`, others in the session
    opened: SessionMixin = context.session if found is None else found
    accessed = opened.accessed
    try:
        yield opened
    finally:
        opened.accessed = accessed


def _key() -> str:
    return FLASK_LOGIN_KEY if has_flask_login() else SESSION_KEY
