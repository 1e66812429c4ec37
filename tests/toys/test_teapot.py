"""The toy adapter keeps the contract: docs/adapters.md says how it came to be."""

from contextlib import contextmanager
from pathlib import Path

from monite_auth import TokenBroker
from monite_auth.testing import AdapterContract
from monite_auth.testing.adapters import DIRECTORY, PARTNER_ORIGIN, Answer
from tests.toys.monite_auth_teapot import (
    MoniteAuth,
    api_view,
    identify,
    monite,
    monite_allowed,
    monite_required,
    token_view,
)
from tests.toys.monite_auth_teapot.answers import forward
from tests.toys.teapot import Response, Teapot, Visitor


def login(request):
    request.session.clear()
    return switch(request)


def switch(request):
    request.session["user_id"] = request.query["user"]
    return "in"


def logout(request):
    request.session.clear()
    return "out"


def me(request):
    return forward(monite(request).client.get("/entity_users/me"))


def organization(request):
    request.session["organization"] = request.query["organization"]
    return "there"


def work(request):
    access = monite(request)
    may = {
        "create": access.can("payable", "create"),
        "delete": access.can("payable", "delete"),
        "delete own": access.can("payable", "delete", own=True),
    }
    return {"headers": access.headers(), "role": access.role().name, "may": may}


@monite_required
def required(_request):
    return "in"


@monite_allowed("payable", "create")
def create(request):
    answer = monite(request).client.post("/payables", json={"document_id": "X-1"})
    return answer.raise_for_status().json()


def in_tenant(request):
    return identify(request, tenant=request.session.get("organization"))


class TeapotClient:
    def __init__(self, app):
        self._visitor = Visitor(app)

    def send(self, method, page, *, query, headers):
        response, sets_cookie = self._visitor.send(
            method, f"/{page}", query, {"host": "teapot.example", **headers}
        )
        found = {name.lower(): value for name, value in response.headers.items()}
        if sets_cookie:
            found["set-cookie"] = self._visitor.cookie
        return Answer(response.status, found, response.body)

    def call(self, method, path, *, headers, body):
        length = {"content-length": str(len(body))} if body else {}
        sent = {"host": "teapot.example", **headers, **length}
        response, _ = self._visitor.send(method, f"/api/{path}", {}, sent, body)
        return Answer(
            response.status, {name.lower(): value for name, value in response.headers.items()}, response.body
        )

    @property
    def cookie(self):
        return self._visitor.cookie

    @cookie.setter
    def cookie(self, value):
        self._visitor.cookie = value


class TeapotSite:
    origin = "http://teapot.example"
    old_cookie = "session_ended"

    def __init__(self, app, broker):
        self._app = app
        self.broker = broker

    def client(self):
        return TeapotClient(self._app)

    def user_id(self, name):
        return name

    @contextmanager
    def sessions_expired(self):
        self._app.sessions.clear()
        yield


class TestTeapot(AdapterContract):
    @contextmanager
    def open_site(self, settings, *, tenants, authorize, store, api):
        app = Teapot()
        with TokenBroker(settings, DIRECTORY, authorize=authorize, store=store) as broker:
            MoniteAuth(app, broker, in_tenant if tenants else identify)
            for view in (login, switch, logout, me, organization, work, required, create):
                app.route(f"/{view.__name__}", view)
            if api:
                app.route("/token", token_view(api=True))
                app.route("/api/", api_view("/api/"))
            else:
                app.route("/token", token_view(allowed_origins=[PARTNER_ORIGIN]))
            yield TeapotSite(app, broker)

    def guard(self, object_type, action):
        return monite_allowed(object_type, action)


def test_an_adapter_is_eight_files_at_most():
    assert len(list(Path(__file__).with_name("monite_auth_teapot").glob("*.py"))) <= 8


def test_a_mistake_of_the_apps_own_stays_a_500():
    app = Teapot()
    app.route("/", lambda _request: 1 // 0)
    assert isinstance(Visitor(app).send("GET", "/", {}, {})[0], Response)
    assert Visitor(app).send("GET", "/", {}, {})[0].status == 500
