"""The app to mount: `GET|POST token`, for Monite's browser SDK."""

from collections.abc import Collection

from starlette.requests import HTTPConnection
from starlette.routing import Route, Router
from starlette.types import Receive, Scope, Send

from monite_auth import MoniteAccess
from monite_auth.answers import Answer, error_answer, refuse_token_request, token_answer
from monite_auth.errors import MoniteAuthError
from monite_auth_starlette.middleware import monite, respond

__all__ = ["monite_app"]


def monite_app(*, allowed_origins: Collection[str] = ()) -> Router:
    """Return an app that serves `token`, to mount inside the middleware: `app.mount("/monite", …)`.

    `allowed_origins`: other origins whose pages may have the user's token, such as "https://app.example.com"; the
    app's CORS settings must let them, too.
    """
    return Router(routes=[Route("/token", _Token(allowed_origins))])


class _Token:
    """Answers with the token of whoever is logged in."""

    def __init__(self, allowed_origins: Collection[str]) -> None:
        self._allowed_origins = allowed_origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's signature
        connection = HTTPConnection(scope)
        answer = refuse_token_request(
            scope["method"], connection.headers, allowed_origins=self._allowed_origins
        )
        if answer is None:
            answer = await _token(monite(connection))
        await respond(answer, send)


async def _token(access: MoniteAccess) -> Answer:
    try:
        return token_answer(await access.atoken(min_ttl=access.broker.settings.min_browser_ttl))
    except MoniteAuthError as error:
        # Not for the app's own handlers, which answer people: this is read by Monite's browser SDK.
        return error_answer(error)
