"""Small parts of apps for the tests of the Starlette adapter, and requests to them without a server."""

import asyncio
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.authentication import SimpleUser
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from monite_auth import Principal
from monite_auth_starlette import MoniteAuthMiddleware
from monite_auth_starlette.fastapi import LoggedInMonite


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
    """Cancels a request whose view says that its time is over: `request.scope["time_is_over"]()`."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        try:
            async with asyncio.timeout(None) as limit:
                scope["time_is_over"] = lambda: limit.reschedule(0)
                await self.app(scope, receive, send)
        except TimeoutError:
            await PlainTextResponse("too slow", 504)(scope, receive, send)


PAGE_ORIGIN = "https://pages.example"
CORS = Middleware(CORSMiddleware, allow_origins=[PAGE_ORIGIN], allow_credentials=True)


def visitor(app, **options):
    return TestClient(app, raise_server_exceptions=False, **options)


async def sent_in(app, scope, parts=None):
    """Serve one request in a scope, as servers do, and return its body. Its parts are added to `parts` as they come."""
    parts = [] if parts is None else parts

    messages = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive():
        return messages.pop() if messages else await asyncio.Event().wait()  # the client never hangs up

    async def send(message):
        parts.append(message.get("body", b""))

    await app(scope, receive, send)
    return b"".join(parts)


def scope_of(user, state, path="/whoami"):
    return {
        "type": "http",
        "method": "GET",
        "path": path,
        "query_string": b"",
        "headers": [(b"x-user", user.encode())],
        "state": state,
    }


def by_header(connection):
    user = connection.headers.get("x-user")
    return Principal(user, session_id=user) if user else None


class Marks:
    """Puts its own user and path parameters into the scope."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        scope["state"]["user"] = "root"
        scope["user"] = SimpleUser("root")
        scope["path_params"] = {}
        await self.app(scope, receive, send)


async def page(request):
    if request.method == "POST" and request.headers.get("x-log-in"):
        request.session["user_id"] = "root"
    return PlainTextResponse("panel")


def panel(*middleware):
    return Starlette(routes=[Route("/", page, methods=["GET", "POST"])], middleware=list(middleware))


async def parallel(request):
    async with asyncio.TaskGroup() as tasks:
        for path in ("/payables", "/entity_users/me"):
            tasks.create_task(request.state.monite.aclient.get(path))


async def two_kinds(request):
    async def other():
        raise KeyError("the app's own")

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(request.state.monite.atoken())
        tasks.create_task(other())


async def with_dependency(monite: LoggedInMonite) -> None:
    """An endpoint for logged-in users only."""


class Guard(BaseHTTPMiddleware):
    """Refuses anonymous requests. It raises outside of any route."""

    async def dispatch(self, request, call_next):
        await request.state.monite.atoken()
        return await call_next(request)


def api(*middleware, **more):
    app = FastAPI(middleware=list(middleware), **more)
    app.get("/dependency")(with_dependency)
    app.add_route("/me", me)
    app.add_route("/parallel", parallel)
    app.add_route("/two-kinds", two_kinds)
    return app
