"""The health endpoint as an ASGI app."""

from collections.abc import Callable

from monite_auth.adapter import answer_health_request
from monite_auth_asgi.answers import send_answer
from monite_auth_asgi.state import monite
from monite_auth_asgi.types import ASGIApp, Receive, Scope, Send

__all__ = ["health_app"]


def health_app(*, live: bool = False, details: Callable[[Scope], bool] | None = None) -> ASGIApp:
    """Return an ASGI app that answers probes, to mount at a path inside the middleware.

    `live`: answer for liveness, not for readiness. `details`: says of a request's scope whether whoever asks may know the
    reasons; by default nobody.
    """

    async def health(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - ASGI's signature
        knows = details is not None and details(scope)
        answer = answer_health_request(monite(scope).broker, scope["method"], live=live, details=knows)
        await send_answer(answer, send)

    return health
