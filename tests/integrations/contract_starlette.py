"""The contract's site in Starlette. FastAPI adds only a dependency of ours."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Annotated, Any

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from monite_auth import MoniteAccess, Principal, Settings, TokenBroker
from monite_auth.testing.adapters import DIRECTORY, PARTNER_ORIGIN, Answer
from monite_auth_starlette import MoniteAuthMiddleware, identify, monite_app
from monite_auth_starlette.fastapi import allowed, required
from tests.integrations.contract_site import API, PATHS, Form


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


def organization(request: Request) -> Response:
    request.session["organization"] = request.query_params["organization"]
    return PlainTextResponse("there")


def work(request: Request) -> Response:
    monite = request.state.monite
    may = {
        "create": monite.can("payable", "create"),
        "delete": monite.can("payable", "delete"),
        "delete own": monite.can("payable", "delete", own=True),
    }
    return JSONResponse({"headers": monite.headers(), "role": monite.role().name, "may": may})


def linked(monite: Annotated[MoniteAccess, required]) -> str:
    return "in"


def create(monite: Annotated[MoniteAccess, allowed("payable", "create")]) -> Any:
    return monite.client.post("/payables", json={"document_id": "X-1"}).raise_for_status().json()


async def alogin(request: Request) -> Response:
    return login(request)


async def aswitch(request: Request) -> Response:
    return switch(request)


async def alogout(request: Request) -> Response:
    return logout(request)


async def ame(request: Request) -> Response:
    answer = await request.state.monite.aclient.get("/entity_users/me")
    return JSONResponse(answer.json(), answer.status_code)


async def aorganization(request: Request) -> Response:
    return organization(request)


async def awork(request: Request) -> Response:
    monite = request.state.monite
    may = {
        "create": await monite.acan("payable", "create"),
        "delete": await monite.acan("payable", "delete"),
        "delete own": await monite.acan("payable", "delete", own=True),
    }
    return JSONResponse({"headers": await monite.aheaders(), "role": (await monite.arole()).name, "may": may})


async def alinked(monite: Annotated[MoniteAccess, required]) -> str:
    return "in"


async def acreate(monite: Annotated[MoniteAccess, allowed("payable", "create")]) -> Any:
    answer = await monite.aclient.post("/payables", json={"document_id": "X-1"})
    return answer.raise_for_status().json()


def in_tenant(connection: HTTPConnection) -> Principal | None:
    return identify(connection, tenant=connection.session.get("organization"))


async def ain_tenant(connection: HTTPConnection) -> Principal | None:
    return in_tenant(connection)


VIEWS = {
    "sync": (login, switch, logout, me, organization, work),
    "async": (alogin, aswitch, alogout, ame, aorganization, awork),
}


def app_of(broker: TokenBroker, form: Form, *, tenants: bool, api: bool) -> FastAPI:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with broker:
            yield

    enter, change, leave, ask, go, tell = VIEWS[form]
    own = {"identify": in_tenant if form == "sync" else ain_tenant} if tenants else {}
    app = FastAPI(
        routes=[
            Route("/login", enter, methods=["POST"]),
            Route("/switch", change, methods=["POST"]),
            Route("/logout", leave, methods=["POST"]),
            Route("/me", ask),
            Route("/organization", go, methods=["POST"]),
            Route("/work", tell),
            Mount("/monite", monite_app(api=True) if api else monite_app(allowed_origins=[PARTNER_ORIGIN])),
        ],
        middleware=[
            Middleware(SessionMiddleware, secret_key="s"),
            Middleware(MoniteAuthMiddleware, broker=broker, **own),
        ],
        lifespan=lifespan,
    )
    app.get("/required")(linked if form == "sync" else alinked)
    app.post("/create")(create if form == "sync" else acreate)
    return app


class StarletteClient:
    """A test client. All clients of a site share one event loop, as in a server."""

    def __init__(self, first: TestClient) -> None:
        self._client = TestClient(first.app)
        self._client.portal = first.portal

    def send(self, method: str, page: str, *, query: Mapping[str, str], headers: Mapping[str, str]) -> Answer:
        answer = self._client.request(method, PATHS[page], params=dict(query), headers=dict(headers))
        return Answer(answer.status_code, dict(answer.headers), answer.content)

    def call(self, method: str, path: str, *, headers: Mapping[str, str], body: bytes) -> Answer:
        calling = self._client.stream(
            method, API + path, headers=dict(headers), content=body, follow_redirects=False
        )
        with calling as answer:
            return Answer(answer.status_code, dict(answer.headers), b"".join(answer.iter_raw()))

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

    def __init__(self, broker: TokenBroker, first: TestClient, app: FastAPI) -> None:
        self.broker = broker
        self._first = first
        self._app = app

    def client(self) -> StarletteClient:
        return StarletteClient(self._first)

    def user_id(self, name: str) -> str:
        return name

    @contextmanager
    def sessions_expired(self) -> Iterator[None]:
        sessions: Any = self._app.middleware_stack
        while not isinstance(sessions, SessionMiddleware):
            sessions = sessions.app
        lifetime, sessions.max_age = sessions.max_age, -1
        yield
        sessions.max_age = lifetime


@contextmanager
def starlette_site(
    settings: Settings, form: Form, *, tenants: bool, authorize: Any, store: Any, api: bool
) -> Iterator[StarletteSite]:
    with TokenBroker(settings, DIRECTORY, authorize=authorize, store=store) as broker:
        app = app_of(broker, form, tenants=tenants, api=api)
        with TestClient(app) as first:
            yield StarletteSite(broker, first, app)
