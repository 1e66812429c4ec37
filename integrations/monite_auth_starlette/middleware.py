"""The middleware: Monite's access on every request, errors as answers, and a logout that nobody has to remember."""

import inspect
from collections.abc import Awaitable, Callable

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from monite_auth import MoniteAccess, Principal, TokenBroker
from monite_auth.answers import Answer, error_answer
from monite_auth.errors import ConfigurationError, MoniteAuthError
from monite_auth.sessions import has_left
from monite_auth_starlette.identify import identify

__all__ = ["MoniteAuthMiddleware", "monite", "respond"]

Identify = Callable[[HTTPConnection], Awaitable[Principal | None] | Principal | None]


class MoniteAuthMiddleware:
    """Put a MoniteAccess at `request.state.monite`, for http and websocket; everything else passes untouched.

    `identify`: who is logged in, from a connection; `def` or `async def`. It is asked when a request comes in and
    again when the response starts: when the principal has gone, or is another, the one that came in is logged out
    of Monite. The default reads `scope["user"]` and `scope["session"]`. For users of several organizations, say which
    one is active: `lambda connection: identify(connection, tenant=connection.session.get("organization"))`.

    An error of monite-auth that the app lets through becomes an answer with its status.
    """

    def __init__(self, app: ASGIApp, broker: TokenBroker, identify: Identify = identify) -> None:
        self.app = app
        self.broker = broker
        self._identify = identify

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection (ASGI)."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        access = MoniteAccess(self.broker, await self._principal(connection))
        scope.setdefault("state", {})["monite"] = access
        if scope["type"] == "http":
            await self._http(connection, access, receive, send)
        else:
            await self._websocket(connection, receive, send)

    async def _http(
        self, connection: HTTPConnection, access: MoniteAccess, receive: Receive, send: Send
    ) -> None:
        watched = started = False

        async def send_and_watch(message: Message) -> None:
            nonlocal watched, started
            if not watched:
                watched = True
                await self._log_out_if_gone(connection, access)
            started = True
            await send(message)

        try:
            await self.app(connection.scope, receive, send_and_watch)
        except MoniteAuthError as error:
            if started or isinstance(error, ConfigurationError):
                raise
            await respond(error_answer(error, accept=connection.headers.get("accept", "")), send_and_watch)

    async def _websocket(self, connection: HTTPConnection, receive: Receive, send: Send) -> None:
        try:
            await self.app(connection.scope, receive, send)
        except MoniteAuthError as error:
            # 1008: the client may not do this; 1011: the server cannot (RFC 6455, section 7.4.1)
            code = 1008 if error.status_hint < 500 else 1011
            await send({"type": "websocket.close", "code": code, "reason": error.public_message})

    async def _log_out_if_gone(self, connection: HTTPConnection, access: MoniteAccess) -> None:
        leaves = await self._principal(connection)
        if has_left(access.principal, leaves) and not access.logged_out:
            await access.alogout()

    async def _principal(self, connection: HTTPConnection) -> Principal | None:
        found = self._identify(connection)
        return await found if inspect.isawaitable(found) else found


def monite(connection: HTTPConnection) -> MoniteAccess:
    """Return the request's MoniteAccess."""
    access = connection.scope.get("state", {}).get("monite")
    if not isinstance(access, MoniteAccess):
        raise ConfigurationError(
            "request.state.monite is missing: add MoniteAuthMiddleware to the app, "
            "app.add_middleware(MoniteAuthMiddleware, broker=…)."
        )
    return access


async def respond(answer: Answer, send: Send) -> None:
    """Send a neutral answer."""
    headers = {**answer.headers, "Content-Length": str(len(answer.body))}
    raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": raw})
    await send({"type": "http.response.body", "body": answer.body})
