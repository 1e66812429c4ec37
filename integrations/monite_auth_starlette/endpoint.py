"""The app to mount, for Monite's browser SDK: `GET|POST token`, and Monite's API where pages are to have no token."""

from collections.abc import Collection

from starlette.requests import HTTPConnection
from starlette.routing import Mount, Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from monite_auth_asgi import api_app, token_app
from monite_auth_starlette.late_sessions import load_session

__all__ = ["monite_app"]


def monite_app(*, api: bool = False, allowed_origins: Collection[str] = ()) -> Router:
    """Return an app that serves `token`, to mount inside the middleware: `app.mount("/monite", …)`.

    `api`: serve Monite's API, too, as `api/…`: the browser then needs no token and gets none (docs/browser.md).
    `allowed_origins`: other origins whose pages may have the user's token, such as "https://app.example.com"; the
    app's CORS settings must let them, too. Raises ConfigurationError for anything that is no origin, and for origins beside
    `api`, which is for the app's own pages.
    """
    token = Route("/token", _WithSession(token_app(allowed_origins=allowed_origins, api=api)))
    return Router(routes=[token, Mount("/api", api_app(load=_load))] if api else [token])


class _WithSession:
    """An app that finds the session loaded."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await _load(scope)
        await self._app(scope, receive, send)


async def _load(scope: Scope) -> None:
    await load_session(HTTPConnection(scope))
