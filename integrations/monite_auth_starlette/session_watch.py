"""Requests that never come to our middleware: one outside of it answers them itself, as an idle timeout does.

Such a middleware may empty the session first, and that is a logout. So where there is anything between the app's SessionMiddleware
and ours, we stand directly inside of that as well, where every request comes by.
"""

from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from monite_auth import Principal, TokenBroker
from monite_auth.adapter import Visit, aend, bound_principal
from monite_auth_asgi.identify import session_in
from monite_auth_asgi.visit import VISIT
from monite_auth_starlette.late_sessions import SessionNotLoaded, when_loaded
from monite_auth_starlette.stack import chain, is_of_starlettes_sessions, opens_sessions

__all__ = ["watch_sessions"]


def watch_sessions(outer: Any, ours: ASGIApp, broker: TokenBroker) -> bool:
    """Watch the sessions of an app, `outer`, that come in through a SessionMiddleware outside of our middleware.

    Return whether anything may hold a response back, and empty the session first, between the two or in that one itself.
    """
    for each in chain(outer):
        if each is ours:
            break
        if opens_sessions(each):
            if each.app is ours:
                return not is_of_starlettes_sessions(each)
            each.app = SessionWatch(each.app, broker)
            break
    return True


class SessionWatch:
    """Ends the sessions of users who have gone in a request that does not come to our middleware."""

    def __init__(self, app: ASGIApp, broker: TokenBroker) -> None:
        self.app = app
        self._broker = broker

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection (ASGI)."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        people = Visit()

        async def arrive(_session: Any = None) -> None:
            people.arrive("session", _bound(scope))

        async def send_on(message: Message) -> None:
            if message["type"] == "http.response.start" and VISIT not in scope:
                await self._end_who_left(people, scope)
            await send(message)

        await arrive()
        when_loaded(scope, arrive)
        try:
            await self.app(scope, receive, send_on)
        finally:
            if VISIT not in scope:
                await self._end_who_left(people, scope)

    async def _end_who_left(self, people: Visit, scope: Scope) -> None:
        if people.has_people:
            await aend(lambda: self._broker, people.leave("session", _bound(scope)))


def _bound(scope: Scope) -> Principal | None:
    try:
        session = session_in(scope)
        return None if session is None else bound_principal(session)
    except SessionNotLoaded:
        return None
