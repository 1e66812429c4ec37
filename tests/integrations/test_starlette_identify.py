"""An app's own `identify` under Starlette: what it may return, set and raise."""

from types import SimpleNamespace

import pytest
from fastapi import FastAPI
from fastapi.exceptions import HTTPException as FastAPIHTTPException
from starlette.applications import Starlette
from starlette.authentication import AuthCredentials, AuthenticationBackend, BaseUser, SimpleUser
from starlette.exceptions import HTTPException, WebSocketException
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from monite_auth import Principal, errors
from tests.integrations.starlette_apps import Marks, app_of, panel, visitor


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


class Named(BaseUser):
    """A user with a name; `BaseUser` has no identity."""

    is_authenticated = True
    display_name = "anna"


class Broken(Named):
    """A user whose identity comes from a row that is not there."""

    row = None

    @property
    def identity(self):
        return self.row.id


def by_user(broker, user):
    class Authenticated(AuthenticationBackend):
        async def authenticate(self, conn):
            return AuthCredentials(), user

    outside = [Middleware(AuthenticationMiddleware, backend=Authenticated())]
    return TestClient(app_of(broker, outside=outside))


@pytest.mark.parametrize("user", [Named(), SimpleNamespace(is_authenticated=True, display_name="anna")])
def test_a_user_without_an_identity_is_known_by_their_name(broker, user):
    assert by_user(broker, user).get("/facts").json()["user"] == "anna"


def test_promise_1_a_user_whose_identity_fails_does_not_become_who_bears_that_name(broker):
    with pytest.raises(AttributeError, match="id"):
        by_user(broker, Broken()).get("/facts")
