"""Unusual ways in which sessions begin and end, in the Starlette adapter."""

import asyncio
from dataclasses import replace
from types import SimpleNamespace

import anyio
import httpx
import pytest
from fastapi import FastAPI, Request
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware, sessions
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.sessions import SessionMiddleware as StarletteSessions
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect
from starsessions import (
    InMemoryStore,
    SessionAutoloadMiddleware,
    SessionMiddleware,
    load_session,
    regenerate_session_id,
)

from monite_auth import EntityUser, Principal, TokenBroker, errors
from monite_auth.emulator import ANNA_ID, BAKERY_ID
from monite_auth.testing.adapters.site import CALL
from monite_auth_starlette import MoniteAuthMiddleware, identify, monite_app
from monite_auth_starlette.fastapi import LoggedInMonite
from tests.integrations.starlette_apps import SESSIONS, CatchAll, TimeLimit, app_of
from tests.waiting import until


@pytest.fixture
def broker(emulated, tmp_path):
    """A broker with a store on disk. A memory store answers too fast to be cancelled halfway."""
    settings = replace(emulated, store_url=f"sqlite:///{tmp_path}/tokens.db")
    with TokenBroker(settings, {"anna": EntityUser(ANNA_ID, BAKERY_ID)}) as running:
        yield running


@pytest.fixture
def live(emulator):
    return lambda: len(emulator.monite.ledger.live(ANNA_ID))


def visitor(app, **options):
    return TestClient(app, raise_server_exceptions=False, **options)


def log_in(client, live):
    client.post("/login")
    assert client.get("/me").json()["id"] == ANNA_ID
    assert live() == 1


# -- a view that empties the session and then fails


async def empty_and_fail(request):
    request.session.clear()
    raise RuntimeError("The audit log is down.")


async def empty_and_hang(request):
    request.session.clear()
    request.scope["time_is_over"]()
    await asyncio.Event().wait()


async def empty_while_streaming(request):
    async def parts():
        yield "a"
        request.session.clear()
        yield "b"

    return StreamingResponse(parts())


class CancelScope:
    """A TimeLimit by anyio, which cancels every later await as well. The server gives the answer."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        with anyio.CancelScope() as limit:
            scope["time_is_over"] = limit.cancel
            await self.app(scope, receive, send)


@pytest.mark.parametrize("view", [empty_and_fail, empty_and_hang, empty_while_streaming])
@pytest.mark.parametrize(
    ("outside", "inside"),
    [
        ([SESSIONS, Middleware(CatchAll), Middleware(TimeLimit)], []),
        ([SESSIONS], [Middleware(CatchAll), Middleware(TimeLimit)]),
        ([SESSIONS, Middleware(CancelScope)], []),
    ],
    ids=["caught outside", "caught inside", "cancelled again and again"],
)
def test_promise_5_a_session_that_was_emptied_has_ended_however_the_view_ends(
    broker, live, view, outside, inside
):
    with visitor(app_of(broker, Route("/leave", view), outside=outside, inside=inside)) as client:
        log_in(client, live)
        client.get("/leave")
        until(lambda: live() == 0)


def test_a_request_that_fails_ends_nobodys_session(broker, live):
    async def fail(request):
        raise RuntimeError("no matter what")

    with visitor(app_of(broker, Route("/fail", fail))) as client:
        log_in(client, live)
        session = client.get("/facts").json()["session"]
        assert client.get("/fail").status_code == 500
        assert client.get("/facts").json()["session"] == session
        assert client.get("/me").status_code == 200


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("view", [empty_and_fail, empty_and_hang])
def test_promise_5_an_apps_own_sessions_are_asked_for_when_a_request_ends_without_an_answer(
    broker, live, view, is_async
):
    sessions = {"one": "anna"}

    def who(connection):
        name = connection.headers["x-session"]
        return Principal(sessions[name], session_id=name) if name in sessions else None

    async def awho(connection):
        await asyncio.sleep(0)
        return who(connection)

    async def leave(request):
        sessions.clear()
        await view(SimpleNamespace(session={}, scope=request.scope))

    app = app_of(
        broker,
        Route("/leave", leave),
        outside=[Middleware(TimeLimit)],
        identify=awho if is_async else who,
    )
    with visitor(app, headers={"x-session": "one"}) as client:
        assert client.get("/me").status_code == 200
        client.get("/leave")
        until(lambda: live() == 0)


def test_a_credential_that_expires_during_a_request_is_not_a_logout(broker, live):
    asked = []

    def who(connection):
        asked.append(connection)
        if len(asked) % 2 == 0:
            raise HTTPException(401, "Your token has expired.")
        return Principal("anna", session_id="sid of a token")

    with visitor(app_of(broker, outside=[], identify=who)) as client:
        assert client.get("/me").status_code == 200
        assert client.get("/me").status_code == 200
    assert len(asked) == 4


@pytest.mark.parametrize("is_async", [False, True])
def test_promise_5_an_identify_that_fails_when_the_session_is_gone_has_found_nobody(
    broker, live, is_async, caplog
):
    sessions = {"one": "anna"}

    def who(connection):
        return Principal(sessions[connection.headers["x-session"]], session_id="one")

    async def awho(connection):
        return who(connection)

    async def leave(request):
        sessions.clear()
        return PlainTextResponse("out")

    app = app_of(broker, Route("/leave", leave), outside=[], identify=awho if is_async else who)
    with visitor(app, headers={"x-session": "one"}) as client:
        assert client.get("/me").status_code == 200
        assert client.get("/leave").text == "out"
        until(lambda: live() == 0)
        assert "identify failed at the end of a request" in caplog.text
        assert "KeyError: 'one'" in caplog.text
        assert client.get("/me").status_code == 500


def test_promise_5_an_identify_that_raises_not_logged_in_at_the_end_has_found_nobody(broker, live):
    sessions = {"one": "anna"}

    def who(connection):
        name = connection.headers["x-session"]
        if name not in sessions:
            raise errors.NotLoggedIn("There is no such session.")
        return Principal(sessions[name], session_id=name)

    async def leave(request):
        sessions.clear()
        return PlainTextResponse("out")

    app = app_of(broker, Route("/leave", leave), outside=[], identify=who)
    with visitor(app, headers={"x-session": "one"}) as client:
        assert client.get("/me").status_code == 200
        assert client.get("/leave").text == "out"
        until(lambda: live() == 0)
        assert client.get("/me").status_code == 401


# -- a session that is used like a dict, and is no MutableMapping


class OwnSession:
    def __init__(self, kept):
        self.kept = kept

    def __getattr__(self, name):
        return getattr(self.kept, name)

    def __contains__(self, key):
        return key in self.kept

    def __getitem__(self, key):
        return self.kept[key]

    def __setitem__(self, key, value):
        self.kept[key] = value

    def __delitem__(self, key):
        del self.kept[key]


class OwnSessions:
    """Puts one session, of the app's own class, into every request."""

    def __init__(self, app, kept, kind):
        self.app = app
        self.kept = kept
        self.kind = kind

    async def __call__(self, scope, receive, send):
        scope["session"] = self.kind(self.kept)
        await self.app(scope, receive, send)


class SavedSession(OwnSession):
    """A session that is saved at each change, and so never modified since it was saved."""

    modified = False


@pytest.mark.parametrize("kind", [OwnSession, SavedSession])
def test_promise_5_a_session_of_the_apps_own_class_is_read_and_its_logout_seen(broker, live, kind):
    with visitor(app_of(broker, outside=[Middleware(OwnSessions, kept={}, kind=kind)])) as client:
        log_in(client, live)
        client.post("/logout")
        until(lambda: live() == 0)


if hasattr(sessions, "Session"):  # those of older versions do not say whether they were modified

    def test_an_unmodified_session_is_read_when_the_request_comes_in_and_never_again(broker):
        reads = []

        class CountsReads:
            def __init__(self, app):
                self.app = app

            async def __call__(self, scope, receive, send):
                if session := scope.get("session"):
                    session.get = lambda key: (reads.append(key), session[key])[1]
                await self.app(scope, receive, send)

        with visitor(app_of(broker, outside=[SESSIONS, Middleware(CountsReads)])) as client:
            client.post("/login")
            client.get("/facts")
            assert reads.count("user_id") == 1


def test_promise_5_another_session_in_the_place_of_one_that_came_in_is_compared(broker, live):
    class Replaces(BaseHTTPMiddleware):
        async def dispatch(self, request, call_next):
            if request.url.path == "/facts":
                request.scope["session"] = type(request.session)()
            return await call_next(request)

    with visitor(app_of(broker, outside=[SESSIONS, Middleware(Replaces)])) as client:
        log_in(client, live)
        client.get("/facts")
        until(lambda: live() == 0)


def test_promise_5_a_websocket_may_be_the_first_that_comes_with_another_user(broker, live):
    async def switch(request):
        request.session["user_id"] = "viktor"
        return PlainTextResponse("switched")

    async def socket(websocket):
        await websocket.accept()
        await websocket.close()

    inner = app_of(broker, WebSocketRoute("/socket", socket), outside=[])
    outer = Starlette(routes=[Route("/switch", switch), Mount("/", inner)], middleware=[SESSIONS])
    client = visitor(outer)
    log_in(client, live)
    client.get("/switch")
    with client.websocket_connect("/socket") as session, pytest.raises(WebSocketDisconnect):
        session.receive_text()
    until(lambda: live() == 0)


def test_promise_5_a_session_middleware_of_the_apps_own_may_hold_the_response_back(broker, live):
    class IdleTimeout(StarletteSessions):
        async def __call__(self, scope, receive, send):
            async def empty_first(scope, receive, send):
                held = []

                async def hold(message):
                    held.append(message)

                await self.app(scope, receive, hold)
                if scope["path"] == "/facts":
                    scope["session"].clear()
                for message in held:
                    await send(message)

            inside = StarletteSessions(empty_first, secret_key="s")
            await (inside if scope["type"] == "http" else self.app)(scope, receive, send)

    with visitor(app_of(broker, outside=[Middleware(IdleTimeout, secret_key="s")])) as client:
        log_in(client, live)
        client.get("/facts")
        assert not client.cookies
        until(lambda: live() == 0)


# -- another user, after the response has started


@pytest.mark.parametrize("own", [{}, {"identify": lambda connection: identify(connection, tenant="bakery")}])
def test_another_user_in_the_session_of_a_websocket_ends_only_the_first_ones(broker, monkeypatch, own):
    ended = []

    async def note(principal):
        ended.append(principal.user_id)

    async def switch(websocket):
        await websocket.accept()
        websocket.session["user_id"] = "viktor"
        await websocket.close()

    monkeypatch.setattr(broker, "alogout", note)
    with visitor(app_of(broker, WebSocketRoute("/switch", switch), **own)) as client:
        client.post("/login")
        with client.websocket_connect("/switch") as connection, pytest.raises(WebSocketDisconnect):
            connection.receive_text()
    assert ended == ["anna"]


# -- a middleware outside of ours that empties the session


class Emptied:
    """Empties the session if a header says so: before our middleware sees it, in its place, as the response passes, or after that."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        when = dict(scope.get("headers", ())).get(b"x-empty")
        held = []

        async def send_on(message):
            if when == b"passing":
                scope["session"].clear()
            if when == b"touching":
                scope["session"]["last_seen"] = "now"
            if when in (b"holding", b"touching"):
                held.append(message)
            else:
                await send(message)

        if when in (b"before", b"in its place"):
            scope["session"].clear()
        app = PlainTextResponse("idle for too long") if when == b"in its place" else self.app
        await app(scope, receive, send_on)
        if when in (b"holding", b"touching"):
            await asyncio.sleep(0)
            scope["session"].clear()
        for message in held:
            await send(message)


class EmptiedByDispatch(BaseHTTPMiddleware):
    async def dispatch(self, request, call_next):
        response = await call_next(request)
        if request.headers.get("x-empty"):
            request.session.clear()
        return response


@pytest.mark.parametrize(
    ("middleware", "when"),
    [
        (Emptied, "before"),
        (Emptied, "in its place"),
        (Emptied, "passing"),
        (Emptied, "holding"),
        (Emptied, "touching"),
        (EmptiedByDispatch, "yes"),
    ],
)
def test_promise_5_a_middleware_outside_that_empties_the_session_logs_out(broker, live, middleware, when):
    with visitor(app_of(broker, outside=[SESSIONS, Middleware(middleware)])) as client:
        log_in(client, live)
        assert client.get("/facts", headers={"x-empty": when}).status_code == 200
        until(lambda: live() == 0)
        assert client.get("/me").status_code == 401


class EmptiedByFailure(BaseHTTPMiddleware):
    async def dispatch(self, request, call_next):
        try:
            return await call_next(request)
        except RuntimeError:
            request.session.clear()
            return PlainTextResponse("sorry", 500)


def test_promise_5_a_middleware_outside_that_empties_the_session_after_a_failure_logs_out(broker, live):
    async def fail(request):
        request.session["last_seen"] = "now"
        raise RuntimeError

    app = app_of(broker, Route("/fail", fail), outside=[SESSIONS, Middleware(EmptiedByFailure)])
    with visitor(app) as client:
        log_in(client, live)
        assert client.get("/fail").status_code == 500
        until(lambda: live() == 0)


def test_promise_5_a_middleware_outside_that_changes_the_user_logs_the_first_out(broker, live):
    class Impersonation:
        def __init__(self, app):
            self.app = app

        async def __call__(self, scope, receive, send):
            if b"x-as" in dict(scope.get("headers", ())):
                scope["session"]["user_id"] = "viktor"
            await self.app(scope, receive, send)

    with visitor(app_of(broker, outside=[SESSIONS, Middleware(Impersonation)])) as client:
        log_in(client, live)
        assert client.get("/facts", headers={"x-as": "viktor"}).json()["user"] == "viktor"
        until(lambda: live() == 0)


def test_each_request_of_one_long_task_is_checked_for_a_logout(broker, live):
    """An in-process client serves all requests in the caller's task, so the end of a task cannot mark the end of a request."""

    async def scenario():
        app = app_of(broker, outside=[SESSIONS, Middleware(Emptied)])
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
            await client.post("/login")
            await client.get("/me")
            await client.get("/facts", headers={"x-empty": "passing"})
            await asyncio.to_thread(until, lambda: live() == 0)
            await client.post("/login")
            await client.get("/me")
            await client.get("/facts", headers={"x-empty": "holding"})
            await client.post("/login")
            await client.get("/facts")
        await asyncio.to_thread(until, lambda: live() == 0)

    asyncio.run(scenario())


def test_promise_5_the_session_of_a_websocket_ends_too(broker, live):
    async def socket(websocket):
        await websocket.accept()
        assert websocket.state.monite
        websocket.session.clear()
        await websocket.close()

    with visitor(app_of(broker, WebSocketRoute("/socket", socket))) as client:
        log_in(client, live)
        with client.websocket_connect("/socket") as websocket, pytest.raises(WebSocketDisconnect):
            websocket.receive_text()
        until(lambda: live() == 0)


def test_a_websocket_that_outlives_its_token_ends_nothing(broker, live):
    valid = [True]

    def who(connection):
        return Principal("anna", session_id="sid of a token") if valid else None

    async def socket(websocket):
        await websocket.accept()
        valid.clear()
        await websocket.close()

    app = app_of(broker, WebSocketRoute("/socket", socket), outside=[], identify=who)
    with visitor(app) as client:
        client.get("/me")
        with client.websocket_connect("/socket") as websocket, pytest.raises(WebSocketDisconnect):
            websocket.receive_text()
        valid.append(True)
        assert client.get("/me").status_code == 200


# -- logins


def in_tenant(connection):
    return identify(connection, tenant=connection.session.get("organization"))


async def ain_tenant(connection):
    await asyncio.sleep(0)
    return in_tenant(connection)


async def log_in_again(request):
    request.session["user_id"] = "anna"
    await request.state.monite.alogin()
    token = await request.state.monite.atoken()
    return PlainTextResponse(str(token.entity_user.entity_user_id))


def log_in_again_in_a_thread(request):
    request.session["user_id"] = "anna"
    request.state.monite.login()
    return PlainTextResponse(str(request.state.monite.token().entity_user.entity_user_id))


@pytest.mark.parametrize(
    ("own", "view"),
    [
        ({}, log_in_again),
        ({}, log_in_again_in_a_thread),
        ({"identify": in_tenant}, log_in_again),
        ({"identify": ain_tenant}, log_in_again),
    ],
)
def test_a_reported_login_in_an_ended_session_gets_tokens_again(broker, own, view):
    app = app_of(broker, Route("/again", view), **own)
    with visitor(app) as client:
        client.post("/login")
        client.get("/me")
        first = client.get("/facts").json()["session"]
        broker.end_user("anna")
        assert client.get("/me").json()["error"]["code"] == "session_ended"
        client.post("/login")  # the app neither empties the session nor reports the login
        assert client.get("/me").json()["error"]["code"] == "session_ended"
        assert client.get("/again").text == ANNA_ID
        assert client.get("/me").status_code == 200
        assert client.get("/facts").json()["session"] not in (first, None)


def test_a_blocking_login_cannot_ask_an_async_identify(broker):
    def view(request):
        request.session["user_id"] = "anna"
        with pytest.raises(errors.BlockingCallError, match="await alogin"):
            request.state.monite.login()
        return PlainTextResponse("not yet")

    with visitor(app_of(broker, Route("/again", view), identify=ain_tenant)) as client:
        assert client.get("/again").text == "not yet"


def test_an_app_with_its_own_session_ids_is_told_what_to_do_instead(broker):
    app = app_of(
        broker, Route("/again", log_in_again), identify=lambda connection: Principal("anna", session_id="1")
    )
    with visitor(app) as client:
        with pytest.raises(errors.ConfigurationError, match=r"broker\.login"):
            TestClient(app).get("/again")
        assert client.get("/again").status_code == 500


def test_a_login_is_known_to_the_store_whatever_the_clocks_say(broker):
    """The date in the session comes from this host's clock. Another host, whose clock is ahead, may date an end_user."""
    with visitor(app_of(broker)) as client:
        client.post("/login")
        session = client.get("/facts").json()["session"]
    long_ago = Principal("anna", session_id=session, authenticated_at=1.0)
    assert broker.token(long_ago)  # works only because the store has recorded its begin


# -- sessions on the server


def star_app(broker, store, *routes, autoload=False, **identify):
    async def login(request):
        await load_session(request)
        request.session["user_id"] = "anna"
        regenerate_session_id(request)
        return PlainTextResponse("in")

    async def logout(request):
        await load_session(request)
        request.session.clear()
        return PlainTextResponse("out")

    async def rotate(request):
        await load_session(request)
        regenerate_session_id(request)
        return PlainTextResponse("rotated")

    async def late_me(request):
        assert not request.state.monite or autoload
        await load_session(request)
        answer = await request.state.monite.aclient.get("/entity_users/me")
        return PlainTextResponse(answer.json()["id"])

    sessions = Middleware(SessionMiddleware, store=store, lifetime=3600, cookie_https_only=False)
    outside = [sessions, *([Middleware(SessionAutoloadMiddleware)] if autoload else [])]
    star_routes = [
        Route("/star/login", login, methods=["POST"]),
        Route("/star/logout", logout, methods=["POST"]),
        Route("/star/rotate", rotate, methods=["POST"]),
        Route("/star/me", late_me),
        Mount("/monite", monite_app()),
        Mount("/pages", monite_app(api=True)),
    ]
    return app_of(broker, *star_routes, *routes, outside=outside, **identify)


@pytest.mark.parametrize("own", [{}, {"identify": in_tenant}, {"identify": ain_tenant}])
@pytest.mark.parametrize("autoload", [False, True])
def test_a_session_on_the_server_is_seen_as_soon_as_it_is_loaded(broker, emulator, live, own, autoload):
    with visitor(star_app(broker, InMemoryStore(), autoload=autoload, **own)) as client:
        client.post("/star/login")
        assert client.get("/star/me").text == ANNA_ID
        client.post("/star/rotate")
        assert client.get("/star/me").text == ANNA_ID
        assert client.get("/monite/token").status_code == 200
        assert len(emulator.monite.ledger.tokens) == 1
        client.post("/star/logout")
        until(lambda: live() == 0)
        assert client.get("/star/me").status_code == 401


def test_a_session_that_no_view_loads_is_neither_read_nor_written(broker):
    class Counting(InMemoryStore):
        calls = 0

        async def read(self, *arguments, **more):
            self.calls += 1
            return await super().read(*arguments, **more)

        async def write(self, *arguments, **more):
            self.calls += 1
            return await super().write(*arguments, **more)

    store = Counting()
    with visitor(star_app(broker, store)) as client:
        client.post("/star/login")
        before = store.calls
        assert client.get("/facts").json()["user"] is None
        foreign = {**CALL, "sec-fetch-site": "cross-site"}
        assert client.get("/pages/api/payables", headers=foreign).status_code == 403
        assert store.calls == before
        assert client.get("/pages/api/payables", headers=CALL).status_code == 200
        assert store.calls > before


def test_fastapis_dependencies_load_the_session_themselves(broker):
    store = InMemoryStore()
    app = FastAPI()
    app.add_middleware(MoniteAuthMiddleware, broker=broker)
    app.add_middleware(SessionMiddleware, store=store, lifetime=3600, cookie_https_only=False)

    @app.post("/login")
    async def login(request: Request) -> None:
        await load_session(request)
        request.session["user_id"] = "anna"

    @app.get("/id")
    async def user_id(monite: LoggedInMonite) -> str:
        return str((await monite.aentity_user()).entity_user_id)

    client = visitor(app)
    assert client.get("/id").status_code == 401
    client.post("/login")
    assert client.get("/id").json() == ANNA_ID


@pytest.mark.parametrize("when", ["before", "in its place"])
def test_promise_5_a_session_on_the_server_that_was_emptied_before_ours_saw_it_has_ended(broker, live, when):
    app = star_app(broker, InMemoryStore(), autoload=True)
    app.user_middleware.insert(2, Middleware(Emptied))
    with visitor(app) as client:
        client.post("/star/login")
        client.get("/star/me")
        assert live() == 1
        client.get("/facts", headers={"x-empty": when})
        until(lambda: live() == 0)
