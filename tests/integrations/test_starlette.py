"""The Starlette and FastAPI adapter in its own app, against the emulator."""

import asyncio
import json
from contextlib import asynccontextmanager

import httpx
import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.authentication import AuthCredentials, AuthenticationBackend, SimpleUser
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, StreamingResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from monite_auth import Principal, TokenBroker, errors
from monite_auth.emulator import ANNA_ID, VIKTOR_ID, Fault
from monite_auth.testing.adapters.fixtures import StoreWithoutLogouts
from monite_auth_starlette import MoniteAuthMiddleware, monite_app
from monite_auth_starlette.fastapi import LoggedInMonite, Monite
from tests.waiting import auntil, until


async def login(request: Request):
    request.session["user_id"] = request.query_params["user"]
    return PlainTextResponse("in")


async def logout(request: Request):
    request.session.clear()
    return PlainTextResponse("out")


async def logout_by_hand(request: Request):
    await request.state.monite.alogout()
    request.session.pop("user_id")
    return PlainTextResponse("out")


async def me(request: Request):
    response = await request.state.monite.aclient.get("/entity_users/me")
    return JSONResponse(response.json(), response.status_code)


def me_in_a_thread(request: Request):
    return JSONResponse(request.state.monite.client.get("/entity_users/me").json())


async def facts(request: Request):
    monite = request.state.monite
    principal = monite.principal
    return JSONResponse(
        {
            "logged_in": bool(monite),
            "user": principal and principal.user_id,
            "session": principal and principal.session_id,
        }
    )


async def stream(request: Request):
    async def parts():
        yield "a"
        await request.state.monite.atoken()
        raise errors.MoniteUnavailable("too late for an answer")

    return StreamingResponse(parts())


async def socket(websocket):
    if websocket.query_params.get("accept"):
        await websocket.accept()
    token = await websocket.state.monite.atoken()
    await websocket.accept()
    await websocket.send_json({"expires_in": token.expires_in})
    await websocket.close()


@asynccontextmanager
async def lifespan(app):
    async with app.state.broker:
        yield


def app_of(
    broker: TokenBroker, *, sessions_outside=True, identify=None, more=(), allowed_origins=()
) -> Starlette:
    ours = Middleware(MoniteAuthMiddleware, broker=broker, **({"identify": identify} if identify else {}))
    sessions = Middleware(SessionMiddleware, secret_key="s")
    app = Starlette(
        routes=[
            Route("/login", login, methods=["POST"]),
            Route("/logout", logout, methods=["POST"]),
            Route("/logout-by-hand", logout_by_hand, methods=["POST"]),
            Route("/me", me),
            Route("/me-in-a-thread", me_in_a_thread),
            Route("/facts", facts),
            Route("/stream", stream),
            WebSocketRoute("/socket", socket),
            Mount("/monite", monite_app(allowed_origins=allowed_origins)),
        ],
        middleware=[*more, sessions, ours] if sessions_outside else [*more, ours, sessions],
        lifespan=lifespan,
    )
    app.state.broker = broker
    return app


@pytest.fixture
def client(broker):
    with TestClient(app_of(broker)) as running:
        yield running


def log_in(client, user="anna"):
    assert client.post("/login", params={"user": user}).status_code == 200


def live(emulator, entity_user_id=ANNA_ID):
    return len(emulator.monite.ledger.live(entity_user_id))


# -- anonymous, first use, second use


def test_an_anonymous_visitor_costs_nothing_and_gets_a_401(client, emulator):
    assert client.get("/facts").json() == {"logged_in": False, "user": None, "session": None}
    refusal = client.get("/me")
    assert refusal.status_code == 401
    assert refusal.json() == {"error": {"code": "not_logged_in", "message": "Please log in."}}
    assert refusal.headers["cache-control"] == "private, no-store"
    assert emulator.monite.ledger.tokens == []


def test_a_logged_in_user_costs_nothing_until_monite_is_used_and_then_one_mint(client, emulator):
    log_in(client)
    client.get("/facts")
    assert emulator.monite.ledger.tokens == []
    for path in ("/me", "/me", "/me-in-a-thread"):
        assert client.get(path).json()["id"] == ANNA_ID
    (token,) = emulator.monite.ledger.tokens
    assert token.uses == 3


def test_each_user_has_their_own_token(client, broker, emulator):
    log_in(client)
    assert client.get("/me").json()["id"] == ANNA_ID
    with TestClient(client.app) as other:
        log_in(other, "viktor")
        assert other.get("/me").json()["id"] == VIKTOR_ID
    assert client.get("/me").json()["id"] == ANNA_ID


def test_an_unlinked_user_gets_a_403_in_plain_words(client):
    log_in(client, "stranger")
    refusal = client.get("/me", headers={"accept": "text/html,*/*"})
    assert refusal.status_code == 403
    assert refusal.headers["content-type"].startswith("text/plain")
    assert refusal.text == "Your account is not set up for invoices and payments yet."


# -- logout


@pytest.mark.parametrize("path", ["/logout", "/logout-by-hand"])
def test_promise_5_a_logout_revokes_and_an_old_cookie_is_worth_nothing(client, emulator, path):
    log_in(client)
    client.get("/me")
    old = client.cookies["session"]
    assert client.post(path).text == "out"
    until(lambda: live(emulator) == 0)
    assert client.get("/me").status_code == 401
    client.cookies.clear()
    client.cookies["session"] = old
    replayed = client.get("/me")
    assert replayed.status_code == 401
    assert replayed.json()["error"]["code"] == "session_ended"
    assert len(emulator.monite.ledger.tokens) == 1


@pytest.mark.parametrize("path", ["/logout", "/logout-by-hand"])
def test_logging_in_again_begins_a_new_session(client, emulator, path):
    log_in(client)
    first = client.get("/facts").json()["session"]
    client.get("/me")
    client.post(path)
    log_in(client)
    assert client.get("/facts").json()["session"] not in (first, None)
    assert client.get("/me").status_code == 200


def test_another_user_in_the_same_session_logs_the_first_one_out(client, emulator):
    log_in(client, "anna")
    client.get("/me")
    log_in(client, "viktor")
    until(lambda: live(emulator, ANNA_ID) == 0)
    assert client.get("/me").json()["id"] == VIKTOR_ID


def test_a_logout_leaves_the_users_other_browser_logged_in(client, emulator):
    log_in(client)
    client.get("/me")
    with TestClient(client.app) as other:
        log_in(other)
        other.get("/me")
        client.post("/logout")
        assert other.get("/me").json()["id"] == ANNA_ID
        assert client.get("/me").status_code == 401
    assert len(emulator.monite.ledger.mints(ANNA_ID)) == 2


def test_promise_7_a_logout_does_not_wait_for_a_monite_that_is_down(client, emulator):
    log_in(client)
    client.get("/me")
    emulator.monite.faults.add(Fault(kind="hang", path="/auth/revoke"))
    assert client.post("/logout").status_code == 200
    emulator.monite.faults.clear()


def test_promise_7_a_logout_that_the_store_cannot_record_leaves_the_apps_answer_alone(broker, caplog):
    app = app_of(broker)
    app.add_middleware(
        MoniteAuthMiddleware, broker=TokenBroker(broker.settings, {}, store=StoreWithoutLogouts())
    )
    app.user_middleware.append(app.user_middleware.pop(0))  # innermost
    app.user_middleware.pop(1)
    client = TestClient(app)
    log_in(client)
    assert client.post("/logout").text == "out"
    (record,) = [each for each in caplog.records if each.levelname == "ERROR"]
    assert "A logout could not be recorded" in record.message


# -- errors


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        (Fault(kind="status", status=401, path="/auth/token"), 502, "credentials_rejected"),
        (Fault(kind="status", status=404, path="/auth/token"), 403, "entity_user_rejected"),
        (Fault(kind="throttle", path="/auth/token", retry_after=60), 503, "rate_limited"),
    ],
)
def test_an_error_of_monites_becomes_an_answer_that_tells_users_no_details(
    client, emulator, fault, status, code
):
    emulator.monite.faults.add(fault)
    log_in(client)
    answer = client.get("/me")
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert int(answer.headers["retry-after"]) > 0
    assert "MONITE" not in answer.text


def test_an_error_after_the_response_started_is_the_servers_to_report(client):
    with pytest.raises(errors.NotLoggedIn):
        client.get("/stream")


def test_the_wrong_order_of_middleware_is_explained(broker):
    client = TestClient(app_of(broker, sessions_outside=False))
    with pytest.raises(errors.ConfigurationError, match="add_middleware.SessionMiddleware"):
        client.get("/facts")


@pytest.mark.parametrize(
    "inside", [[], [Middleware(SessionMiddleware, secret_key="other", session_cookie="other")]]
)
def test_a_second_middleware_around_the_same_app_is_refused(broker, inside):
    ours = Middleware(MoniteAuthMiddleware, broker=broker)
    app = Starlette(routes=[Route("/me", me)], middleware=[ours, *inside, ours])
    client = TestClient(app)
    for _ in range(2):
        with pytest.raises(errors.ConfigurationError, match="Keep one of them"):
            client.get("/me")


def test_a_mounted_app_may_have_a_middleware_of_its_own(broker):
    ours = Middleware(MoniteAuthMiddleware, broker=broker)
    inner = Starlette(routes=[Route("/who", facts)], middleware=[ours])
    app = Starlette(routes=[Mount("/inner", inner)], middleware=[ours])
    assert TestClient(app).get("/inner/who").json()["logged_in"] is False


def test_a_missing_middleware_is_explained():
    app = Starlette(routes=[Mount("/monite", monite_app())])
    with pytest.raises(errors.ConfigurationError, match="add MoniteAuthMiddleware"):
        TestClient(app).get("/monite/token")


# -- the token endpoint


def test_the_token_endpoint_answers_as_monites_browser_sdk_wants(client, emulator):
    log_in(client)
    for answer in (client.get("/monite/token"), client.post("/monite/token")):
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "private, no-store"
        assert answer.json().keys() == {"access_token", "token_type", "expires_in"}
        assert answer.json()["token_type"] == "Bearer"
        assert answer.json()["expires_in"] >= 600
    assert emulator.monite.ledger.find(answer.json()["access_token"]).entity_user_id == ANNA_ID
    assert len(emulator.monite.ledger.tokens) == 1


def test_promise_3_a_token_for_a_browser_has_ten_minutes_left(client, emulator):
    emulator.monite.token_life = 500
    log_in(client)
    answer = client.get("/monite/token")
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "token_too_short")


def test_an_anonymous_visitor_gets_no_token(client):
    assert client.get("/monite/token").status_code == 401


@pytest.mark.parametrize("method", ["PUT", "DELETE", "HEAD", "PATCH"])
def test_the_token_endpoint_allows_only_get_and_post(client, method):
    log_in(client)
    answer = client.request(method, "/monite/token")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, POST"


def test_the_mounted_app_has_nothing_else(client):
    assert client.get("/monite/other").status_code == 404


def test_malformed_origins_are_refused_at_start_up():
    with pytest.raises(errors.ConfigurationError, match="list of origins"):
        monite_app(allowed_origins="https://app.example")


def test_the_token_endpoint_answers_for_itself_whatever_the_apps_handlers_do(broker):
    app = app_of(broker)

    async def redirect(request, error):
        return RedirectResponse("/login")

    app.add_exception_handler(errors.MoniteAuthError, redirect)
    with TestClient(app) as client:
        refusal = client.get("/monite/token", headers={"accept": "text/html"})
    assert refusal.status_code == 401
    assert refusal.json()["error"]["code"] == "not_logged_in"


# -- who is logged in


def test_an_authentication_middlewares_user_is_the_principal(broker):
    class Backend(AuthenticationBackend):
        async def authenticate(self, conn):
            name = conn.headers.get("x-user")
            return (AuthCredentials(), SimpleUser(name)) if name else None

    client = TestClient(app_of(broker, more=[Middleware(AuthenticationMiddleware, backend=Backend())]))
    assert client.get("/facts").json()["logged_in"] is False
    assert client.get("/facts", headers={"x-user": "anna"}).json()["user"] == "anna"


@pytest.mark.parametrize("is_async", [False, True])
def test_an_app_can_identify_its_users_itself(broker, emulator, is_async):
    def identify(connection):
        user = connection.headers.get("x-user")
        return Principal(user, session_id=connection.headers["x-session"]) if user else None

    async def aidentify(connection):
        await asyncio.sleep(0)
        return identify(connection)

    client = TestClient(app_of(broker, identify=aidentify if is_async else identify, sessions_outside=False))
    headers = {"x-user": "anna", "x-session": "one"}
    assert client.get("/facts", headers=headers).json() == {
        "logged_in": True,
        "user": "anna",
        "session": "one",
    }
    assert client.get("/me", headers=headers).json()["id"] == ANNA_ID


def test_a_session_from_before_the_library_was_added_gets_its_id_at_first_sight(broker):
    plain = Starlette(
        routes=[Route("/login", login, methods=["POST"])],
        middleware=[Middleware(SessionMiddleware, secret_key="s")],
    )
    before = TestClient(plain)
    log_in(before)
    client = TestClient(app_of(broker), cookies=before.cookies)
    first = client.get("/facts").json()["session"]
    assert first is not None
    assert client.get("/facts").json()["session"] == first


def test_a_user_id_of_any_kind_becomes_text(broker):
    async def login_by_number(request):
        request.session["user_id"] = 7
        return PlainTextResponse("in")

    app = app_of(broker)
    app.routes.append(Route("/login-7", login_by_number, methods=["POST"]))
    client = TestClient(app)
    client.post("/login-7")
    assert client.get("/facts").json()["user"] == "7"


# -- websockets and everything else


def test_a_websocket_has_monite_too(client):
    log_in(client)
    with client.websocket_connect("/socket") as websocket:
        assert websocket.receive_json()["expires_in"] > 1700


@pytest.mark.parametrize("accept", ["", "1"])
def test_a_refused_websocket_is_closed_with_a_code_and_a_reason(client, accept):
    with (
        pytest.raises(WebSocketDisconnect) as caught,
        client.websocket_connect("/socket?accept=" + accept) as websocket,
    ):
        websocket.receive_json()
    assert (caught.value.code, caught.value.reason) == (1008, "Please log in.")


async def test_other_scopes_pass_untouched(broker):
    seen = []

    async def app(scope, receive, send):
        seen.append((scope, receive, send))

    scope = {"type": "lifespan"}
    await MoniteAuthMiddleware(app, broker)(scope, "receive", "send")
    assert seen == [(scope, "receive", "send")]
    assert scope == {"type": "lifespan"}


def test_promise_2_a_client_that_hangs_up_during_the_mint_affects_no_other_caller(broker, emulator):
    async def scenario():
        app = app_of(broker)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
            await client.post("/login", params={"user": "anna"})
            order = emulator.monite.faults.add(Fault(kind="hang", path="/auth/token"))
            leader = asyncio.create_task(client.get("/me"))
            await auntil(lambda: order.hits)
            others = [asyncio.create_task(client.get("/me")) for _ in range(5)]
            await asyncio.sleep(0)
            leader.cancel()
            emulator.monite.faults.clear()
            answers = await asyncio.gather(*others)
        await broker.aclose()
        return [answer.json()["id"] for answer in answers]

    assert asyncio.run(scenario()) == [ANNA_ID] * 5
    assert len(emulator.monite.ledger.tokens) == 1


# -- FastAPI


def test_fastapis_dependencies(broker, emulator):
    app = FastAPI()
    app.add_middleware(MoniteAuthMiddleware, broker=broker)
    app.add_middleware(SessionMiddleware, secret_key="s")
    app.mount("/monite", monite_app())

    @app.post("/login")
    async def login_form(request: Request, user: str) -> None:
        request.session["user_id"] = user

    @app.get("/maybe")
    async def maybe(monite: Monite) -> bool:
        return bool(monite)

    @app.get("/invoices")
    async def invoices(monite: LoggedInMonite) -> int:
        return len((await monite.aclient.get("/payables")).json()["data"])

    @app.get("/invoices-in-a-thread")
    def invoices_in_a_thread(monite: LoggedInMonite) -> int:
        return len(monite.client.get("/payables").json()["data"])

    client = TestClient(app)
    assert client.get("/maybe").json() is False
    assert client.get("/invoices").status_code == 401
    client.post("/login", params={"user": "anna"})
    assert client.get("/maybe").json() is True
    assert client.get("/invoices").json() == client.get("/invoices-in-a-thread").json() > 0
    assert client.get("/monite/token").status_code == 200
    assert json.dumps(app.openapi())  # the dependencies do not show as parameters
    assert app.openapi()["paths"]["/invoices"]["get"].get("parameters") is None
