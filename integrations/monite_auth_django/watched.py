"""Sessions that end their users' sessions in Monite when their bindings are removed, by whatever code.

Django has a signal for `logout()`, but none for a session that something else empties or deletes: a middleware outside of ours
that answers itself (idle timeouts), `request.user` (the password was changed elsewhere), a view, or code without a request.
So each session object gets a class that stands in front of its engine's own methods. Nothing here reads a session that nobody
else has read, except one that is about to be deleted: a read costs a query.
"""

from functools import cache, wraps
from typing import Any

from django.contrib.sessions.backends.base import SessionBase
from django.core.exceptions import SynchronousOnlyOperation

from monite_auth import Principal
from monite_auth.adapter import BINDING, aend, end, is_on_event_loop, log_failed_ending
from monite_auth_django.bindings import SessionBindings, bound_in, unbind
from monite_auth_django.current import broker

__all__ = ["WatchedSession", "watch_sessions"]


class WatchedSession(SessionBase):
    """Stands in front of an engine's session class; see `watch_sessions`."""

    bindings: SessionBindings
    _owed: list[Principal]
    """People whose sessions are still to be ended, because ending them at once would have blocked the event loop."""
    _unread: "WatchedSession | None" = None
    """This session before it was emptied, where reading it would have blocked the event loop."""
    _rotates = False
    """Whether the session is being moved to another key."""

    def load(self) -> Any:
        """See SessionBase."""
        data = super().load()
        self.bindings.note(data)
        return data

    async def aload(self) -> Any:
        """See SessionBase."""
        data = await super().aload()
        self.bindings.note(data)
        return data

    def save(self, *args: Any, **options: Any) -> Any:
        """End the sessions whose bindings are gone, and store this session."""
        self.end_gone()
        return super().save(*args, **options)

    async def asave(self, *args: Any, **options: Any) -> Any:
        """See `save`."""
        await self.aend_gone()
        return await super().asave(*args, **options)

    def clear(self) -> None:
        """Remove every binding and end their sessions; on an event loop, when the session is saved or the request is over."""
        try:
            gone = unbind(self)
        except SynchronousOnlyOperation:
            self._unread = type(self)(self.session_key)
        except Exception as error:  # noqa: BLE001 - emptying a session must not fail because we read it
            log_failed_ending(error)
        else:
            if is_on_event_loop():
                self._owed += gone
            else:
                end(broker, gone)
        super().clear()

    async def aflush(self) -> Any:
        """Remove every binding and end their sessions."""
        await self.aget(BINDING)  # read it, so that it is in memory
        await aend(broker, unbind(self))
        return await super().aflush()

    def delete(self, session_key: str | None = None) -> Any:
        """End the sessions that are bound to what is deleted: this session, or that of another key."""
        if not self._rotates:
            end(broker, [*self._take_owed(), *self._of(session_key).leave_all()])
        return super().delete(session_key)

    async def adelete(self, session_key: str | None = None) -> Any:
        """See `delete`."""
        if not self._rotates:
            deleted = self._of(session_key)
            await deleted.aget(BINDING)
            await aend(broker, [*await self._atake_owed(), *deleted.leave_all()])
        return await super().adelete(session_key)

    def cycle_key(self) -> None:
        """Move the session to another key; nothing ends."""
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

    # -- shared by the methods above and the middleware

    def end_gone(self) -> None:
        """End the sessions that this one was bound to when it was read, and is no longer."""
        end(broker, [*self._take_owed(), *self._leave()])

    async def aend_gone(self) -> None:
        """See `end_gone`."""
        await aend(broker, [*await self._atake_owed(), *self._leave()])

    @property
    def is_in_memory(self) -> bool:
        """Whether the session has been read; False where reading has failed."""
        return hasattr(self, "_session_cache")

    def leave_all(self) -> list[Principal]:
        """Return everybody the session was bound to; its data stays as it is."""
        return self.bindings.leave_all(bound_in(self))

    def _leave(self) -> list[Principal]:
        # Nothing was removed from a session that nobody has read; and a new one, which is saved to get its key, cannot be read.
        return self.bindings.leave(self) if self.is_in_memory else []

    def _of(self, session_key: str | None) -> "WatchedSession":
        return self if session_key in (None, self.session_key) else type(self)(session_key)

    def _take_owed(self) -> list[Principal]:
        owed, self._owed = self._owed, []
        unread, self._unread = self._unread, None
        return owed if unread is None else [*owed, *unread.leave_all()]

    async def _atake_owed(self) -> list[Principal]:
        if self._unread is not None:
            await self._unread.aget(BINDING)
        return self._take_owed()


def watch_sessions() -> None:
    """Make every session from now on a WatchedSession, whatever its engine; called once, by the app.

    The class is derived from the engine's at run time. So the project's own engine (`SESSION_ENGINE`) need not know of us, and a
    `SessionStore` that was imported before makes watched sessions, too.
    """
    original = SessionBase.__init__

    @wraps(original)
    def initialize(session: SessionBase, *args: Any, **options: Any) -> None:
        original(session, *args, **options)
        session.__class__ = _watched(type(session))  # type: ignore[arg-type]  # mypy takes no class for hashable
        session.bindings = SessionBindings()
        session._owed = []  # noqa: SLF001 - of the class above

    SessionBase.__init__ = initialize


@cache
def _watched(engine: Any) -> Any:
    if issubclass(engine, WatchedSession):
        return engine
    # Keep the engine's names: they are part of the salt with which sessions are signed.
    names = {"__module__": engine.__module__, "__qualname__": engine.__qualname__, "__doc__": engine.__doc__}
    return type(engine.__name__, (WatchedSession, engine), names)
