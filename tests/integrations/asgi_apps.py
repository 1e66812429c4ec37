"""Small apps for the tests of the ASGI middleware: the same one in two frameworks.

Quart, since 0.23, waits for the client beside its views and returns when that has gone. Litestar returns when its view has.
"""

import asyncio

from litestar import Litestar, Request, WebSocket, get, post, websocket
from litestar.middleware import DefineMiddleware
from litestar.response import Stream
from quart import Quart
from quart import request as quart_request
from quart import websocket as quart_websocket

from monite_auth import Principal
from monite_auth_asgi import monite


def by_header(scope):
    """Identify the user by a header that a proxy sets."""
    user = dict(scope["headers"]).get(b"x-user", b"").decode()
    return Principal(user, session_id="1") if user else None


ANNA = {"x-user": "anna"}


async def endless_parts():
    while True:
        yield b"part of it"
        await asyncio.sleep(0.01)


def litestar_app(ours):
    """Return the app in Litestar, with `ours` around it."""

    @get("/me")
    async def me(request: Request) -> str:
        return (await monite(request.scope).atoken()).fingerprint

    @post("/upload")
    async def upload(request: Request) -> str:
        return (await monite(request.scope).atoken()).fingerprint

    @get("/mistake")
    async def mistake() -> None:
        raise ZeroDivisionError

    @get("/stream")
    async def stream() -> Stream:
        return Stream(endless_parts())

    @websocket("/echo")
    async def echo(socket: WebSocket) -> None:
        await socket.accept()
        await monite(socket.scope).atoken()
        while True:
            await socket.send_text(await socket.receive_text())

    return Litestar(
        [me, upload, mistake, stream, echo], middleware=[DefineMiddleware(ours)], logging_config=None
    )


def quart_app(ours):
    """Return the app in Quart, with `ours` around it."""
    app = Quart("served")

    @app.get("/me")
    @app.post("/upload")
    async def me():
        return (await monite(quart_request.scope).atoken()).fingerprint

    @app.get("/mistake")
    async def mistake():
        raise ZeroDivisionError

    @app.get("/stream")
    async def stream():
        return endless_parts()

    @app.websocket("/echo")
    async def echo():
        await quart_websocket.accept()
        await monite(quart_websocket.scope).atoken()
        while True:
            await quart_websocket.send(await quart_websocket.receive())

    app.asgi_app = ours(app.asgi_app)
    return app
