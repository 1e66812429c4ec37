"""The app to mount: `GET|POST token`, for Monite's browser SDK."""

from collections.abc import Collection

from starlette.requests import HTTPConnection
from starlette.routing import Route, Router
from starlette.types import Receive, Scope, Send

from monite_auth_asgi import token_app
from monite_auth_starlette.late_sessions import load_session

__all__ = ["monite_app"]


def monite_app(*, allowed_origins: Collection[str] = ()) -> Router:
    """Return an app that serves `token`, to mount inside the middleware: `app.mount("/monite", …)`.

    `allowed_origins`: other origins whose pages may have the user's token, such as "https://app.example.com"; the
    app's CORS settings must let them, too. Raises ConfigurationError for anything that is no origin.
    """
    return Router(routes=[Route("/token", _Token(allowed_origins))])


class _Token:
    """Answers with the token of whoever is logged in."""

    def __init__(self, allowed_origins: Collection[str]) -> None:
        self._app = token_app(allowed_origins=allowed_origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await load_session(HTTPConnection(scope))
        await self._app(scope, receive, send)
