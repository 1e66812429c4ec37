"""The ASGI middleware without Starlette, under the real Litestar and Quart, and the recipes of docs/any-framework.md."""

import asyncio
import logging
from contextlib import ExitStack

import pytest
from anyio.from_thread import start_blocking_portal
from litestar import Litestar, Request, Response, get
from litestar.background_tasks import BackgroundTask
from litestar.middleware import DefineMiddleware
from litestar.middleware.session.client_side import CookieBackendConfig
from litestar.middleware.session.server_side import ServerSideSessionConfig
from litestar.testing import TestClient as LitestarClient
from quart import Quart
from quart import request as quart_request
from werkzeug.test import Client as WSGIClient

from monite_auth import TokenBroker, errors
from monite_auth.emulator import ANNA_ID, DEMO_CLIENT_ID, DEMO_CLIENT_SECRET
from monite_auth_asgi import MoniteAuthMiddleware, allowed, monite
from monite_auth_starlette import MoniteAuthMiddleware as StarletteMiddleware
from tests.integrations.asgi_apps import ANNA, by_header
from tests.people import PEOPLE
from tests.test_documentation import run_page
from tests.waiting import until


@pytest.fixture(autouse=True)
def logging_as_before():
    """Restore logging after the test: Litestar configures it for the whole process."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level


class LitestarSite:
    def __init__(self, views, broker):
        def handler(name, view):
            async def handle(request: Request) -> str:
                return str(await view(request.scope))

            return get(f"/{name}")(handle)

        ours = DefineMiddleware(MoniteAuthMiddleware, broker=broker, identify=by_header)
        self.app = Litestar(
            [handler(*each) for each in views.items()], middleware=[ours], on_shutdown=[broker.aclose]
        )

    def get(self, path, headers):
        with LitestarClient(self.app) as client:
            answer = client.get(path, headers=headers)
            return answer.status_code, answer.text, answer.headers


class QuartSite:
    def __init__(self, views, broker):
        self._broker = broker
        self.app = Quart("site")
        for name, view in views.items():

            async def handle(view=view):
                return await view(quart_request.scope)

            self.app.add_url_rule(f"/{name}", name, handle)
        self.app.asgi_app = MoniteAuthMiddleware(self.app.asgi_app, broker, by_header)

    def get(self, path, headers):
        async def ask():
            async with self._broker:  # its connections belong to this event loop
                answer = await self.app.test_client().get(path, headers=headers)
                return answer.status_code, await answer.get_data(as_text=True), answer.headers

        return asyncio.run(ask())


@pytest.fixture(params=[LitestarSite, QuartSite])
def site(request, emulated):
    async def me(scope):
        return (await monite(scope).aclient.get("/entity_users/me")).raise_for_status().json()["id"]

    async def token(scope):
        return (await monite(scope).atoken()).fingerprint

    async def create(scope):
        access = await allowed(scope, "payable", "create")
        return (await access.aclient.post("/payables", json={"document_id": "X-1"})).json()["id"]

    async def leave(scope):
        await monite(scope).alogout()
        return "out"

    async def own_mistake(_scope):
        raise ZeroDivisionError("the app's own")

    async def caught(scope):
        try:
            await monite(scope).atoken()
        except errors.NotLoggedIn:
            return "nobody"
        return "somebody"

    async def mistake_after_success(scope):
        try:
            await monite(scope).acan("payable", "create")
            await monite(scope).ademand("payable", "create")
        except errors.NotPermitted:
            await monite(scope).atoken()
        raise ZeroDivisionError("the app's own")

    views = [me, token, create, leave, own_mistake, caught, mistake_after_success]
    broker = TokenBroker(emulated, PEOPLE)
    yield request.param({each.__name__: each for each in views}, broker)
    broker.close()


def test_a_person_gets_their_own_token_and_the_answer_is_not_cached(site, emulator):
    status, text, headers = site.get("/me", ANNA)
    assert (status, text) == (200, ANNA_ID)
    assert headers["cache-control"] == "private, no-store"
    assert "cookie" in headers["vary"].lower()
    assert len(emulator.monite.ledger.live(ANNA_ID)) == 1


@pytest.mark.parametrize("page", ["/me", "/token", "/create"])
def test_an_anonymous_visitor_gets_a_401(site, emulator, page):
    status, text, headers = site.get(page, {})
    assert (status, "not_logged_in" in text) == (401, True)
    assert headers["cache-control"] == "private, no-store"
    assert emulator.monite.ledger.tokens == []


def test_an_anonymous_visitor_who_wants_a_page_gets_one_sentence(site):
    status, text, _ = site.get("/me", {"accept": "text/html"})
    assert (status, text) == (401, "Please log in.")


def test_an_unlinked_or_unauthorized_user_gets_a_403(site):
    status, text, _ = site.get("/me", {"x-user": "stranger"})
    assert (status, "not_linked" in text) == (403, True)
    status, text, _ = site.get("/create", {"x-user": "viktor"})
    assert (status, "not_permitted" in text) == (403, True)
    assert site.get("/create", ANNA)[0] == 200


def test_promise_5_a_logout_is_final(site, emulator):
    site.get("/me", ANNA)
    assert site.get("/leave", ANNA)[1] == "out"
    until(lambda: not emulator.monite.ledger.live(ANNA_ID))
    status, text, _ = site.get("/me", ANNA)
    assert (status, "session_ended" in text) == (401, True)


@pytest.mark.parametrize("headers", [{}, {"x-user": "viktor"}])
@pytest.mark.parametrize("page", ["/own_mistake", "/mistake_after_success"])
def test_a_mistake_of_the_apps_own_stays_a_500(site, page, headers):
    if page == "/mistake_after_success" and not headers:
        headers = ANNA
    assert site.get(page, headers)[0] == 500


def test_starlettes_own_middleware_works_there_too(emulated):
    broker = TokenBroker(emulated, PEOPLE)

    @get("/token")
    async def token(request: Request) -> str:
        return (await monite(request.scope).atoken()).fingerprint

    ours = DefineMiddleware(
        StarletteMiddleware, broker=broker, identify=lambda connection: by_header(connection.scope)
    )
    with LitestarClient(Litestar([token], middleware=[ours], on_shutdown=[broker.aclose])) as client:
        assert client.get("/token", headers=ANNA).status_code == 200
        assert client.get("/token").status_code == 401


@pytest.mark.parametrize("sessions", [CookieBackendConfig(secret=b"s" * 32), ServerSideSessionConfig()])
def test_promise_5_a_session_that_is_cleared_after_the_response_has_ended(emulated, emulator, sessions):
    @get("/login")
    async def log_in(request: Request) -> str:
        request.set_session({"user_id": "anna"})
        return "in"

    @get("/me")
    async def me(request: Request) -> str:
        return (await monite(request.scope).atoken()).fingerprint

    @get("/leave")
    async def leave(request: Request) -> Response[str]:
        async def later() -> None:
            request.clear_session()

        return Response("out", background=BackgroundTask(later))

    broker = TokenBroker(emulated, PEOPLE)
    ours = DefineMiddleware(MoniteAuthMiddleware, broker=broker)
    app = Litestar([log_in, me, leave], middleware=[sessions.middleware, ours], on_shutdown=[broker.aclose])
    with LitestarClient(app) as client:
        client.get("/login")
        assert client.get("/me").status_code == 200
        assert client.get("/leave").text == "out"
        until(lambda: emulator.monite.ledger.live(ANNA_ID) == [])
        assert client.get("/me").status_code == 401


def test_an_app_that_handles_an_error_of_ours_is_left_alone(site):
    assert site.get("/caught", {})[:2] == (200, "nobody")


# -- the recipes


@pytest.fixture
def recipes(emulator, monkeypatch):
    monkeypatch.setenv("MONITE_BASE_URL", emulator.api_url)
    monkeypatch.setenv("MONITE_CLIENT_ID", DEMO_CLIENT_ID)
    monkeypatch.setenv("MONITE_CLIENT_SECRET", DEMO_CLIENT_SECRET)
    names = run_page("docs/any-framework.md", {"__name__": __name__})
    yield names
    names["broker"].close()


class LitestarVisitor:
    def __init__(self, app):
        self._client = LitestarClient(app)
        self._client.__enter__()
        self.close = lambda: self._client.__exit__(None, None, None)

    def __call__(self, method, path):
        answer = self._client.request(method, path)
        return answer.status_code, answer.text

    @property
    def cookie(self):
        return self._client.cookies["session"]

    @cookie.setter
    def cookie(self, value):
        self._client.cookies["session"] = value


class QuartVisitor:
    """A visitor of an app whose event loop continues between requests, as in a server."""

    def __init__(self, app):
        self._stack = ExitStack()
        self._portal = self._stack.enter_context(start_blocking_portal())
        self._stack.enter_context(self._portal.wrap_async_context_manager(app.test_app()))
        self._client = app.test_client()
        self.close = self._stack.close

    def __call__(self, method, path):
        return self._portal.call(self._ask, method, path)

    async def _ask(self, method, path):
        answer = await self._client.open(path, method=method)
        return answer.status_code, await answer.get_data(as_text=True)

    @property
    def cookie(self):
        (found,) = [each for each in self._client.cookie_jar if each.name == "session"]
        return found.value

    @cookie.setter
    def cookie(self, value):
        self._client.set_cookie("localhost", "session", value)


class WSGIVisitor:
    """A visitor of a WSGI app. The session is a dict of the visitor."""

    def __init__(self, app):
        self.session = {}

        def with_session(environ, start_response):
            return app({**environ, "shop.session": self.session}, start_response)

        self._client = WSGIClient(with_session)
        self.close = lambda: None

    def __call__(self, method, path):
        answer = self._client.open(path, method=method)
        return answer.status_code, answer.text

    @property
    def cookie(self):
        return dict(self.session)

    @cookie.setter
    def cookie(self, value):
        self.session.clear()
        self.session.update(value)


VISITORS = {"app": LitestarVisitor, "shop": QuartVisitor, "wsgi_app": WSGIVisitor}
"""The visitors by the name of the app on the page."""


@pytest.fixture(params=VISITORS)
def visitor(request, recipes):
    running = VISITORS[request.param](recipes[request.param])
    yield running
    running.close()


def test_the_recipe_works_from_the_login_to_the_logout(visitor, emulator):
    assert visitor("GET", "/invoices")[0] == 401
    assert visitor("GET", "/monite/token")[0] == 401
    assert visitor("POST", "/login?user=anna")[0] in (200, 201)
    status, text = visitor("GET", "/invoices")
    assert status == 200
    assert "document_id" in text
    assert '"expires_in"' in visitor("GET", "/monite/token")[1]
    assert len(emulator.monite.ledger.live(ANNA_ID)) == 1

    old = visitor.cookie
    assert visitor("POST", "/logout")[0] in (200, 201)
    until(lambda: not emulator.monite.ledger.live(ANNA_ID))
    assert visitor("GET", "/invoices")[0] == 401
    visitor.cookie = old
    status, text = visitor("GET", "/invoices")
    assert (status, "session_ended" in text) == (401, True)
    assert len(emulator.monite.ledger.tokens) == 1


def test_the_recipe_tells_the_next_login_from_the_one_before(visitor, recipes):
    for _ in range(2):
        visitor("POST", "/login?user=anna")
        assert visitor("GET", "/invoices")[0] == 200
        recipes["broker"].end_user("anna")
        assert visitor("GET", "/invoices")[0] == 401
        visitor("POST", "/logout")


def test_another_user_in_the_same_session_logs_the_first_one_out(visitor, emulator):
    visitor("POST", "/login?user=anna")
    visitor("GET", "/invoices")
    visitor("POST", "/login?user=stranger")
    until(lambda: not emulator.monite.ledger.live(ANNA_ID))
    assert visitor("GET", "/invoices")[0] == 403
