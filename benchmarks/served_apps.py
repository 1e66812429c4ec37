"""The same small app six times, in Starlette and in Flask, for `served`.

It stands behind a middleware that does nothing, behind one that only asks twice who is logged in, and behind ours.
"""

from flask import Flask, session
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

import monite_auth_flask
import monite_auth_starlette
from benchmarks.middlewares import KEY, NoOp, Twice, ask_twice
from benchmarks.people import PEOPLE
from monite_auth import Settings, TokenBroker
from monite_auth_flask import MoniteAuth
from monite_auth_starlette import MoniteAuthMiddleware

__all__ = [
    "HELLO",
    "asking_flask",
    "asking_starlette",
    "plain_flask",
    "plain_starlette",
    "protected_flask",
    "protected_starlette",
]

HELLO = "hello"


def plain_starlette() -> Starlette:
    """Return the app behind a middleware that does nothing."""
    return _starlette(Middleware(NoOp))


def asking_starlette() -> Starlette:
    """Return the app behind a middleware that asks twice: no logout can be seen for less."""
    return _starlette(
        Middleware(Twice, ask=lambda scope: monite_auth_starlette.identify(HTTPConnection(scope)))
    )


def protected_starlette() -> Starlette:
    """Return the app behind ours."""
    return _starlette(Middleware(MoniteAuthMiddleware, broker=TokenBroker(Settings.from_env(), PEOPLE)))


def _starlette(middleware: Middleware) -> Starlette:
    async def login(request: Request) -> PlainTextResponse:
        request.session["user_id"] = "anna"
        return PlainTextResponse("in")

    async def hello(request: Request) -> PlainTextResponse:
        request.session.get("user_id")
        return PlainTextResponse(HELLO)

    return Starlette(
        routes=[Route("/login", login, methods=["POST"]), Route("/", hello)],
        middleware=[Middleware(SessionMiddleware, secret_key=KEY), middleware],
    )


def plain_flask() -> Flask:
    """Return the app with hooks that do nothing."""
    app = _flask()
    app.before_request(lambda: None)
    app.after_request(lambda response: response)
    return app


def asking_flask() -> Flask:
    """Return the app with hooks that ask twice; see `asking_starlette`."""
    app = _flask()
    ask_twice(app, monite_auth_flask.identify)
    return app


def protected_flask() -> Flask:
    """Return the app with ours."""
    app = _flask()
    MoniteAuth(app, directory=PEOPLE)
    return app


def _flask() -> Flask:
    app = Flask("small")
    app.secret_key = KEY

    @app.post("/login")
    def login() -> str:
        session["user_id"] = "anna"
        return "in"

    @app.get("/")
    def hello() -> str:
        session.get("user_id")
        return HELLO

    return app
