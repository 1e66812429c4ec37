"""Our errors keep their status in every app under Starlette, and the app's own errors stay what they are."""

import asyncio
import logging

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Mount, Route, Router, WebSocketRoute
from starlette.testclient import TestClient

from monite_auth import errors
from monite_auth.emulator import Fault
from tests.integrations.starlette_apps import (
    CORS,
    PAGE_ORIGIN,
    CatchAll,
    Guard,
    api,
    app_of,
    by_header,
    scope_of,
    sent_in,
    visitor,
)


class ByTaskGroup:
    """Runs its own task beside the app, as middleware for time limits or metrics does."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.app(scope, receive, send))


class PassOn(BaseHTTPMiddleware):
    async def dispatch(self, request, call_next):
        return await call_next(request)


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
