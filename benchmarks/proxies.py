"""The same proxy eight times, to be compared, in Starlette and in Flask: bare, bare and asking Redis once for each call, kept, and ours.

A bare one has its token from the start. A kept one is bare, and keeps the promises: it stands behind our middleware, and each call has its
token and its turn by `broker.client(budget=True)`.
"""

import os
import secrets
from collections.abc import AsyncIterator, Iterator

import httpx
import redis
import redis.asyncio
from flask import Flask, Response, session
from flask import request as flask_request
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Mount, Route

from benchmarks.people import PEOPLE
from monite_auth import Settings, TokenBroker
from monite_auth_flask import MoniteAuth, current_monite, monite_blueprint
from monite_auth_starlette import MoniteAuthMiddleware, monite_app

__all__ = [
    "asking_flask",
    "asking_starlette",
    "bare_flask",
    "bare_starlette",
    "kept_flask",
    "kept_starlette",
    "our_flask",
    "our_starlette",
]

UPSTREAM = os.environ.get("MONITE_BASE_URL", "")
STORE = os.environ.get("MONITE_STORE_URL", "")
TOKEN = {"Authorization": "Bearer of-the-bare-proxy", "x-monite-version": "2024-05-25"}
KEY = secrets.token_hex()
PASSED = ("content-type", "content-length")


def bare_starlette(asked: redis.asyncio.Redis | None = None, broker: TokenBroker | None = None) -> Starlette:
    """Return the bare proxy, with sessions, as every app has them.

    `asked`: a Redis that each call asks for one key. `broker`: gives each call its token and its turn.
    """
    shared = httpx.AsyncClient(limits=httpx.Limits(max_connections=None))
    ours = [] if broker is None else [Middleware(MoniteAuthMiddleware, broker=broker)]

    async def api(request: Request) -> StreamingResponse:
        user = request.session["user_id"]
        if asked is not None:
            await asked.get(user)
        client = shared if broker is None else broker.aclient(request.state.monite.principal, budget=True)
        outgoing = client.build_request(
            request.method,
            f"{UPSTREAM}/{request.path_params['path']}?{request.url.query}",
            headers=TOKEN if broker is None else {},
        )
        answer = await client.send(outgoing, stream=True)

        async def chunks() -> AsyncIterator[bytes]:
            try:
                async for chunk in answer.aiter_raw():
                    yield chunk
            finally:
                await answer.aclose()

        return StreamingResponse(
            chunks(), answer.status_code, {name: answer.headers[name] for name in PASSED}
        )

    return Starlette(
        routes=[Route("/login", _login, methods=["POST"]), Route("/monite/api/{path:path}", api)],
        middleware=[Middleware(SessionMiddleware, secret_key=KEY), *ours],
    )


def asking_starlette() -> Starlette:
    """Return the bare proxy that asks Redis once for each call: the least by which a logout elsewhere can be seen."""
    return bare_starlette(redis.asyncio.Redis.from_url(STORE))


def kept_starlette() -> Starlette:
    """Return the bare proxy that keeps the promises."""
    return bare_starlette(broker=TokenBroker(Settings.from_env(), PEOPLE))


def our_starlette() -> Starlette:
    """Return ours."""
    broker = TokenBroker(Settings.from_env(), PEOPLE)
    return Starlette(
        routes=[Route("/login", _login, methods=["POST"]), Mount("/monite", monite_app(api=True))],
        middleware=[
            Middleware(SessionMiddleware, secret_key=KEY),
            Middleware(MoniteAuthMiddleware, broker=broker),
        ],
    )


async def _login(request: Request) -> PlainTextResponse:
    request.session["user_id"] = "anna"
    return PlainTextResponse("in")


def bare_flask(asked: redis.Redis | None = None, broker: TokenBroker | None = None) -> Flask:
    """Return the bare proxy. `asked`, `broker`: see `bare_starlette`."""
    app = Flask("bare")
    app.secret_key = KEY
    shared = httpx.Client(limits=httpx.Limits(max_connections=None))
    if broker is not None:
        MoniteAuth(app, broker=broker)

    @app.route("/monite/api/<path:path>")
    def api(path: str) -> Response:
        user = session["user_id"]
        if asked is not None:
            asked.get(user)
        query = flask_request.query_string.decode()
        client = shared if broker is None else broker.client(current_monite.principal, budget=True)
        outgoing = client.build_request(
            flask_request.method,
            f"{UPSTREAM}/{path}?{query}",
            headers=TOKEN if broker is None else {},
        )
        answer = client.send(outgoing, stream=True)

        def chunks() -> Iterator[bytes]:
            try:
                yield from answer.iter_raw()
            finally:
                answer.close()

        return Response(chunks(), answer.status_code, {name: answer.headers[name] for name in PASSED})

    return _with_login(app)


def asking_flask() -> Flask:
    """Return the bare proxy that asks Redis once for each call; see `asking_starlette`."""
    return bare_flask(redis.Redis.from_url(STORE))


def kept_flask() -> Flask:
    """Return the bare proxy that keeps the promises."""
    return bare_flask(broker=TokenBroker(Settings.from_env(), PEOPLE))


def our_flask() -> Flask:
    """Return ours."""
    app = Flask("ours")
    app.secret_key = KEY
    MoniteAuth(app, directory=PEOPLE)
    app.register_blueprint(monite_blueprint(api=True), url_prefix="/monite")
    return _with_login(app)


def _with_login(app: Flask) -> Flask:
    @app.post("/login")
    def login() -> str:
        session["user_id"] = "anna"
        return "in"

    return app
