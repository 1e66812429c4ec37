"""One connection of Starlette's: where it differs from any other of ASGI's.

The app's function is asked about an HTTPConnection. Sessions may be loaded late (`late_sessions.py`). And an app may hold
other apps that open sessions of their own in the same scope (`stack.py`), which say nothing about this one's users.
"""

from collections.abc import Awaitable, MutableMapping
from copy import copy
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from monite_auth import Principal, TokenBroker
from monite_auth.errors import ConfigurationError
from monite_auth_asgi.identify import ASKED
from monite_auth_asgi.identify import identify as identify_scope
from monite_auth_asgi.visit import ConnectionVisit, Identify
from monite_auth_starlette.identify import identify
from monite_auth_starlette.late_sessions import HANDLER, SessionNotLoaded, load_session, when_loaded
from monite_auth_starlette.stack import (
    chain,
    is_of_starlettes_sessions,
    opens_sessions,
    opens_sessions_on_the_way,
)

__all__ = ["StarletteVisit"]


class StarletteVisit(ConnectionVisit):
    """The visit of a connection; `app` is what stands inside of the middleware."""

    default_identify = staticmethod(identify)
    not_loaded = (SessionNotLoaded,)
    no_word = (HTTPException,)  # refused by now, because a token has run out, for example: that is no logout

    def __init__(self, app: ASGIApp, broker: TokenBroker, ask: Identify, scope: Scope) -> None:
        self._app = app
        self.outer_app = scope.get("app")
        """The app that the middleware belongs to; a mounted app puts itself into the scope."""
        super().__init__(broker, ask, scope)
        if HANDLER in scope:
            when_loaded(scope, self.open_session)

    def ask(self) -> Awaitable[Principal | None] | Principal | None:
        """Ask the app's function about the connection as it came in."""
        if self._ask is identify:
            return identify_scope(self.arrived_scope)
        return self._ask(HTTPConnection(self.arrived_scope))

    def find_telling_session(self) -> Any:
        """Return Starlette's own session, which is kept only if it was modified, unless another than it names the user."""
        session = self.scope.get("session")
        names_the_user = self._ask is identify and "user" not in self.scope
        tells = names_the_user and is_of_starlettes_sessions(session) and hasattr(session, "modified")
        return session if tells else None

    def follow_session(self) -> None:
        """Look at the session that a view has put in the place of the one that came in; what that had is gone."""
        self._check_order()
        if self._has_another_session() and not self._was_opened_inside():
            self.arrived_scope["session"] = self.scope["session"]

    def give_back_session(self) -> None:
        """Put the session that came in back into the scope, where a mounted app has put one of its own in its place.

        The SessionMiddleware outside looks there for what to keep: it would give the user the mounted app's session.
        """
        if self._has_another_session():
            self.scope["session"] = self.arrived_scope["session"]
        super().give_back_session()

    async def find_session_that_arrived(self) -> MutableMapping[str, Any]:
        """Return the session as the client sent it, before a middleware between SessionMiddleware and ours could change it.

        The app's SessionMiddleware is asked once more, for an app that only takes note of what it is given.
        """
        has_cookies = any(name == b"cookie" for name, _ in self.arrived_scope["headers"])
        if not has_cookies or self.arrived_scope.get("session") is None:
            return {}
        found: dict[str, Any] = {}

        async def take_note(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - ASGI's signature
            await load_session(HTTPConnection(scope))
            found.update(scope["session"])

        for each in chain(self.outer_app):
            if each is self._app:
                break
            if opens_sessions(each):
                again = copy(each)
                again.app = take_note
                await again({**self.arrived_scope}, _nothing, _nothing)
                break
        return found

    def _has_another_session(self) -> bool:
        arrived, current = self.arrived_scope.get("session"), self.scope.get("session")
        return arrived is not None and current is not None and current is not arrived

    def _was_opened_inside(self) -> bool:
        """Return whether the session in the scope is that of an app inside, and not one that a view has put there."""
        inside = self.scope.get("app")
        is_mounted = inside is not self.outer_app and any(map(opens_sessions, chain(inside)))
        return is_mounted or opens_sessions_on_the_way(self._app, self.arrived_scope)

    def _check_order(self) -> None:
        """Raise ConfigurationError if the app's sessions are opened inside the middleware, too late for it to see."""
        opened_inside = "session" in self.scope and "session" not in self.arrived_scope
        if opened_inside and self.arrived_scope[ASKED] and any(map(opens_sessions, chain(self._app))):
            raise ConfigurationError(
                "SessionMiddleware runs inside MoniteAuthMiddleware, which therefore sees no session. "
                "Call app.add_middleware(SessionMiddleware, …) after app.add_middleware(MoniteAuthMiddleware, …)."
            )


async def _nothing(*_: object) -> Any:
    raise AssertionError("A SessionMiddleware receives and sends nothing of its own.")
