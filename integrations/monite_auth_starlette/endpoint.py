"""The app to mount, for Monite's browser SDK: `GET|POST token`, and Monite's API where pages are to have no token."""

from collections.abc import Callable, Collection
from functools import partial

from starlette.requests import HTTPConnection
from starlette.routing import BaseRoute, Mount, Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from monite_auth_asgi import api_app, health_app, token_app
from monite_auth_starlette.late_sessions import load_session

__all__ = ["monite_app"]


def monite_app(
    *,
    api: bool = False,
    allowed_origins: Collection[str] = (),
    health: bool | Callable[[HTTPConnection], bool] = False,
) -> Router:
    """Return an app that serves `token`, to mount inside the middleware: `app.mount("/monite", …)`.

    `api`: serve Monite's API, too, as `api/…`: the browser then needs no token and gets none (docs/browser.md).
    `health`: serve `health` for readiness and `health/live` for liveness, too. A function says of a connection whether whoever asks
    may know the reasons, too; with True nobody may.
    `allowed_origins`: other origins whose pages may have the user's token, such as "https://app.example.com"; the
    app's CORS settings must let them, too. Raises ConfigurationError for anything that is no origin, and for origins beside
    `api`, which is for the app's own pages.
    """
    token = Route("/token", _WithSession(token_app(allowed_origins=allowed_origins, api=api)))
    routes: list[BaseRoute] = [token]
    if api:
        routes.append(Mount("/api", api_app(load=_load)))
    if health:
        knows = None if health is True else partial(_knows, health)
        routes += [
            Route("/health", _Endpoint(health_app(details=knows))),
            Route("/health/live", _Endpoint(health_app(live=True, details=knows))),
        ]
    return Router(routes=routes)


def _knows(says: Callable[[HTTPConnection], bool], scope: Scope) -> bool:
    return says(HTTPConnection(scope))


class _Endpoint:
    """An app as a route takes it: an object, since Starlette calls functions with a Request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)


class _WithSession(_Endpoint):
    """The same, with the session loaded."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await _load(scope)
        await super().__call__(scope, receive, send)


async def _load(scope: Scope) -> None:
    await load_session(HTTPConnection(scope))
