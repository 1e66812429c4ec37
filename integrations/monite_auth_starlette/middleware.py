"""The middleware: Monite's access on every request, errors as answers, and a logout that nobody has to remember."""

from functools import partial

from starlette.exceptions import HTTPException, WebSocketException
from starlette.types import ASGIApp, Receive, Scope, Send

from monite_auth import TokenBroker
from monite_auth.adapter.answers import error_behind
from monite_auth.errors import ConfigurationError, MoniteAuthError
from monite_auth.functions import is_on_event_loop
from monite_auth_starlette.identify import identify
from monite_auth_starlette.outlet import Outlet
from monite_auth_starlette.refusals import add_handlers, answer_as_a_route, unwrapped
from monite_auth_starlette.visit import Identify, Visit

__all__ = ["MoniteAuthMiddleware"]


class MoniteAuthMiddleware:
    """Put a MoniteAccess at `request.state.monite`, for http and websocket; everything else passes untouched.

    `identify`: who is logged in, from a connection as it came in; `def` or `async def`. It is asked when a request comes in
    and again when the response starts, or when the request ends without one: when the principal has gone, or is another,
    the one that came in is logged out of Monite. It may raise Starlette's HTTPException to refuse a request.

    The default reads `scope["user"]` and `scope["session"]`. For users of several organizations, say which one is
    active: `lambda connection: identify(connection, tenant=connection.session.get("organization"))`.

    An error of monite-auth that the app lets through becomes an answer with its status.
    """

    def __init__(self, app: ASGIApp, broker: TokenBroker, identify: Identify = identify) -> None:
        self.app = app
        self.broker = broker
        self._identify = identify
        self._has_handlers = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection (ASGI)."""
        _check_event_loop()
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        outer = scope.get("app")
        if not self._has_handlers:  # all routes are there by now
            self._has_handlers = True
            add_handlers(self.app, outer)
        visit = Visit(self.app, self.broker, self._identify, scope)
        outlet = Outlet(send, visit)
        answer = partial(
            answer_as_a_route, app=self.app, outer=outer, scope=scope, receive=receive, send=send
        )
        try:
            try:
                await visit.begin()
            except (HTTPException, WebSocketException) as refusal:  # the word of the app's `identify`
                await answer(refusal)
            else:
                await self.app(scope, receive, outlet.send)
                await outlet.release()
        except Exception as raised:
            error = unwrapped(raised)
            ours = error_behind(error, self.broker.settings)
            if ours is None or isinstance(ours, ConfigurationError) or outlet.started:
                await outlet.release()
                if error is raised:
                    raise
                raise error from error.__cause__
            try:
                await visit.compare()
            except MoniteAuthError as not_recorded:
                error = not_recorded
            await answer(error)
        finally:
            await visit.end()


def _check_event_loop() -> None:
    """Raise ConfigurationError on trio, where nothing of ours works."""
    if not is_on_event_loop():
        raise ConfigurationError(
            "MoniteAuthMiddleware needs asyncio's event loop, or uvloop, and this server runs the app on another kind, such as "
            "trio. Start it on asyncio: hypercorn --worker-class asyncio, or TestClient(app, backend='asyncio')."
        )
