"""The token endpoint as an ASGI app: `GET|POST`, for Monite's browser SDK."""

from collections.abc import Collection

from monite_auth.adapter import aanswer_token_request, parse_origins
from monite_auth_asgi.answers import headers_of, send_answer
from monite_auth_asgi.state import monite
from monite_auth_asgi.types import ASGIApp, Receive, Scope, Send

__all__ = ["token_app"]


def token_app(*, allowed_origins: Collection[str] = ()) -> ASGIApp:
    """Return an ASGI app that answers every request with the user's token, to mount at a path inside the middleware.

    `allowed_origins`: other origins whose pages may have the user's token, such as "https://app.example.com"; the
    app's CORS settings must let them, too. Raises ConfigurationError for anything that is no origin.
    """
    others = parse_origins(allowed_origins)

    async def token(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - ASGI's signature
        answer = await aanswer_token_request(monite(scope), scope["method"], headers_of(scope), others)
        await send_answer(answer, send)

    return token
