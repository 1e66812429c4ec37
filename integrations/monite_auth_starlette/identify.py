"""Who is logged in, by Starlette's own means: `scope["user"]` and `scope["session"]`."""

from typing import Any

from starlette.requests import HTTPConnection

from monite_auth import Principal
from monite_auth.adapter.sessions import BINDING, bind_principal

__all__ = ["ASKED", "BOUND", "identify"]

ASKED = "monite_auth.identify"
"""In the scope that the middleware asks about: whether `identify` was asked, by it or by a function of the app's."""

BOUND = "monite_auth.bound"
"""In the same scope: whether the user came in with a session that is bound to them."""


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
    # A websocket has no response that could set a cookie. And the user of an AuthenticationMiddleware stays in the scope when
    # the session has been emptied, which has to stay empty.
    stays = getattr(connection.scope.get("user"), "is_authenticated", False)
    is_emptied = stays and connection.scope.get(BOUND, False) and BINDING not in session
    may_write = connection.scope["type"] == "http" and not is_emptied
    return bind_principal(session, user_id, tenant=tenant, may_write=may_write)


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
