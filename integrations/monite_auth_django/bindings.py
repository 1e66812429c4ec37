"""The session's own id for Monite, the *binding*, in Django's sessions.

Django rotates a session's key at login and at a password change, so the key cannot name a session. The binding
(`monite_auth.adapter.sessions`) stands in the session's data: it is new at each login and survives rotation. When it is removed,
in whatever way, its tokens are revoked (`watched.py`).

Staff who act as a customer for a while (django-impersonate and its like put another user at `request.user`) have a second
binding beside their own, for the customer. It ends with the impersonation, and with their own session at the latest.
Nothing here does I/O, except that a session may read itself.
"""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth import SESSION_KEY, get_user_model
from django.core.exceptions import ValidationError

from monite_auth import Principal
from monite_auth.adapter import BINDING, Visit, bind_principal, bound_principal, new_login

__all__ = ["ACTING", "SessionBindings", "bind", "bind_user", "bound_in", "session_user", "unbind"]

ACTING = "_monite_acting"
"""The session's key for the binding of the user whom the logged-in user acts as: a session within the session."""


def session_user(session: Any) -> str | None:
    """Return the id of the user who is logged in by Django's means, as a principal has it."""
    key = session.get(SESSION_KEY)
    try:
        return None if key is None else str(get_user_model()._meta.pk.to_python(key))  # noqa: SLF001 - as Django reads it
    except (ValueError, ValidationError):  # it is no primary key of this user model
        return str(key)


def bind(session: Any, user_id: str) -> Principal:
    """Bind the session to a login that has just happened."""
    principal = new_login(session, user_id)
    assert principal is not None
    _note(session)
    return principal


def bind_user(session: Any, user_id: str, tenant: str | None) -> Principal | None:
    """Return the principal of a request's user, who is the session's own user or acted as by them; bind it at its first use."""
    owner = session_user(session)
    principal = bind_principal(session, owner, tenant=tenant if owner == user_id else None)
    if owner == user_id:
        session.pop(ACTING, None)  # an impersonation is over
    else:
        acting = dict(session.get(ACTING, {}))
        principal = bind_principal(acting, user_id, tenant=tenant)
        if acting != session.get(ACTING):
            session[ACTING] = acting
    _note(session)
    return principal


def unbind(session: Any) -> list[Principal]:
    """Remove every binding from a session; return whose they were."""
    found = bound_in(session)
    for key in (BINDING, ACTING):
        session.pop(key, None)
    bindings = getattr(session, "bindings", None)
    return found if bindings is None else bindings.leave_all(found)


def bound_in(session: Any) -> list[Principal]:
    """Return the principals that a session, or its data, is bound to: its own user, and the one whom that user acts as."""
    found = (bound_principal(session), bound_principal(session.get(ACTING, {})))
    return [each for each in found if each is not None]


def _note(session: Any) -> None:
    bindings = getattr(session, "bindings", None)
    if bindings is not None:
        bindings.note(session)


class SessionBindings:
    """The bindings that a session object has had, so that those it loses can be ended."""

    __slots__ = ("_marks", "_user", "_visit")

    def __init__(self) -> None:
        self._visit = Visit()
        self._user: str | None = None
        """The user who was logged in by Django's means when the binding was noted."""
        self._marks: frozenset[str] = frozenset()
        """The keys that the session had during an impersonation; removing one of them may mean that it is over."""

    def note(self, data: Any) -> None:
        """Note the bindings of a session that was just read, or just bound."""
        self._visit.act("session", *bound_in(data))
        self._user = session_user(data)
        self._marks = (
            frozenset(key for key, value in data.items() if value) if ACTING in data else frozenset()
        )

    def leave(self, session: Any) -> list[Principal]:
        """Return the principals whose bindings are gone; first remove bindings whose user is gone without Django's logout."""
        bound = bound_principal(session)
        if bound is not None and self._user == bound.user_id != session_user(session):
            for key in (BINDING, ACTING):
                session.pop(key, None)
        elif not all(session.get(key) for key in self._marks):
            # Perhaps the impersonation is over. If it is not, its next use begins another session.
            session.pop(ACTING, None)
        gone = self._visit.leave("session", *bound_in(session))
        self.note(session)
        return gone

    def leave_all(self, also: Iterable[Principal] = ()) -> list[Principal]:
        """Return everybody the session was bound to, and `also`, because no binding is left."""
        self._visit.act("session", *also)
        self._marks = frozenset()
        return self._visit.leave_all()
