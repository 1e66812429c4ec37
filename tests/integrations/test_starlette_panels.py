"""Panels inside an app that bring sessions and users of their own change nothing for the app's user."""

from dataclasses import replace

import pytest
from fastapi import APIRouter, FastAPI
from starlette.applications import Starlette
from starlette.authentication import AuthCredentials, AuthenticationBackend, SimpleUser
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from monite_auth import TokenBroker, errors
from monite_auth.emulator import ANNA_ID, VIKTOR_ID
from monite_auth_starlette import MoniteAuthMiddleware, identify
from tests.integrations.starlette_apps import PAGES, SESSIONS, CatchAll, Marks, app_of, page, panel, visitor
from tests.people import PEOPLE


class Admin(AuthenticationBackend):
    async def authenticate(self, conn):
        return AuthCredentials(["admin"]), SimpleUser("root")


class Bearer(AuthenticationBackend):
    async def authenticate(self, conn):
        user = conn.headers.get("x-user")
        return (AuthCredentials(), SimpleUser(user)) if user else None


PANELS = {
    "a session of its own, by another cookie": Middleware(
        SessionMiddleware, secret_key="other", session_cookie="admin"
    ),
    "a session of its own by the same cookie": Middleware(SessionMiddleware, secret_key="other"),
    "a user of its own": Middleware(AuthenticationMiddleware, backend=Admin()),
    "marks in the scope": Middleware(Marks),
}


@pytest.mark.parametrize("own", [{}, {"identify": lambda connection: identify(connection, tenant="bakery")}])
@pytest.mark.parametrize("name", PANELS)
def test_a_panel_inside_changes_nothing_for_the_user(broker, emulator, name, own):
    app = app_of(broker, Mount("/panel", panel(PANELS[name])), **own)
    with visitor(app) as client:
        client.post("/login")
        session = client.get("/facts").json()["session"]
        for method in ("GET", "POST"):
            logging_in = {"x-log-in": "1"} if "another cookie" in name else {}
            assert client.request(method, "/panel/", headers=logging_in).text == "panel"
            assert client.get("/facts").json() == {"user": "anna", "session": session}
    assert not [token for token in emulator.monite.ledger.tokens if token.revoked_at]


@pytest.mark.parametrize("name", PANELS)
def test_a_panel_inside_changes_nothing_for_a_user_of_an_authentication_middleware(broker, emulator, name):
    outside = [Middleware(AuthenticationMiddleware, backend=Bearer())]
    app = app_of(broker, Mount("/panel", panel(PANELS[name])), outside=outside)
    with visitor(app, headers={"x-user": "anna"}) as client:
        assert client.get("/me").status_code == 200
        for method in ("GET", "POST"):
            logging_in = {"x-log-in": "1"} if "session" in name else {}
            assert client.request(method, "/panel/", headers=logging_in).text == "panel"
        assert client.get("/me").status_code == 200
    (token,) = emulator.monite.ledger.tokens
    assert token.revoked_at is None


def test_sessions_of_a_few_routes_change_nothing_for_the_user(broker, emulator):
    own = PANELS["a session of its own, by another cookie"]
    routes = [Route("/", page, methods=["GET", "POST"])]
    app = app_of(
        broker,
        Mount("/panel", routes=routes, middleware=[own]),
        Route("/one", page, methods=["POST"], middleware=[own]),
    )
    with visitor(app) as client:
        client.post("/login")
        session = client.get("/facts").json()["session"]
        for path in ("/panel/", "/one"):
            assert client.post(path, headers={"x-log-in": "1"}).text == "panel"
            assert client.get("/facts").json() == {"user": "anna", "session": session}
    assert not [token for token in emulator.monite.ledger.tokens if token.revoked_at]


@pytest.mark.parametrize("path", ["/another", "/fastapi/another", "/another?fails=1"])
def test_a_session_that_a_view_replaces_is_logged_out(broker, emulator, path):
    async def another(request):
        request.scope["session"] = type(request.session)()
        if "fails" in request.query_params:
            raise RuntimeError
        return PlainTextResponse("out")

    router = APIRouter()
    router.add_route("/another", another)
    inside = FastAPI()
    inside.include_router(router)
    # The panel beside it has its own sessions, which must not be confused with the app's.
    app = app_of(
        broker,
        Mount("/panel", panel(*PANELS.values())),
        Mount("/fastapi", inside),
        Route("/another", another),
    )
    with visitor(app) as client:
        client.post("/login")
        assert client.get("/me").status_code == 200
        old = client.cookies["session"]
        client.get(path)
        client.cookies.set("session", old)
        assert client.get("/me").status_code == 401
        broker.drain()
    (token,) = emulator.monite.ledger.tokens
    assert token.revoked_at


class InSession(AuthenticationBackend):
    async def authenticate(self, conn):
        user = conn.session.get("user_id")
        return (AuthCredentials(), SimpleUser(user)) if user else None


def test_a_session_that_was_emptied_stays_empty_beside_an_authentication_middleware(broker, emulator):
    app = app_of(broker, outside=[SESSIONS, Middleware(AuthenticationMiddleware, backend=InSession())])
    with visitor(app) as client:
        client.post("/login")
        assert client.get("/me").status_code == 200
        client.post("/logout")
        assert "session" not in client.cookies
        broker.drain()
    (token,) = emulator.monite.ledger.tokens
    assert token.revoked_at


def test_a_login_in_an_emptied_session_beside_an_authentication_middleware_is_told_of(broker, emulator):
    async def again(request):
        request.session.clear()
        request.session["user_id"] = "anna"
        await request.state.monite.alogin()
        return PlainTextResponse("in")

    outside = [SESSIONS, Middleware(AuthenticationMiddleware, backend=InSession())]
    with visitor(app_of(broker, Route("/again", again), outside=outside)) as client:
        client.post("/login")
        before = client.get("/facts").json()["session"]
        assert client.get("/again").status_code == 200
        after = client.get("/facts").json()["session"]
        assert after not in (None, before)
        assert client.get("/me").status_code == 200


def test_a_session_middleware_inside_is_still_explained_where_it_is_the_apps_own(broker):
    app = app_of(broker, outside=[Middleware(CatchAll)], inside=[SESSIONS])
    bare = Starlette(routes=PAGES, middleware=[SESSIONS])
    for each in (app_of(broker, outside=[], inside=[SESSIONS]), MoniteAuthMiddleware(bare, broker)):
        with pytest.raises(errors.ConfigurationError, match="add_middleware.SessionMiddleware"):
            TestClient(each).get("/facts")
    assert visitor(app).get("/me").status_code == 500


class Audit(BaseHTTPMiddleware):
    """Notes, when a response has started, on whose behalf the request acts, and at which account."""

    async def dispatch(self, request, call_next):
        response = await call_next(request)
        access = request.state.monite
        user = access.principal.user_id if access else "nobody"
        response.headers["x-audit"] = f"{user} of {access.broker.settings.account}"
        return response


async def enter(request):
    request.scope["session"] = type(request.session)()
    request.session["user_id"] = "viktor"
    return PlainTextResponse("in")


def test_promise_1_an_app_of_another_account_inside_leaves_the_access_outside_as_it_is(broker, emulator):
    def its(account):
        return TokenBroker(replace(broker.settings, account=account), PEOPLE)

    sessions = Middleware(SessionMiddleware, secret_key="i", session_cookie="inner")
    with its("outer") as outer, its("inner") as inner:
        inside = app_of(inner, Route("/enter", enter, methods=["POST"]), outside=[sessions])
        client = visitor(app_of(outer, Mount("/inside", inside), inside=[Middleware(Audit)]))
        client.post("/login")
        for path in ("/facts", "/inside/facts"):
            assert client.get(path).headers["x-audit"] == "anna of outer"
        assert client.get("/inside/facts").json()["user"] is None
        client.post("/inside/enter")
        assert client.get("/inside/me").json()["id"] == VIKTOR_ID
        assert client.get("/me").json()["id"] == ANNA_ID
        client.post("/inside/logout")
        assert client.get("/inside/me").status_code == 401
        assert client.get("/me").json()["id"] == ANNA_ID
