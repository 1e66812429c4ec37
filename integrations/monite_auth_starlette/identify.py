"""Who is logged in, by Starlette's own means: `scope["user"]` and `scope["session"]`."""

from typing import Any

from starlette.requests import HTTPConnection

from monite_auth import Principal
from monite_auth.sessions import principal_of

__all__ = ["ASKED", "identify"]

ASKED = "monite_auth.identify"
"""In the scope that the middleware asks about: whether `identify` was asked, by it or by a function of the app's."""


def identify(connection: HTTPConnection, *, tenant: str | None = None) -> Principal | None:
    """Return who is logged in, or None.

    That is `scope["user"]`, where an AuthenticationMiddleware says so (its `identity`, or else its `display_name`),
    or the `user_id` in the session.

    `tenant`: which of the user's organizations is active; for a function of your own that knows:

        def identify_with_tenant(connection):
            return identify(connection, tenant=connection.session.get("organization"))
    """
    if ASKED in connection.scope:
        connection.scope[ASKED] = True
    session = connection.scope.get("session")
    user_id = _user_id(connection, session)
    if session is None:
        return None if user_id is None else Principal(user_id, tenant or None)
    # A websocket has no response that could set a cookie.
    return principal_of(session, user_id, tenant=tenant, may_write=connection.scope["type"] == "http")


def _user_id(connection: HTTPConnection, session: dict[str, Any] | None) -> str | None:
    user = connection.scope.get("user")
    if user is not None and user.is_authenticated:
        try:
            found = user.identity
        except (NotImplementedError, AttributeError):  # Starlette's SimpleUser has a name only
            found = user.display_name
    else:
        found = session.get("user_id") if session is not None else None
    return None if found is None or found == "" else str(found)
