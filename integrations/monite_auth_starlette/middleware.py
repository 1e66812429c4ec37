"""The middleware: that of every ASGI framework, with errors answered as Starlette answers them."""

from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException, WebSocketException
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from monite_auth import TokenBroker
from monite_auth.errors import ConfigurationError
from monite_auth_asgi import MoniteAuthMiddleware as ASGIMiddleware
from monite_auth_asgi.visit import Identify
from monite_auth_starlette.identify import identify
from monite_auth_starlette.refusals import add_handlers, answer_as_a_route, unwrapped
from monite_auth_starlette.session_watch import watch_sessions
from monite_auth_starlette.stack import chain
from monite_auth_starlette.visit import StarletteVisit

__all__ = ["MoniteAuthMiddleware"]


class MoniteAuthMiddleware(ASGIMiddleware):
    """Put a MoniteAccess at `request.state.monite`, for http and websocket; everything else passes untouched.

    `identify`: returns who is logged in, from a connection as it came in; `def` or `async def`. It is asked when a request
    comes in, and again when the response starts, or when the request ends without one. If the principal has gone, or is
    another one, the one that came in is logged out of Monite. It may raise Starlette's HTTPException to refuse a request.

    The default reads `scope["user"]` and `scope["session"]`. For users of several organizations, say which one is
    active: `lambda connection: identify(connection, tenant=connection.session.get("organization"))`.

    An error of monite-auth that the app lets through becomes an answer with its status.
    """

    refusals = (HTTPException, WebSocketException)

    def __init__(self, app: ASGIApp, broker: TokenBroker, identify: Identify = identify) -> None:
        super().__init__(app, broker, identify)
        self._has_handlers = False
        self._may_be_held_back = True

    def prepare(self, scope: Scope) -> None:
        """Watch the app's sessions, with the lifespan or the first connection."""
        self._may_be_held_back = watch_sessions(scope.get("app"), self, self.broker)

    def visit_of(self, scope: Scope) -> StarletteVisit:
        """Return the visit of a connection that comes in."""
        if not self._has_handlers:  # all routes are there by now
            self._check_that_it_is_the_only_one()
            self._has_handlers = True
            add_handlers(self.app, scope.get("app"))
        visit = StarletteVisit(self.app, self.broker, self._identify, scope)
        visit.may_be_held_back = self._may_be_held_back
        return visit

    def _check_that_it_is_the_only_one(self) -> None:
        if any(isinstance(each, ASGIMiddleware) for each in chain(self.app)):
            raise ConfigurationError(
                "Two MoniteAuthMiddleware stand around this app, and the outer one's identify would not count. Keep one of them."
            )

    def replaces_errors(self, visit: Any) -> bool:
        """Return whether the app is another framework's. Starlette's answers errors of ours in its handlers."""
        apps: list[Any] = [visit.outer_app, *chain(self.app)]
        return not any(isinstance(each, Starlette | ExceptionMiddleware) for each in apps)

    def unwrapped(self, error: Exception) -> Exception:
        """Return the exception that a route raised."""
        return unwrapped(error)

    async def answer(self, error: Exception, visit: Any, receive: Receive, send: Send) -> None:
        """Answer an error as if a route had raised it."""
        await answer_as_a_route(error, self.app, visit.outer_app, visit.scope, receive, send)
