"""Neutral answers as ASGI messages."""

from collections.abc import Mapping

from monite_auth.adapter import Answer
from monite_auth_asgi.types import ASGIApp, Receive, Scope, Send

__all__ = ["accept_of", "close_code", "headers_of", "http_only", "send_answer", "start_answer"]


async def send_answer(answer: Answer, send: Send) -> None:
    """Send an answer to an http request."""
    await start_answer(answer.status, {**answer.headers, "Content-Length": str(len(answer.body))}, send)
    # `more_body` is optional in ASGI, but the test client of Quart 0.23 reads it.
    await send({"type": "http.response.body", "body": answer.body, "more_body": False})


async def start_answer(status: int, headers: Mapping[str, str], send: Send) -> None:
    """Send status and headers of an answer whose body follows."""
    encoded = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": encoded})


def close_code(status: int) -> int:
    """Return the code to close a websocket with, for an error with this HTTP status."""
    # 1008: the client may not do this; 1011: the server cannot (RFC 6455, section 7.4.1)
    return 1008 if status < 500 else 1011


def http_only(app: ASGIApp) -> ASGIApp:
    """Return an app that refuses websockets, which come to a mount as requests do."""

    async def served(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": close_code(404), "reason": ""})
        else:
            await app(scope, receive, send)

    return served


def headers_of(scope: Scope) -> dict[str, str]:
    """Return the request's headers, with names in lower case. Values of one name are joined (RFC 9110, section 5.3)."""
    joined: dict[str, str] = {}
    for name, value in scope.get("headers", ()):
        known, text = name.decode("latin-1").lower(), value.decode("latin-1")
        joined[known] = f"{joined[known]}, {text}" if known in joined else text
    return joined


def accept_of(scope: Scope) -> str:
    """Return the request's Accept header, or ""."""
    return headers_of(scope).get("accept", "")
