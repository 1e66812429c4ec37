"""The contract's site in Starlette."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from monite_auth import Settings, TokenBroker
from monite_auth_starlette import MoniteAuthMiddleware, monite_app
from tests.integrations.contract_site import PARTNER_ORIGIN, PEOPLE, Answer, Form

PATHS = {
    "login": "/login",
    "switch": "/switch",
    "logout": "/logout",
    "me": "/me",
    "token": "/monite/token",
}


def login(request: Request) -> Response:
    request.session.clear()
    return switch(request)


def switch(request: Request) -> Response:
    request.session["user_id"] = request.query_params["user"]
    return PlainTextResponse("in")


def logout(request: Request) -> Response:
    request.session.clear()
    return PlainTextResponse("out")


def me(request: Request) -> Response:
    answer = request.state.monite.client.get("/entity_users/me")
    return JSONResponse(answer.json(), answer.status_code)


async def alogin(request: Request) -> Response:
    return login(request)


async def aswitch(request: Request) -> Response:
    return switch(request)


async def alogout(request: Request) -> Response:
    return logout(request)


async def ame(request: Request) -> Response:
    answer = await request.state.monite.aclient.get("/entity_users/me")
    return JSONResponse(answer.json(), answer.status_code)


VIEWS = {
    "sync": (login, switch, logout, me),
    "async": (alogin, aswitch, alogout, ame),
}


def app_of(broker: TokenBroker, form: Form) -> Starlette:
    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with broker:
            yield

    enter, change, leave, ask = VIEWS[form]
    return Starlette(
        routes=[
            Route("/login", enter, methods=["POST"]),
            Route("/switch", change, methods=["POST"]),
            Route("/logout", leave, methods=["POST"]),
            Route("/me", ask),
            Mount("/monite", monite_app(allowed_origins=[PARTNER_ORIGIN])),
        ],
        middleware=[
            Middleware(SessionMiddleware, secret_key="s"),
            Middleware(MoniteAuthMiddleware, broker=broker),
        ],
        lifespan=lifespan,
    )


class StarletteClient:
    """A test client on the event loop that all clients of the site share, as a server has one."""

    def __init__(self, first: TestClient) -> None:
        self._client = TestClient(first.app)
        self._client.portal = first.portal

    def send(self, method: str, page: str, *, query: Mapping[str, str], headers: Mapping[str, str]) -> Answer:
        answer = self._client.request(method, PATHS[page], params=dict(query), headers=dict(headers))
        return Answer(answer.status_code, dict(answer.headers), answer.text)

    @property
    def cookie(self) -> str:
        return str(self._client.cookies["session"])

    @cookie.setter
    def cookie(self, value: str | None) -> None:
        self._client.cookies.clear()
        if value is not None:
            self._client.cookies["session"] = value


class StarletteSite:
    origin = "http://testserver"
    old_cookie = "session_ended"

    def __init__(self, broker: TokenBroker, first: TestClient, app: Starlette) -> None:
        self.broker = broker
        self._first = first
        self._app = app

    def client(self) -> StarletteClient:
        return StarletteClient(self._first)

    def user_id(self, name: str) -> str:
        return name

    @contextmanager
    def sessions_expired(self) -> Iterator[None]:
        sessions = getattr(self._app.middleware_stack, "app", None)
        assert isinstance(sessions, SessionMiddleware)
        lifetime, sessions.max_age = sessions.max_age, -1
        yield
        sessions.max_age = lifetime


@contextmanager
def starlette_site(settings: Settings, form: Form) -> Iterator[StarletteSite]:
    with TokenBroker(settings, PEOPLE) as broker:
        app = app_of(broker, form)
        with TestClient(app) as first:
            yield StarletteSite(broker, first, app)
