"""Who is logged in, as ASGI middleware says it: `scope["user"]` and `scope["session"]`."""

from collections.abc import MutableMapping
from typing import Any

from monite_auth import Principal
from monite_auth.adapter import BINDING, bind_principal
from monite_auth_asgi.types import Scope

__all__ = ["ASKED", "BOUND", "identify", "session_in"]

ASKED = "monite_auth.identify"
"""In the scope that the middleware asks about: whether `identify` was called, by the middleware or by the app's function."""

BOUND = "monite_auth.bound"
"""In the same scope: whether the request came in with a session that is bound to its user."""


def identify(scope: Scope, *, tenant: str | None = None) -> Principal | None:
    """Return who is logged in, or None.

    That is `scope["user"]`, if it says `is_authenticated` (its `identity`, or else its `display_name`), or else the
    `user_id` in `scope["session"]`.

    `tenant`: which of the user's organizations is active. An app with tenants wraps this function:

        def identify_with_tenant(scope):
            return identify(scope, tenant=scope["session"].get("organization"))
    """
    if ASKED in scope:
        scope[ASKED] = True
    session = session_in(scope)
    user_id = _user_id(scope, session)
    if session is None:
        return None if user_id is None else Principal(user_id, tenant or None)
    # An authenticated `scope["user"]` stays in the scope when the app has emptied the session, and an emptied session
    # must not be bound again.
    stays = getattr(scope.get("user"), "is_authenticated", False)
    is_emptied = stays and scope.get(BOUND, False) and BINDING not in session
    # A websocket has no response that could set a cookie.
    may_write = scope["type"] == "http" and not is_emptied
    return bind_principal(session, user_id, tenant=tenant, may_write=may_write)


def session_in(scope: Scope) -> MutableMapping[str, Any] | None:
    """Return the scope's session, or None if there is none: Litestar puts a marker there for a cleared one."""
    session: MutableMapping[str, Any] | None = scope.get("session")
    # Some sessions are used like a dict and are not registered as a MutableMapping.
    return session if hasattr(session, "get") else None


def _user_id(scope: Scope, session: MutableMapping[str, Any] | None) -> str | None:
    user = scope.get("user")
    if getattr(user, "is_authenticated", False):
        found = _identity(user)
    else:
        found = session.get("user_id") if session is not None else None
    return None if found is None or found == "" else str(found)


def _identity(user: Any) -> object:
    """Return the user's identity, or the display name of a user who has no identity."""
    try:
        return user.identity
    except NotImplementedError:  # Starlette's BaseUser leaves it to its subclasses
        pass
    except AttributeError as error:
        # The user has no such attribute, or its own code failed. Then the name might be another person's identity.
        if error.name != "identity":
            raise
    return user.display_name
