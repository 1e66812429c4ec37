"""The app to mount: `GET|POST token`, for Monite's browser SDK."""

from collections.abc import Collection

from starlette.requests import HTTPConnection
from starlette.routing import Route, Router
from starlette.types import Receive, Scope, Send

from monite_auth.adapter.origins import parse_origins
from monite_auth.adapter.token_endpoint import aanswer_token_request
from monite_auth_starlette.late_sessions import load_session
from monite_auth_starlette.refusals import as_response
from monite_auth_starlette.state import monite

__all__ = ["monite_app"]


def monite_app(*, allowed_origins: Collection[str] = ()) -> Router:
    """Return an app that serves `token`, to mount inside the middleware: `app.mount("/monite", …)`.

    `allowed_origins`: other origins whose pages may have the user's token, such as "https://app.example.com"; the
    app's CORS settings must let them, too. Raises ConfigurationError for what is no origin.
    """
    return Router(routes=[Route("/token", _Token(parse_origins(allowed_origins)))])


class _Token:
    """Answers with the token of whoever is logged in."""

    def __init__(self, allowed_origins: Collection[str]) -> None:
        self._allowed_origins = allowed_origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        connection = HTTPConnection(scope)
        await load_session(connection)
        answer = await aanswer_token_request(
            monite(connection), scope["method"], connection.headers, self._allowed_origins
        )
        await as_response(answer)(scope, receive, send)
