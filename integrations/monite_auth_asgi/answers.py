"""Neutral answers as ASGI messages."""

from collections.abc import Mapping

from monite_auth.adapter import Answer
from monite_auth_asgi.types import Scope, Send

__all__ = ["accept_of", "close_code", "headers_of", "send_answer", "start_answer"]


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


def headers_of(scope: Scope) -> dict[str, str]:
    """Return the request's headers, with names in lower case; the last one counts where a name comes twice."""
    return {
        name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope.get("headers", ())
    }


def accept_of(scope: Scope) -> str:
    """Return the request's Accept header, or ""."""
    return headers_of(scope).get("accept", "")
