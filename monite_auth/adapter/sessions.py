"""A login's own id for Monite, kept in the framework's session.

Some sessions have no id that lasts: signed cookies have none, and a browser may send an old one again after the logout;
other frameworks give a session a new id at login. So each login gets an id of ours, the *binding*. It stands in the
session beside the user it belongs to, changes with the user, and goes with the session.
"""

import secrets
import time
from collections.abc import MutableMapping
from typing import Any

from monite_auth.identity import Principal

__all__ = ["BINDING", "bind_principal", "bound_principal", "is_logged_out", "new_login", "session_of"]

BINDING = "_monite"
"""The session's key for `[user id, session id, time of the login in epoch seconds]`."""


def bind_principal(
    session: MutableMapping[str, Any],
    user_id: object,
    *,
    tenant: str | None = None,
    may_write: bool = True,
) -> Principal | None:
    """Return the principal of a session whose logged-in user is `user_id`, and bind the session to them.

    `user_id`: None or "" is nobody: the binding is removed, and None comes back.
    `tenant`: which of the user's organizations is active; None or "" where there is only one. It may change within a
    session.
    `may_write`: False where no answer can carry the session any more. An unbound user then gets a principal without a
    session id.

    The session is written to only when somebody has logged in or out since the last call.
    """
    if user_id is None or user_id == "":
        if may_write and BINDING in session:
            del session[BINDING]  # the next login, even of the same person, is another session
        return None
    name, tenant = str(user_id), tenant or None
    bound = bound_principal(session, tenant=tenant)
    if bound is not None and bound.user_id == name:
        return bound
    if not may_write:
        return Principal(name, tenant)
    # The wall clock, because all processes and, in the end, all hosts agree on it. A steady clock keeps for the life of
    # its process whatever error the wall clock had at its start.
    session[BINDING] = [name, secrets.token_urlsafe(12), time.time()]
    return bound_principal(session, tenant=tenant)


def new_login(
    session: MutableMapping[str, Any], user_id: object, *, tenant: str | None = None
) -> Principal | None:
    """Return the principal of a login that has just happened, in a session that may have had another login before."""
    session.pop(BINDING, None)
    return bind_principal(session, user_id, tenant=tenant)


def bound_principal(session: MutableMapping[str, Any], *, tenant: str | None = None) -> Principal | None:
    """Return the principal that the session is bound to, whoever is logged in by now; None if it is bound to nobody."""
    match session.get(BINDING):
        case [name, session_id, began_at] if _is_text(name) and _is_text(session_id) and _is_moment(began_at):
            # A host whose clock was ahead may have written it.
            return Principal(name, tenant, session_id, min(began_at, time.time()))
    return None


def _is_text(found: object) -> bool:
    return isinstance(found, str) and found != ""


def _is_moment(found: object) -> bool:
    return isinstance(found, (float, int)) and not isinstance(found, bool) and found >= 0  # NaN is not


def session_of(principal: Principal) -> tuple[str, str | None]:
    """Return the name of a principal's session; it is the same in all of the user's tenants."""
    return principal.user_id, principal.session_id


def is_logged_out(arrived: Principal | None, current: Principal | None) -> bool:
    """Return whether the session that a request arrived with is over, because nobody or another session is there now."""
    if arrived is None:
        return False
    return current is None or session_of(current) != session_of(arrived)
