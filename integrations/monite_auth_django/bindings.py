"""The session's own id for Monite, and its end.

Django rotates a session's key at login and at a password change, so the key cannot name a session. `monite_auth.sessions`
keeps an id of ours in the session's data, the *binding*: it is new at each login, survives rotation, and when it leaves the
session, in whatever way, its tokens are revoked. Nothing here reads a session that nobody else has read.
"""

import logging
from functools import partial
from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import SessionBase
from django.core.exceptions import SynchronousOnlyOperation

from monite_auth import Principal
from monite_auth.sessions import BINDING, principal_of
from monite_auth_django.current import broker

__all__ = ["aend", "aleave", "bind", "end", "leave", "unbind_if_gone", "watch"]

log = logging.getLogger("monite_auth")


def bind(session: SessionBase, user_id: str) -> None:
    """Give a login its binding; whoever the session belonged to before has left."""
    leave(session)
    principal_of(session, user_id)


def unbind(session: SessionBase) -> Principal | None:
    """Take the binding out of a session that is in memory; return whose it was."""
    binding = session.get(BINDING)
    if binding is None:
        return None
    principal = principal_of(session, binding[0])
    del session[BINDING]
    return principal


def unbind_if_gone(session: SessionBase) -> Principal | None:
    """Take the binding out of a session whose user has changed without Django's login or logout."""
    if BINDING in session and session.get(SESSION_KEY) != session[BINDING][0]:
        return unbind(session)
    return None


def leave(session: SessionBase) -> None:
    """End what the session has in Monite."""
    end(unbind(session))


async def aleave(session: SessionBase) -> None:
    """End what the session has in Monite."""
    await session.aget(BINDING)  # from here on it is in memory
    await aend(unbind(session))


def end(principal: Principal | None) -> None:
    """End a principal's session in Monite; never fails."""
    if principal is not None:
        try:
            broker().logout(principal)
        except Exception as error:  # noqa: BLE001 - whatever is broken, people can log out
            _not_recorded(error)


async def aend(principal: Principal | None) -> None:
    """End a principal's session in Monite; never fails."""
    if principal is not None:
        try:
            await broker().alogout(principal)
        except Exception as error:  # noqa: BLE001
            _not_recorded(error)


def _not_recorded(error: Exception) -> None:
    log.error(
        "A logout could not be recorded: the user is logged out of Django, but a Monite token may stay valid "
        "until it expires. %s: %s",
        type(error).__name__,
        error,
    )


def watch(session: SessionBase) -> "_Watch":
    """Notice when the session is emptied, by `flush`, `aflush` or `clear`: afterwards nothing says whose it was."""
    return _Watch(session)


class _Watch:
    """Stands before three methods of one session object. To find out any earlier would cost every request a read."""

    __slots__ = ("unread_key",)

    def __init__(self, session: SessionBase) -> None:
        self.unread_key: str | None = None
        """The key of a session that was emptied without being read, where reading would have blocked."""
        session.flush = partial(self._flush, session, session.flush)
        session.aflush = partial(self._aflush, session, session.aflush)
        session.clear = partial(self._clear, session, session.clear)

    def _flush(self, session: SessionBase, flush: Any) -> None:
        leave(session)
        flush()

    async def _aflush(self, session: SessionBase, aflush: Any) -> None:
        await aleave(session)
        await aflush()

    def _clear(self, session: SessionBase, clear: Any) -> None:
        try:
            leave(session)
        except SynchronousOnlyOperation:
            self.unread_key = session.session_key
        clear()
