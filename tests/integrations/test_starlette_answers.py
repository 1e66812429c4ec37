"""Answers under Starlette: pages of allowed origins can read them, and no cache keeps those that depend on a token."""

import pytest
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from monite_auth.emulator import Fault
from monite_auth_starlette import forward, monite_app
from tests.integrations.starlette_apps import CORS, PAGE_ORIGIN, SESSIONS, Guard, api, app_of, visitor


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
