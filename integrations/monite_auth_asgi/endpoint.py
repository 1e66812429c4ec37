"""The token endpoint as an ASGI app: `GET|POST`, for Monite's browser SDK."""

from collections.abc import Collection

from monite_auth.adapter import aanswer_token_request, answer_placeholder_request, parse_origins
from monite_auth.errors import ConfigurationError
from monite_auth_asgi.answers import headers_of, http_only, send_answer
from monite_auth_asgi.state import monite
from monite_auth_asgi.types import ASGIApp, Receive, Scope, Send

__all__ = ["token_app"]


def token_app(*, allowed_origins: Collection[str] = (), api: bool = False) -> ASGIApp:
    """Return an ASGI app that answers every request with the user's token, to mount at a path inside the middleware.

    `allowed_origins`: other origins whose pages may have the user's token, such as "https://app.example.com"; the
    app's CORS settings must let them, too. `api`: whether Monite's API is served too (`api_app`), so that browsers get no token:
    the answer has something else in its place. Raises ConfigurationError for anything that is no origin.
    """
    others = parse_origins(allowed_origins)
    if api and others:
        raise ConfigurationError(
            "allowed_origins and api=True: Monite's API is for the app's own pages. Leave one of them out."
        )

    @http_only
    async def token(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - ASGI's signature
        method, headers = scope["method"], headers_of(scope)
        if api:
            answer = answer_placeholder_request(monite(scope), method, headers)
        else:
            answer = await aanswer_token_request(monite(scope), method, headers, others)
        await send_answer(answer, send)

    return token
