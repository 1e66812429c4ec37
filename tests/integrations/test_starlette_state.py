"""The state of requests under Starlette: each request is its own user's, and the app shares it with middleware."""

import asyncio

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from monite_auth import errors
from monite_auth.emulator import ANNA_ID, VIKTOR_ID
from monite_auth_starlette import MoniteAuthMiddleware
from tests.integrations.starlette_apps import (
    PAGES,
    SESSIONS,
    app_of,
    by_header,
    scope_of,
    sent_in,
    visitor,
)


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


def as_one(state):
    state |= {"a": 1}


@pytest.mark.parametrize(
    ("change", "left"),
    [
        (lambda state: state.update(a=1, b=2), {"old": 0, "older": 0, "a": 1, "b": 2}),
        (lambda state: state.setdefault("a", 1), {"old": 0, "older": 0, "a": 1}),
        (as_one, {"old": 0, "older": 0, "a": 1}),
        (lambda state: state.pop("old"), {"older": 0}),
        (lambda state: state.pop("not there", None), {"old": 0, "older": 0}),
        (lambda state: state.clear(), {}),
    ],
    ids=["update", "setdefault", "|=", "pop", "pop with a default", "clear"],
)
async def test_however_the_app_changes_its_state_middleware_outside_sees_it(broker, change, left):
    async def view(request):
        change(request.scope["state"])
        return PlainTextResponse("done")

    outside = {"old": 0, "older": 0}
    app = app_of(broker, Route("/view", view), outside=[])
    assert await sent_in(app, scope_of("anna", outside, "/view")) == b"done"
    assert outside == left


def test_trio_is_told_what_is_supported(broker):
    app = Starlette(routes=PAGES, middleware=[Middleware(MoniteAuthMiddleware, broker=broker)])
    with pytest.raises(errors.ConfigurationError, match="asyncio"):
        TestClient(app, backend="trio").get("/facts")
