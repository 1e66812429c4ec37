"""The health endpoint in each adapter: for probes, without details for strangers."""

import asyncio
import json
from contextlib import contextmanager

import httpx
import pytest
from flask import Flask, request
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient

from monite_auth import TokenBroker, errors
from monite_auth.emulator import Fault
from monite_auth.testing.adapters.fixtures import StoreThatFails
from monite_auth_asgi import MoniteAuthMiddleware as AsgiMiddleware
from monite_auth_asgi import health_app
from monite_auth_flask import MoniteAuth, monite_blueprint
from monite_auth_starlette import MoniteAuthMiddleware, monite_app
from tests.people import ANNA, PEOPLE

STAFF = {"x-staff": "yes"}


def starlette_site(broker, *, health):
    app = Starlette(middleware=[Middleware(MoniteAuthMiddleware, broker=broker, identify=lambda _: None)])
    says = health if health is not STAFF else lambda connection: "x-staff" in connection.headers
    app.mount("/monite", monite_app(health=says))
    client = TestClient(app)
    return lambda method, path, headers: client.request(method, path, headers=headers)


def flask_site(broker, *, health):
    app = Flask(__name__)
    MoniteAuth(app, broker=broker, identify=lambda: None)
    says = health if health is not STAFF else lambda: "x-staff" in request.headers
    app.register_blueprint(monite_blueprint(health=says), url_prefix="/monite")
    client = httpx.Client(transport=httpx.WSGITransport(app=app), base_url="http://app")
    return lambda method, path, headers: client.request(method, path, headers=headers)


def asgi_site(broker, *, health):
    details = (lambda scope: (b"x-staff", b"yes") in scope["headers"]) if health is STAFF else None
    apps = {
        "/monite/health": health_app(details=details),
        "/monite/health/live": health_app(live=True, details=details),
    }

    async def not_found(scope, receive, send):
        await send({"type": "http.response.start", "status": 404, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def app(scope, receive, send):
        await (apps.get(scope["path"], not_found) if health else not_found)(scope, receive, send)

    async def ask(method, path, headers):
        transport = httpx.ASGITransport(AsgiMiddleware(app, broker, lambda _: None))
        async with httpx.AsyncClient(transport=transport, base_url="http://app") as client:
            return await client.request(method, path, headers=headers)

    return lambda method, path, headers: asyncio.run(ask(method, path, headers))


SITES = {"starlette": starlette_site, "flask": flask_site, "asgi": asgi_site}


@pytest.fixture(params=SITES)
def site(request):
    return SITES[request.param]


@contextmanager
def refused_credentials(broker, emulator):
    order = emulator.monite.faults.add(Fault(kind="status", status=401, path="/auth/token"))
    with pytest.raises(errors.CredentialsRejected):
        broker.token(ANNA)
    yield
    emulator.monite.faults.remove(order.id)


def test_a_stranger_learns_whether_all_is_well_and_nothing_else(site, broker, emulator):
    ask = site(broker, health=True)
    for path in ("/monite/health", "/monite/health/live"):
        answer = ask("GET", path, STAFF)
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
        assert "no-store" in answer.headers["cache-control"]
        assert ask("HEAD", path, {}).status_code == 200
        assert ask("HEAD", path, {}).content == b""
        assert ask("POST", path, {}).status_code == 405
    with refused_credentials(broker, emulator):
        answer = ask("GET", "/monite/health", {})
        assert (answer.status_code, answer.json()) == (503, {"status": "unavailable"})
        assert ask("GET", "/monite/health/live", {}).status_code == 200


def test_whom_the_app_lets_know_learns_the_reasons(site, broker, emulator):
    ask = site(broker, health=STAFF)
    assert ask("GET", "/monite/health", {}).json() == {"status": "ok"}
    with refused_credentials(broker, emulator):
        told = ask("GET", "/monite/health", STAFF).json()
        assert told["reasons"] == ["credentials_refused"]
        assert told["store"] == "up"
        assert "reasons" not in ask("GET", "/monite/health", {}).json()


def test_it_is_not_there_where_the_app_does_not_want_it(site, broker):
    assert site(broker, health=False)("GET", "/monite/health", {}).status_code == 404


def test_it_asks_nobody(site, emulated):
    store = StoreThatFails()
    with TokenBroker(emulated, PEOPLE, store=store) as broker:
        ask = site(broker, health=True)
        ask("GET", "/monite/health", {})
        before = store.asked.total()
        assert ask("GET", "/monite/health", {}).status_code == 200
        assert store.asked.total() == before


def test_details_are_json(site, broker):
    told = site(broker, health=STAFF)("GET", "/monite/health/live", STAFF)
    assert json.loads(told.content)["live"] == {"ok": True, "reasons": []}
