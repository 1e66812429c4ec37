"""What a request costs in Starlette that does not use Monite: a session is read once, unless somebody could have changed it."""

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from monite_auth_starlette import MoniteAuthMiddleware
from tests.integrations.starlette_apps import SESSIONS


class CountingSigner:
    """A session middleware's signer, which counts how often a cookie is read."""

    def __init__(self, signer):
        self._signer = signer
        self.reads = 0

    def __getattr__(self, name):
        return getattr(self._signer, name)

    def unsign(self, *arguments, **options):
        self.reads += 1
        return self._signer.unsign(*arguments, **options)


class Between(BaseHTTPMiddleware):
    """May change the session before it comes to ours."""

    async def dispatch(self, request, call_next):
        return await call_next(request)


@pytest.mark.parametrize(
    ("between", "reads"), [((), 1), ((Middleware(Between),), 2)], ids=["alone", "another"]
)
def test_the_cookie_of_a_visitor_who_is_not_logged_in_is_read_once(broker, between, reads):
    async def view(_request):
        return PlainTextResponse("hello")

    inside = [*between, Middleware(MoniteAuthMiddleware, broker=broker)]
    app = Starlette(routes=[Route("/", view)], middleware=[SESSIONS, *inside])
    with TestClient(app, cookies={"session": "of-an-earlier-key"}) as client:
        sessions = app.middleware_stack.app
        assert isinstance(sessions, SessionMiddleware)
        sessions.signer = CountingSigner(sessions.signer)
        assert client.get("/").text == "hello"
    assert sessions.signer.reads == reads
