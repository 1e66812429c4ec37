"""Small parts of apps for the tests of the Starlette adapter."""

import asyncio
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route

from monite_auth_starlette import MoniteAuthMiddleware


async def login(request):
    request.session["user_id"] = request.query_params.get("user", "anna")
    return PlainTextResponse("in")


async def logout(request):
    request.session.clear()
    return PlainTextResponse("out")


async def me(request):
    answer = await request.state.monite.aclient.get("/entity_users/me")
    return JSONResponse(answer.json(), answer.status_code)


async def facts(request):
    principal = request.state.monite.principal
    return JSONResponse(
        {"user": principal and principal.user_id, "session": principal and principal.session_id}
    )


PAGES = [
    Route("/login", login, methods=["POST"]),
    Route("/logout", logout, methods=["POST"]),
    Route("/me", me),
    Route("/facts", facts),
]

SESSIONS = Middleware(SessionMiddleware, secret_key="s")


def app_of(broker, *routes, outside=(SESSIONS,), inside=(), kind=Starlette, **identify):
    """Return an app with our middleware between those `outside` and those `inside`. In each list the first is outermost."""

    @asynccontextmanager
    async def lifespan(_app):
        async with broker:
            yield

    return kind(
        routes=[*PAGES, *routes],
        middleware=[*outside, Middleware(MoniteAuthMiddleware, broker=broker, **identify), *inside],
        lifespan=lifespan,
    )


class CatchAll(BaseHTTPMiddleware):
    """Answers every error itself, as many apps do."""

    async def dispatch(self, request, call_next):
        try:
            return await call_next(request)
        except Exception:  # noqa: BLE001 - that is its purpose
            return PlainTextResponse("Something went wrong.", 500)


class TimeLimit:
    """Cancels requests to /leave after a short time."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        try:
            async with asyncio.timeout(0.2 if scope.get("path") == "/leave" else None):
                await self.app(scope, receive, send)
        except TimeoutError:
            await PlainTextResponse("too slow", 504)(scope, receive, send)
