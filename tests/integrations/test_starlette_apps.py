"""The Starlette adapter with apps mounted inside and middleware around it: sessions, errors and answers there."""

import asyncio
import logging

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from fastapi.exceptions import HTTPException as FastAPIHTTPException
from starlette.applications import Starlette
from starlette.authentication import AuthCredentials, AuthenticationBackend, SimpleUser
from starlette.exceptions import HTTPException, WebSocketException
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.responses import JSONResponse, PlainTextResponse, StreamingResponse
from starlette.routing import Mount, Route, Router, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from monite_auth import Principal, errors
from monite_auth.emulator import ANNA_ID, VIKTOR_ID, Fault
from monite_auth_starlette import MoniteAuthMiddleware, forward, identify, monite_app
from monite_auth_starlette.fastapi import LoggedInMonite
from tests.integrations.starlette_apps import PAGES, SESSIONS, CatchAll, app_of, me

PAGE_ORIGIN = "https://pages.example"
CORS = Middleware(CORSMiddleware, allow_origins=[PAGE_ORIGIN], allow_credentials=True)


def visitor(app, **options):
    return TestClient(app, raise_server_exceptions=False, **options)


# -- a scope that is not the request's alone


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


async def test_promise_1_requests_of_a_connection_whose_state_is_shared_are_each_their_own_users(broker):
    both_are_in = asyncio.Barrier(2)

    async def whoami(request):
        await both_are_in.wait()
        return PlainTextResponse((await request.state.monite.aentity_user()).entity_user_id)

    app = app_of(broker, Route("/whoami", whoami), outside=[], identify=by_header)
    shared = {"database": object()}
    before = dict(shared)
    answers = await asyncio.gather(*(sent_in(app, scope_of(user, shared)) for user in ("anna", "viktor")))
    assert answers == [ANNA_ID.encode(), VIKTOR_ID.encode()]
    assert shared == before


def test_request_state_is_shared_between_the_app_and_outer_middleware(broker):
    class Outside(BaseHTTPMiddleware):
        async def dispatch(self, request, call_next):
            request.state.trace = "t"
            request.state.gone = "yet to go"
            response = await call_next(request)
            response.headers["x-trace"] = request.state.trace + request.state.view
            assert not hasattr(request.state, "gone")
            assert not hasattr(request.state, "monite")
            return response

    async def view(request):
        request.state.view = "v"
        del request.state.gone
        return PlainTextResponse(request.state.trace)

    app = app_of(broker, Route("/view", view), outside=[SESSIONS, Middleware(Outside)])
    answer = visitor(app).get("/view")
    assert (answer.text, answer.headers["x-trace"]) == ("t", "tv")


def test_trio_is_told_what_is_supported(broker):
    app = Starlette(routes=PAGES, middleware=[Middleware(MoniteAuthMiddleware, broker=broker)])
    with pytest.raises(errors.ConfigurationError, match="asyncio"):
        TestClient(app, backend="trio").get("/facts")


# -- apps inside, with sessions and users of their own


class Admin(AuthenticationBackend):
    async def authenticate(self, conn):
        return AuthCredentials(["admin"]), SimpleUser("root")


class Bearer(AuthenticationBackend):
    async def authenticate(self, conn):
        user = conn.headers.get("x-user")
        return (AuthCredentials(), SimpleUser(user)) if user else None


class Marks:
    """Puts its own user and path parameters into the scope."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        scope["state"]["user"] = "root"
        scope["user"] = SimpleUser("root")
        scope["path_params"] = {}
        await self.app(scope, receive, send)


PANELS = {
    "a session of its own, by another cookie": Middleware(
        SessionMiddleware, secret_key="other", session_cookie="admin"
    ),
    "a session of its own by the same cookie": Middleware(SessionMiddleware, secret_key="other"),
    "a user of its own": Middleware(AuthenticationMiddleware, backend=Admin()),
    "marks in the scope": Middleware(Marks),
}


async def page(request):
    if request.method == "POST" and request.headers.get("x-log-in"):
        request.session["user_id"] = "root"
    return PlainTextResponse("panel")


def panel(*middleware):
    return Starlette(routes=[Route("/", page, methods=["GET", "POST"])], middleware=list(middleware))


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


# -- errors


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


class ByTaskGroup:
    """Runs its own task beside the app, as middleware for time limits or metrics does."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.app(scope, receive, send))


class Guard(BaseHTTPMiddleware):
    """Refuses anonymous requests. It raises outside of any route."""

    async def dispatch(self, request, call_next):
        await request.state.monite.atoken()
        return await call_next(request)


class PassOn(BaseHTTPMiddleware):
    async def dispatch(self, request, call_next):
        return await call_next(request)


def api(*middleware, **more):
    app = FastAPI(middleware=list(middleware), **more)
    app.get("/dependency")(with_dependency)
    app.add_route("/me", me)
    app.add_route("/parallel", parallel)
    app.add_route("/two-kinds", two_kinds)
    return app


WITHIN = {
    "a FastAPI app": [],
    "one with debugging on": [],
    "a base middleware between": [Middleware(PassOn)],
    "a catch-all between": [Middleware(CatchAll)],
    "a task group between": [Middleware(ByTaskGroup)],
    "a guard between": [Middleware(Guard)],
    "a guard in a base middleware between": [Middleware(PassOn), Middleware(Guard)],
}


@pytest.mark.parametrize("around", [[], [Middleware(PassOn)], [Middleware(ByTaskGroup)]])
@pytest.mark.parametrize("name", WITHIN)
def test_our_errors_keep_their_status_in_a_mounted_app(broker, name, around):
    inner = api(*WITHIN[name], debug=name == "one with debugging on")
    with visitor(app_of(broker, Mount("/v1", inner), inside=around)) as client:
        for path in ("/v1/dependency", "/v1/me", "/v1/parallel"):
            answer = client.get(path, headers={"accept": "application/json"})
            assert (answer.status_code, answer.json()["error"]["code"]) == (401, "not_logged_in"), path


def test_a_mounted_app_in_a_router_that_fastapi_included_is_found(broker):
    router = APIRouter()
    router.mount("/inner", Router(routes=[Mount("/v1", api(CORS))]))
    app = app_of(broker, kind=FastAPI)
    app.include_router(router)
    answer = visitor(app).get("/inner/v1/me", headers={"origin": PAGE_ORIGIN})
    if answer.status_code != 404:  # FastAPI includes mounted apps since about 0.130
        assert answer.status_code == 401
        assert answer.headers["access-control-allow-origin"] == PAGE_ORIGIN


def test_errors_of_the_apps_own_stay_what_they_are(broker):
    async def fail(request):
        raise KeyError("the app's own")

    inner = api()
    inner.add_route("/fail", fail)
    with visitor(app_of(broker, Route("/fail", fail), Mount("/v1", inner))) as client:
        for path in ("/fail", "/v1/fail", "/v1/two-kinds"):
            answer = client.get(path)
            assert (answer.status_code, answer.text) == (500, "Internal Server Error"), path
    with pytest.raises(KeyError):
        TestClient(app_of(broker, Mount("/v1", inner))).get("/v1/fail")


async def test_an_apps_own_500_arrives_whole_and_a_long_one_is_not_held_back(broker):
    arrived = []

    async def long(request):
        async def parts():
            for _ in range(40):
                yield b"x" * 100_000
            assert sum(map(len, arrived)) > 2_000_000

        return StreamingResponse(parts(), 500)

    async def short(request):
        return PlainTextResponse("sorry", 500)

    app = app_of(broker, Route("/long", long), Route("/short", short), outside=[], identify=by_header)
    await sent_in(app, scope_of("anna", {}, "/long"), arrived)
    assert sum(map(len, arrived)) == 4_000_000
    assert await sent_in(app, scope_of("anna", {}, "/short")) == b"sorry"


def test_the_apps_own_handlers_come_first_wherever_they_are(broker):
    async def handler(request, error):
        return PlainTextResponse("the app's own", error.status_hint)

    inner = api(exception_handlers={errors.MoniteAuthError: handler})
    app = app_of(broker, Mount("/v1", inner), Mount("/v2", api()))
    app.add_exception_handler(errors.NotLoggedIn, handler)
    with visitor(app) as client:
        assert client.get("/me").text == client.get("/v1/me").text == "the app's own"
        assert client.get("/v2/me").json()["error"]["code"] == "not_logged_in"


def test_a_handler_of_httpx_errors_comes_before_ours(broker, emulator):
    async def handler(request, error):
        return PlainTextResponse(type(error).__name__, 502)

    app = app_of(broker)
    app.add_exception_handler(httpx.HTTPError, handler)
    with visitor(app) as client:
        client.post("/login")
        emulator.monite.faults.add(Fault(kind="cut_before", path="/entity_users/me"))
        assert client.get("/me").status_code == 502
        assert client.get("/me").text.endswith("Error")


@pytest.mark.parametrize("path", ["/me", "/v1/me"])
def test_a_call_to_monite_that_breaks_off_is_a_503(broker, emulator, path):
    with visitor(app_of(broker, Mount("/v1", api()))) as client:
        client.post("/login")
        emulator.monite.faults.add(Fault(kind="cut_before", path="/entity_users/me"))
        answer = client.get(path)
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "monite_unavailable")
        assert answer.headers["retry-after"] == "1"


def test_a_call_to_another_host_that_breaks_off_is_left_to_the_app(broker):
    async def elsewhere(request):
        async with httpx.AsyncClient() as client:
            await client.get("http://127.0.0.1:9/")

    with pytest.raises(httpx.ConnectError):
        TestClient(app_of(broker, Route("/elsewhere", elsewhere))).get("/elsewhere")


def test_an_error_after_the_response_started_is_raised_unchanged(broker):
    async def late(request):
        async def parts():
            yield "a"
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(request.state.monite.atoken())

        return StreamingResponse(parts())

    # Older versions of Starlette unpack groups, so the second error is possible.
    with pytest.raises((ExceptionGroup, errors.NotLoggedIn)):
        TestClient(app_of(broker, Route("/late", late))).get("/late")


def test_a_refusal_leaves_a_line_in_the_log(broker, caplog, monkeypatch):
    from monite_auth.adapter import error_log

    monkeypatch.setattr(error_log, "_of_this_process", error_log.ErrorLog())
    with visitor(app_of(broker)) as client:
        client.post("/login", params={"user": "stranger"})
        assert client.get("/me").status_code == 403
    (line,) = [each for each in caplog.records if "answered with 403" in each.getMessage()]
    assert line.levelno == logging.WARNING
    assert "directory" in line.getMessage()


@pytest.mark.parametrize("path", ["/socket", "/v1/socket"])
def test_a_websocket_is_closed_wherever_its_route_is(broker, path):
    async def socket(websocket):
        await websocket.accept()
        await asyncio.gather(websocket.state.monite.atoken())

    route = WebSocketRoute("/socket", socket)
    app = app_of(broker, route, Mount("/v1", FastAPI(routes=[route])))
    with visitor(app).websocket_connect(path) as websocket:
        assert websocket.receive() == {
            "type": "websocket.close",
            "code": 1008,
            "reason": "Please log in.",
        }


# -- the app's own `identify`


def test_state_set_by_identify_reaches_the_app_and_no_panel_removes_it(broker, emulator):
    def who(connection):
        if not hasattr(connection.state, "user"):
            connection.state.user = connection.scope["user"] = SimpleUser(connection.headers["x-user"])
        return Principal(connection.state.user.display_name, session_id="1")

    async def names(request):
        return PlainTextResponse(request.state.user.display_name + request.user.display_name)

    own = app_of(
        broker, Route("/names", names), Mount("/panel", panel(Middleware(Marks))), outside=[], identify=who
    )
    with visitor(own, headers={"x-user": "anna"}) as client:
        assert client.get("/names").text == "annaanna"
        assert client.get("/me").status_code == 200
        assert client.get("/panel/").text == "panel"
        assert client.get("/me").status_code == 200


@pytest.mark.parametrize("found", [("anna", "1"), {"user_id": "anna"}, "anna"])
def test_an_identify_that_returns_something_else_is_explained(broker, found):
    with pytest.raises(errors.ConfigurationError, match="identify"):
        TestClient(app_of(broker, outside=[], identify=lambda connection: found)).get("/facts")


def test_a_websocket_that_identify_refuses_is_closed(broker):
    def who(connection):
        raise WebSocketException(1008, "No such key.")

    async def chat(websocket):
        await websocket.accept()

    client = visitor(app_of(broker, WebSocketRoute("/chat", chat), outside=[], identify=who))
    with pytest.raises(WebSocketDisconnect) as closed, client.websocket_connect("/chat"):
        pass
    assert (closed.value.code, closed.value.reason) == (1008, "No such key.")


@pytest.mark.parametrize("kind", [HTTPException, FastAPIHTTPException])
@pytest.mark.parametrize("framework", [Starlette, FastAPI])
@pytest.mark.parametrize("is_async", [False, True])
def test_an_http_exception_of_identify_is_answered_as_one_of_a_route(broker, kind, framework, is_async):
    def who(connection):
        raise kind(401, "No such key.", headers={"WWW-Authenticate": "Bearer"})

    async def awho(connection):
        return who(connection)

    async def refused(request):
        who(request)

    own = {"identify": awho if is_async else who}
    told = visitor(app_of(broker, kind=framework, outside=[], **own)).get("/facts")
    expected = visitor(framework(routes=[Route("/facts", refused)])).get("/facts")
    assert (told.status_code, told.text) == (expected.status_code, expected.text)
    assert told.headers["www-authenticate"] == "Bearer"
    assert told.headers["content-type"] == expected.headers["content-type"]


def test_the_apps_own_handler_answers_what_identify_raises(broker):
    def who(connection):
        raise HTTPException(404)

    async def handler(request, error):
        return JSONResponse({"nothing": request.url.path}, 404)

    app = app_of(broker, outside=[], identify=who)
    app.add_exception_handler(404, handler)
    assert visitor(app).get("/facts").json() == {"nothing": "/facts"}


def test_an_error_of_ours_in_identify_is_answered(broker):
    def who(connection):
        raise errors.SessionEnded("That key has been withdrawn.")

    answer = visitor(app_of(broker, outside=[], identify=who)).get("/facts")
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "session_ended")


# -- pages of other origins


class OwnCors:
    """A CORS middleware as some apps write their own."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        async def send_with_origin(message):
            if message["type"] == "http.response.start":
                message["headers"].append((b"access-control-allow-origin", PAGE_ORIGIN.encode()))
            await send(message)

        await self.app(scope, receive, send_with_origin)


@pytest.mark.parametrize("place", ["outside", "inside", "own, inside", "mounted app's"])
def test_a_page_of_an_allowed_origin_can_read_our_refusals(broker, emulator, place):
    cors = Middleware(OwnCors) if place == "own, inside" else CORS
    where = {
        "outside": {"outside": [CORS, SESSIONS]},
        "mounted app's": {},
    }.get(place, {"inside": [cors]})
    of_mounted = [CORS] if place == "mounted app's" else []
    app = app_of(
        broker,
        Mount("/v1", api(*of_mounted)),
        Mount("/monite", monite_app(allowed_origins=[PAGE_ORIGIN])),
        **where,
    )
    with visitor(app, headers={"origin": PAGE_ORIGIN}) as client:
        paths = ["/v1/me", "/v1/parallel"]
        if place != "mounted app's":
            paths += ["/me", "/monite/token"]
        for path in paths:
            answer = client.get(path)
            assert answer.status_code == 401
            assert answer.headers.get_list("access-control-allow-origin") == [PAGE_ORIGIN], path
        client.post("/login", params={"user": "stranger"})
        assert client.get("/v1/me").headers["access-control-allow-origin"] == PAGE_ORIGIN


def test_a_page_can_read_refusals_of_guards_and_identify_and_preflights_are_anonymous(broker):
    def who(connection):
        if "authorization" not in connection.headers:
            raise HTTPException(401, "No key.")

    guarded = app_of(broker, inside=[CORS, Middleware(Guard)])
    keyed = app_of(broker, outside=[], inside=[CORS], identify=who)
    for app in (guarded, keyed):
        client = visitor(app, headers={"origin": PAGE_ORIGIN})
        answer = client.get("/facts")
        assert answer.status_code == 401
        assert answer.headers["access-control-allow-origin"] == PAGE_ORIGIN
        asked = client.options("/facts", headers={"access-control-request-method": "GET"})
        assert asked.status_code == 200
    assert "access-control-allow-origin" not in visitor(guarded).get("/facts").headers


# -- answers that depend on a token


def test_answers_that_depend_on_a_token_are_not_cached(broker):
    async def own_words(request):
        await request.state.monite.aheaders()
        return PlainTextResponse("", headers={"Cache-Control": "private, max-age=5", "Vary": "Cookie"})

    def thread(request):
        request.state.monite.headers()
        return PlainTextResponse("")

    with visitor(app_of(broker, Route("/own-words", own_words), Route("/thread", thread))) as client:
        client.post("/login")
        for path in ("/me", "/thread"):
            answer = client.get(path)
            assert answer.headers["cache-control"] == "private, no-store", path
            assert {"Cookie", "Authorization"} <= set(answer.headers["vary"].split(", "))
        assert client.get("/own-words").headers["cache-control"] == "private, max-age=5"
        assert "Authorization" in client.get("/own-words").headers["vary"]
        assert "cache-control" not in client.get("/facts").headers


def test_a_cache_control_without_public_or_private_is_made_private(broker):
    def saying(said):
        async def view(request):
            await request.state.monite.aheaders()
            return PlainTextResponse("", headers={"Cache-Control": said})

        return view

    routes = [Route("/aged", saying("max-age=5")), Route("/public", saying("public, max-age=5"))]
    with visitor(app_of(broker, *routes)) as client:
        client.post("/login")
        assert client.get("/aged").headers["cache-control"] == "max-age=5, private"
        assert client.get("/public").headers["cache-control"] == "public, max-age=5"


def test_a_stream_that_may_still_use_a_token_is_not_cached(broker, tmp_path):
    async def stream(request):
        async def parts():
            yield str(bool(request.state.monite and await request.state.monite.atoken()))

        return StreamingResponse(parts())

    (tmp_path / "logo.svg").write_text("<svg/>")
    routes = [Route("/stream", stream), Mount("/static", StaticFiles(directory=tmp_path))]
    with visitor(app_of(broker, *routes)) as client:
        assert "cache-control" not in client.get("/stream").headers
        client.post("/login")
        answer = client.get("/stream")
        assert answer.text == "True"
        assert answer.headers["cache-control"] == "private, no-store"
        assert "cache-control" not in client.get("/static/logo.svg").headers


def test_forward_passes_on_monites_answer(broker, emulator):
    async def passed_on(request):
        return forward(await request.state.monite.aclient.get("/payables", params=request.query_params))

    with visitor(app_of(broker, Route("/payables", passed_on))) as client:
        client.post("/login")
        found = client.get("/payables")
        assert (found.status_code, found.headers["content-type"]) == (200, "application/json")
        assert found.headers["cache-control"] == "private, no-store"
        assert found.json()["data"]
        emulator.monite.faults.add(Fault(kind="status", status=409, path="/payables"))
        refused = client.get("/payables")
        assert refused.status_code == 409
        assert "error" in refused.json()
