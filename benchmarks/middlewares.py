"""The same request in each framework, in several ways: see `Sides`.

A call serves BATCH requests, one after the other. Whatever cookies the first one brings, the others send: a session that is bound
to its login stays so.
"""

import asyncio
import base64
import functools
import json
import sys
from collections.abc import Callable, Iterable, MutableMapping
from io import BytesIO
from typing import Any, NamedTuple

import flask as flask_package
from itsdangerous import TimestampSigner
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

import monite_auth_asgi
import monite_auth_flask
import monite_auth_starlette
from benchmarks.people import ANNA
from monite_auth import TokenBroker
from monite_auth_flask import MoniteAuth, current_monite
from monite_auth_starlette import MoniteAuthMiddleware

__all__ = ["BATCH", "KEY", "NoOp", "Sides", "Twice", "ask_twice", "bare_asgi", "flask", "starlette", "wsgi"]

BATCH = 20
"""Requests of one call: what it costs to start an event loop is no part of a request."""

KEY = "of the benchmarks, which have no secrets"
Serve = Callable[[], object]
Scope = MutableMapping[str, Any]


class Sides(NamedTuple):
    """Ways to serve a request; a call of each serves BATCH of them.

    `nothing`: behind a middleware that does nothing. `twice`: behind one that asks who is logged in, when the request comes in and when its
    response starts, and forgets the answers: no logout can be seen for less. `unused`: behind ours, by a view that does not use it.
    `session`: behind a middleware that does nothing, by a view that reads who is logged in. `used`: behind ours, by a view
    that takes the token of who is logged in, which is a hit.
    """

    nothing: Serve
    twice: Serve
    unused: Serve
    session: Serve
    used: Serve


class NoOp:
    """An ASGI middleware that does nothing."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Pass the connection on."""
        await self.app(scope, receive, send)


class Twice:
    """An ASGI middleware that asks who is logged in as often as ours does."""

    def __init__(self, app: Any, ask: Callable[[Scope], object]) -> None:
        self.app = app
        self._ask = ask

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Pass the connection on."""
        self._ask(scope)

        async def send_on(message: Scope) -> None:
            if message["type"] == "http.response.start":
                self._ask(scope)
            await send(message)

        await self.app(scope, receive, send_on)


# ASGI


def _asgi(app: Any, runner: asyncio.Runner, cookie: bytes = b"") -> Serve:
    """Return a function that has an ASGI app serve GETs on the runner's event loop."""
    cookies = [cookie]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/",
        "raw_path": b"/",
        "query_string": b"",
        "root_path": "",
        "client": ("127.0.0.1", 1),
        "server": ("testserver", 80),
    }

    async def receive() -> Scope:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Scope) -> None:
        if message["type"] == "http.response.start":
            assert message["status"] == 200, message
            cookies.extend(_kept(value) for name, value in message["headers"] if name == b"set-cookie")

    async def serve(requests: int) -> None:
        for _ in range(requests):
            headers = [(b"host", b"testserver"), (b"cookie", cookies[-1])]
            await app({**scope, "headers": headers[: 1 + bool(cookies[-1])], "state": {}}, receive, send)

    runner.run(serve(2))  # opens what is opened once, and mints
    return lambda: runner.run(serve(BATCH))


def _kept(set_cookie: bytes) -> bytes:
    """Return what a browser sends back of a Set-Cookie."""
    return set_cookie.partition(b";")[0]


async def _answer(send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


async def _plain_app(_scope: Scope, _receive: Any, send: Any) -> None:
    await _answer(send)


async def _token_app(scope: Scope, _receive: Any, send: Any) -> None:
    await monite_auth_asgi.monite(scope).atoken()
    await _answer(send)


def bare_asgi(broker: TokenBroker, runner: asyncio.Runner) -> Sides:
    """Return the sides of an app of two lines, whose users an `identify` names."""
    ours = functools.partial(
        monite_auth_asgi.MoniteAuthMiddleware, broker=broker, identify=lambda _scope: ANNA
    )
    nothing = _asgi(NoOp(_plain_app), runner)
    return Sides(
        nothing,
        _asgi(Twice(_plain_app, monite_auth_asgi.identify), runner),
        _asgi(monite_auth_asgi.MoniteAuthMiddleware(_plain_app, broker), runner),
        nothing,
        _asgi(ours(_token_app), runner),
    )


def starlette(broker: TokenBroker, runner: asyncio.Runner) -> Sides:
    """Return the sides of Starlette with its sessions."""

    async def plain(_request: Request) -> PlainTextResponse:
        return PlainTextResponse("ok")

    async def reads(request: Request) -> PlainTextResponse:
        assert request.session["user_id"]
        return PlainTextResponse("ok")

    async def takes(request: Request) -> PlainTextResponse:
        await request.state.monite.atoken()
        return PlainTextResponse("ok")

    async def logs_in(request: Request) -> PlainTextResponse:
        request.session["user_id"] = "anna"
        return PlainTextResponse("in")

    def app(view: Any, *inside: Middleware) -> Starlette:
        routes = [Route("/", view), Route("/login", logs_in, methods=["POST"])]
        return Starlette(routes=routes, middleware=[Middleware(SessionMiddleware, secret_key=KEY), *inside])

    def ask(scope: Scope) -> object:
        return monite_auth_starlette.identify(HTTPConnection(scope))

    nothing, ours = Middleware(NoOp), Middleware(MoniteAuthMiddleware, broker=broker)
    cookie = _starlette_cookie()
    return Sides(
        _asgi(app(plain, nothing), runner),
        _asgi(app(plain, Middleware(Twice, ask=ask)), runner),
        _asgi(app(plain, ours), runner),
        _asgi(app(reads, nothing), runner, cookie),
        _asgi(app(takes, ours), runner, cookie),
    )


def _starlette_cookie() -> bytes:
    """Return the cookie of somebody who is logged in, as Starlette's SessionMiddleware writes it."""
    content = base64.b64encode(json.dumps({"user_id": "anna"}).encode())
    return b"session=" + TimestampSigner(KEY).sign(content)


# WSGI


def wsgi(app: Any, path: str = "/", cookie: str = "") -> Serve:
    """Return a function that has a WSGI app serve GETs."""
    cookies = [cookie]

    def start_response(status: str, headers: list[tuple[str, str]], _error: Any = None) -> None:
        assert status.startswith("200"), status
        cookies.extend(value.partition(";")[0] for name, value in headers if name.lower() == "set-cookie")

    def serve(requests: int) -> None:
        for _ in range(requests):
            answered: Iterable[bytes] = app(_environ(path, cookies[-1]), start_response)
            b"".join(answered)
            close = getattr(answered, "close", None)
            if close is not None:
                close()

    serve(2)  # opens what is opened once, and mints
    return functools.partial(serve, BATCH)


def _environ(path: str, cookie: str) -> dict[str, Any]:
    return {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": path,
        "SCRIPT_NAME": "",
        "QUERY_STRING": "",
        "SERVER_NAME": "testserver",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "testserver",
        "HTTP_COOKIE": cookie,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }


def ask_twice(app: flask_package.Flask, ask: Callable[[], object]) -> None:
    """Have a Flask app ask something when a request comes in, and when its response starts."""

    @app.before_request
    def come_in() -> None:
        ask()

    @app.after_request
    def go_out(response: flask_package.Response) -> flask_package.Response:
        ask()
        return response


def flask(broker: TokenBroker) -> Sides:
    """Return the sides of Flask with its sessions. What does nothing is a pair of functions around each request."""

    def app(
        view: Callable[[], str], *, ours: bool = False, ask: Callable[[], object] = lambda: None
    ) -> flask_package.Flask:
        made = flask_package.Flask("benchmark")
        made.secret_key = KEY
        made.add_url_rule("/", view_func=view)
        if ours:
            MoniteAuth(made, broker=broker)
        else:
            ask_twice(made, ask)
            made.teardown_request(lambda _error: None)
        return made

    def plain() -> str:
        return "ok"

    def reads() -> str:
        assert flask_package.session["user_id"]
        return "ok"

    def takes() -> str:
        current_monite.token()
        return "ok"

    with flask_package.Flask("login").test_request_context():
        signer = app(plain)
        serializer: Any = signer.session_interface.get_signing_serializer(signer)  # type: ignore[attr-defined]  # its own class has it
        cookie = f"session={serializer.dumps({'user_id': 'anna'})}"
    return Sides(
        wsgi(app(plain)),
        wsgi(app(plain, ask=monite_auth_flask.identify)),
        wsgi(app(plain, ours=True)),
        wsgi(app(reads), cookie=cookie),
        wsgi(app(takes, ours=True), cookie=cookie),
    )
