"""The session's own id for Monite: where it stands, and who has one.

Django rotates a session's key at login and at a password change, so the key cannot name a session. `monite_auth.adapter.sessions`
keeps an id of ours in the session's data, the *binding*: it is new at each login, survives rotation, and when it leaves the
session, in whatever way, its tokens are revoked (`watched.py`).

Staff who act as a customer for a while (django-impersonate and its like put another user at `request.user`) have a second
binding beside their own, for the customer. It ends with the impersonation, and with their own session at the latest.
Nothing here does I/O but a session that reads itself.
"""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth import SESSION_KEY, get_user_model
from django.core.exceptions import ValidationError

from monite_auth import Principal
from monite_auth.adapter.sessions import BINDING, bind_principal, bound_principal, new_login, session_of

__all__ = ["ACTING", "Bonds", "bind", "bound_in", "principal_in", "session_user", "unbind"]

ACTING = "_monite_acting"
"""The session's key for the binding of whoever the logged-in user acts as: a session within the session."""


def session_user(session: Any) -> str | None:
    """Return the id of who is logged in by Django's means, as a principal has it."""
    key = session.get(SESSION_KEY)
    try:
        return None if key is None else str(get_user_model()._meta.pk.to_python(key))  # noqa: SLF001 - as Django reads it
    except (ValueError, ValidationError):  # no primary key of this user model
        return str(key)


def bind(session: Any, user_id: str) -> Principal:
    """Give a login its binding, a new one."""
    principal = new_login(session, user_id)
    assert principal is not None
    _meet(session)
    return principal


def principal_in(session: Any, user_id: str, tenant: str | None) -> Principal | None:
    """Return the principal of a request by a user for whom the session's own user may stand; bind it at its first use."""
    owner = session_user(session)
    principal = bind_principal(session, owner, tenant=tenant if owner == user_id else None)
    if owner == user_id:
        session.pop(ACTING, None)  # an impersonation is over
    else:
        acting = dict(session.get(ACTING, {}))
        principal = bind_principal(acting, user_id, tenant=tenant)
        if acting != session.get(ACTING):
            session[ACTING] = acting
    _meet(session)
    return principal


def unbind(session: Any) -> list[Principal]:
    """Take every binding out of a session; return whose they were."""
    found = bound_in(session)
    for key in (BINDING, ACTING):
        session.pop(key, None)
    bonds = getattr(session, "bonds", None)
    return found if bonds is None else bonds.forget(found)


def bound_in(session: Any) -> list[Principal]:
    """Return whom a session, or its data, is bound to: its own user, and whoever that one acts as."""
    found = (bound_principal(session), bound_principal(session.get(ACTING, {})))
    return [each for each in found if each is not None]


def _meet(session: Any) -> None:
    bonds = getattr(session, "bonds", None)
    if bonds is not None:
        bonds.meet(session)


class Bonds:
    """Whom a session object has been seen bound to, so that it can be told who has gone."""

    __slots__ = ("_known", "_marks", "_user")

    def __init__(self) -> None:
        self._known: dict[tuple[str, str | None], Principal] = {}
        self._user: str | None = None
        """Who was logged in by Django's means when the binding was seen."""
        self._marks: frozenset[str] = frozenset()
        """The keys that the session had during an impersonation; one of them may be what says that there is one."""

    def meet(self, data: Any) -> None:
        """Take note of what a session has that was read, or bound, just now."""
        self._known |= {session_of(each): each for each in bound_in(data)}
        self._user = session_user(data)
        self._marks = (
            frozenset(key for key, value in data.items() if value) if ACTING in data else frozenset()
        )

    def part(self, session: Any) -> list[Principal]:
        """Return whom the session had and has no more; take out the bindings whose user has left without Django's logout."""
        bound = bound_principal(session)
        if bound is not None and self._user == bound.user_id != session_user(session):
            for key in (BINDING, ACTING):
                session.pop(key, None)
        elif not all(session.get(key) for key in self._marks):
            # It may have been the impersonation; if it goes on, its next use begins another session.
            session.pop(ACTING, None)
        present = {session_of(each) for each in bound_in(session)}
        gone = [each for name, each in self._known.items() if name not in present]
        self._known.clear()
        self.meet(session)
        return gone

    def forget(self, more: Iterable[Principal] = ()) -> list[Principal]:
        """Return whom the session had, and `more`, when it has nothing any more."""
        known = self._known | {session_of(each): each for each in more}
        self._known = {}
        self._marks = frozenset()
        return list(known.values())
