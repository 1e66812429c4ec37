"""Which session a principal has, where the framework's sessions have no id that lasts.

Signed cookies have none at all, and a browser may send an old one again after the logout; other frameworks give a
session a new id at login. So each login gets an id of ours, kept in the session itself beside the user it belongs to.
It changes with the user, and goes with the session.
"""

import secrets
import time
from collections.abc import MutableMapping
from typing import Any

from monite_auth.identity import Principal

__all__ = ["BINDING", "bound_principal", "has_left", "new_login", "principal_of", "session_of"]

BINDING = "_monite"
"""The session's key for `[user id, session id, when it logged in]`."""


def principal_of(
    session: MutableMapping[str, Any],
    user_id: object,
    *,
    tenant: str | None = None,
    may_write: bool = True,
) -> Principal | None:
    """Return the principal of a session whose logged-in user is `user_id`; None or "" is nobody.

    `tenant`: which of the user's organizations is active; None or "" where there is only one. It may change within a
    session, which goes on.

    The session is written to when somebody has logged in or out since it was last looked at, unless `may_write` says
    that there is no answer that could carry it.
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
    # The wall clock, which the processes of a host, and in the end all hosts, agree on; a steady one is as wrong for the
    # life of its process as the wall clock was at the start.
    session[BINDING] = [name, secrets.token_urlsafe(12), time.time()]
    return bound_principal(session, tenant=tenant)


def new_login(
    session: MutableMapping[str, Any], user_id: object, *, tenant: str | None = None
) -> Principal | None:
    """Return the principal of a login that has just happened in a session that may have had one before."""
    session.pop(BINDING, None)
    return principal_of(session, user_id, tenant=tenant)


def bound_principal(session: MutableMapping[str, Any], *, tenant: str | None = None) -> Principal | None:
    """Return whom the session is bound to, whoever is logged in by now; None where it is bound to nobody."""
    match session.get(BINDING):
        case [str(name), str(session_id), float() | int() as began_at] if name and session_id:
            # A host whose clock was ahead may have written it.
            return Principal(name, tenant, session_id=session_id, authenticated_at=min(began_at, time.time()))
    return None


def session_of(principal: Principal) -> tuple[str, str | None]:
    """Return what names a principal's session, in all of its tenants."""
    return principal.user_id, principal.session_id


def has_left(came: Principal | None, leaves: Principal | None) -> bool:
    """Say whether the principal that a request came with is no longer the one that its session leaves with."""
    if came is None:
        return False
    return leaves is None or session_of(leaves) != session_of(came)
