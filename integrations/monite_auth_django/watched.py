"""Sessions that tell when what they had for Monite is gone.

Django has a signal for `logout()`, and none for a session that is emptied or deleted by anybody else: by a middleware that
stands outside of ours and answers itself (idle timeouts), by `request.user` (the password was changed elsewhere), by a view,
by code without a request. So every session object is one of a class that stands before its engine's own methods. To find out
any earlier would cost every request a read: nothing here reads a session that nobody else reads, but one that is about to go.
"""

from functools import cache, wraps
from typing import Any

from django.contrib.sessions.backends.base import SessionBase
from django.core.exceptions import SynchronousOnlyOperation

from monite_auth import Principal
from monite_auth.adapter.sessions import BINDING
from monite_auth.functions import is_on_event_loop
from monite_auth_django.bindings import Bonds, bound_in, unbind
from monite_auth_django.endings import aend, end, not_recorded

__all__ = ["WatchedSession", "watch_sessions"]


class WatchedSession(SessionBase):
    """Stands before the class of an engine's sessions; see `watch_sessions`."""

    bonds: Bonds
    _owed: list[Principal]
    """Who left where ending their sessions would have blocked the event loop."""
    _unread: "WatchedSession | None" = None
    """What this session was before it was emptied, where reading would have blocked."""
    _rotates = False
    """Whether the session is going on under another key."""

    def load(self) -> Any:
        """See SessionBase."""
        data = super().load()
        self.bonds.meet(data)
        return data

    async def aload(self) -> Any:
        """See SessionBase."""
        data = await super().aload()
        self.bonds.meet(data)
        return data

    def save(self, *args: Any, **options: Any) -> Any:
        """End what the session has no more, and store it."""
        self.end_gone()
        return super().save(*args, **options)

    async def asave(self, *args: Any, **options: Any) -> Any:
        """See `save`."""
        await self.aend_gone()
        return await super().asave(*args, **options)

    def clear(self) -> None:
        """End everything; but on an event loop, not before the session is saved or the request is over."""
        try:
            gone = unbind(self)
        except SynchronousOnlyOperation:
            self._unread = type(self)(self.session_key)
        except Exception as error:  # noqa: BLE001 - emptying a session does not fail because we want to read it
            not_recorded(error)
        else:
            if is_on_event_loop():
                self._owed += gone
            else:
                end(gone)
        super().clear()

    async def aflush(self) -> Any:
        """End everything."""
        await self.aget(BINDING)  # from here on it is in memory
        await aend(unbind(self))
        return await super().aflush()

    def delete(self, session_key: str | None = None) -> Any:
        """End what goes: this session, or the one of another key."""
        if not self._rotates:
            end([*self._take_owed(), *self._of(session_key).forget()])
        return super().delete(session_key)

    async def adelete(self, session_key: str | None = None) -> Any:
        """See `delete`."""
        if not self._rotates:
            goes = self._of(session_key)
            await goes.aget(BINDING)
            await aend([*await self._atake_owed(), *goes.forget()])
        return await super().adelete(session_key)

    def cycle_key(self) -> None:
        """End nothing: the session goes on under another key."""
        self._rotates = True
        try:
            super().cycle_key()
        finally:
            self._rotates = False

    async def acycle_key(self) -> None:
        """See `cycle_key`."""
        self._rotates = True
        try:
            await super().acycle_key()
        finally:
            self._rotates = False

    # -- what the methods above and the middleware have in common

    def end_gone(self) -> None:
        """End what the session had when it was read, and has no more."""
        end([*self._take_owed(), *self._part()])

    async def aend_gone(self) -> None:
        """See `end_gone`."""
        await aend([*await self._atake_owed(), *self._part()])

    @property
    def is_in_memory(self) -> bool:
        """Whether somebody has read the session; not so where reading has failed."""
        return hasattr(self, "_session_cache")

    def forget(self) -> list[Principal]:
        """Return everybody whom the session was bound to, and leave it as it is."""
        return self.bonds.forget(bound_in(self))

    def _part(self) -> list[Principal]:
        # Who has not read the session, has taken nothing out; and a new one, which is saved to get its key, cannot be read.
        return self.bonds.part(self) if self.is_in_memory else []

    def _of(self, session_key: str | None) -> "WatchedSession":
        return self if session_key in (None, self.session_key) else type(self)(session_key)

    def _take_owed(self) -> list[Principal]:
        owed, self._owed = self._owed, []
        unread, self._unread = self._unread, None
        return owed if unread is None else [*owed, *unread.forget()]

    async def _atake_owed(self) -> list[Principal]:
        if self._unread is not None:
            await self._unread.aget(BINDING)
        return self._take_owed()


def watch_sessions() -> None:
    """Let every session that is made from now on be a WatchedSession, of whichever engine; called once, by the app.

    Engines are not subclassed but at run time: the project's own, in `SESSION_ENGINE`, need not know of us, and whoever has
    imported a `SessionStore` before makes the same ones.
    """
    original = SessionBase.__init__

    @wraps(original)
    def initialize(session: SessionBase, *args: Any, **options: Any) -> None:
        original(session, *args, **options)
        session.__class__ = _watched(type(session))  # type: ignore[arg-type]  # mypy takes no class for hashable
        session.bonds = Bonds()
        session._owed = []  # noqa: SLF001 - of the class above

    SessionBase.__init__ = initialize


@cache
def _watched(engine: Any) -> Any:
    if issubclass(engine, WatchedSession):
        return engine
    # The name is part of the salt with which sessions are signed.
    names = {"__module__": engine.__module__, "__qualname__": engine.__qualname__, "__doc__": engine.__doc__}
    return type(engine.__name__, (WatchedSession, engine), names)
