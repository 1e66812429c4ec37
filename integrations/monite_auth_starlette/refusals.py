"""Errors as answers.

An error that a route raises is answered there, where Starlette asks an app's exception handlers: inside of CORSMiddleware
and whatever else stands inside of MoniteAuthMiddleware, and inside of a mounted app's own error handling. So our answers are
handlers, too, added to each app inside that has none for these errors.

Other errors come as far as the middleware: those of middleware inside, and those of `identify`. They are answered as if a
route had raised them, with the headers of the CORSMiddleware that stands inside.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from monite_auth import MoniteAccess
from monite_auth.adapter import HANDLED, Answer, error_to_answer, refuse
from monite_auth.adapter import forward as forwarded
from monite_auth_asgi.answers import close_code
from monite_auth_starlette.stack import chain, mounted

__all__ = ["add_handlers", "answer_as_a_route", "as_response", "forward", "unwrapped"]


def as_response(answer: Answer) -> Response:
    """Return a neutral answer as Starlette's."""
    return Response(answer.body, answer.status, headers=dict(answer.headers))


def forward(response: Any) -> Response:
    """Return Monite's answer to a call as the app's own; see `monite_auth.adapter.forward`.

    `response`: what `monite.client` or `monite.aclient` returned.
    """
    return as_response(forwarded(response))


def unwrapped(error: Exception) -> Exception:
    """Return the exception of a route. Starlette raises a RuntimeError instead if the response had started."""
    if isinstance(error, ExceptionGroup):
        inside = [unwrapped(each) for each in error.exceptions]
        return error if inside == list(error.exceptions) else error.derive(inside)
    cause = error.__cause__
    return cause if isinstance(error, RuntimeError) and isinstance(cause, HANDLED) else error


async def answer_error(connection: Any, error: Exception) -> Any:
    """Answer an error of ours: an exception handler of Starlette's, for requests and websockets."""
    access = connection.scope.get("state", {}).get("monite")
    ours = error_to_answer(error, access.broker.settings) if isinstance(access, MoniteAccess) else None
    if ours is None:
        raise error
    answer = refuse(ours, accept=connection.headers.get("accept", ""))
    if isinstance(connection, WebSocket):
        await connection.close(close_code(answer.status), ours.public_message)
        return None
    return as_response(answer)


def add_handlers(app: ASGIApp, outer: Any) -> None:
    """Have errors answered where routes raise them, in each app that stands inside.

    `outer`: the app that our middleware belongs to, from the scope.
    """
    _add_handlers(app, _unhandled(outer), set())


def _add_handlers(app: Any, unhandled: list[type[Exception]], seen: set[int]) -> None:
    for each in chain(app):
        if id(each) in seen:
            continue
        seen.add(id(each))
        if isinstance(each, Starlette):
            unhandled = _unhandled(each)
        if isinstance(each, Starlette | ExceptionMiddleware):  # the second, where the first is built already
            for kind in unhandled:
                each.add_exception_handler(kind, answer_error)
        for inside in mounted(each):
            _add_handlers(inside, [], seen)


async def answer_as_a_route(
    error: Exception, app: ASGIApp, outer: Any, scope: Scope, receive: Receive, send: Send
) -> None:
    """Answer an error from elsewhere as if a route had raised it; raise it on if nothing handles it.

    `app`: the app inside of the middleware; `outer`: see `add_handlers`.
    """

    async def route(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - ASGI's signature
        raise error

    headers = Headers(scope=scope)
    if scope["type"] == "http" and "origin" in headers:
        for each in chain(app):
            if isinstance(each, CORSMiddleware):
                send = partial(each.send, send=send, request_headers=headers)
    handlers = {**dict.fromkeys(_unhandled(outer), answer_error), **_handlers(outer)}
    for last_resort in (500, Exception):
        handlers.pop(last_resort, None)
    await ExceptionMiddleware(route, handlers)({**scope, "app": outer}, receive, send)


def _handlers(app: Any) -> Mapping[Any, Any]:
    return getattr(app, "exception_handlers", {})


def _unhandled(app: Any) -> list[type[Exception]]:
    """Return the errors that an app has no handler for. A handler for Exception is Starlette's last resort, and does not count."""
    own = _handlers(app)
    return [
        kind for kind in HANDLED if not any(base in own for base in kind.__mro__ if base is not Exception)
    ]
