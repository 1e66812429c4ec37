"""The ASGI middleware under real servers, with real clients: they wait for an answer, stay, or hang up."""

import asyncio
import socket
from contextlib import contextmanager

import httpx
import hypercorn.asyncio
import pytest
import uvicorn
from anyio.from_thread import start_blocking_portal
from hypercorn.config import Config
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, CloseConnection, TextMessage
from wsproto.events import Request as Handshake

from monite_auth_asgi import MoniteAuthMiddleware
from tests.integrations.asgi_apps import ANNA, by_header, litestar_app, quart_app
from tests.waiting import PATIENCE, until


@contextmanager
def served_by_uvicorn(app, listener, portal):
    config = uvicorn.Config(app, ws="wsproto", lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    serving = portal.start_task_soon(server.serve, [listener])
    yield
    server.should_exit = True
    serving.result()


@contextmanager
def served_by_hypercorn(app, listener, portal):
    config = Config.from_mapping(bind=f"fd://{listener.detach()}", accesslog=None, errorlog=None)
    is_stopped = portal.call(asyncio.Event)

    async def serve():
        await hypercorn.asyncio.serve(app, config, shutdown_trigger=is_stopped.wait, mode="asgi")

    serving = portal.start_task_soon(serve)
    yield
    portal.call(is_stopped.set)
    serving.result()


class Site:
    """A served app: where it is, and the connections that it still serves."""

    def __init__(self, broker):
        self._broker = broker
        self.open = set()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = self.listener.getsockname()
        self.url = f"http://127.0.0.1:{self.address[1]}"

    def ours(self, app):
        middleware = MoniteAuthMiddleware(app, self._broker, by_header)

        async def counted(scope, receive, send):
            if scope["type"] == "lifespan":
                return await app(scope, receive, send)
            self.open.add(id(scope))
            try:
                await middleware(scope, receive, send)
            finally:
                self.open.discard(id(scope))

        return counted

    def connect(self):
        return socket.create_connection(self.address, timeout=PATIENCE)


@pytest.fixture(params=[litestar_app, quart_app])
def app(request):
    return request.param


@pytest.fixture(params=[served_by_uvicorn, served_by_hypercorn])
def site(request, app, broker):
    site = Site(broker)
    with start_blocking_portal() as portal, request.param(app(site.ours), site.listener, portal):
        yield site
        until(lambda: not site.open)
        portal.call(broker.aclose)


def test_errors_of_ours_and_of_the_apps_own_are_answered(site):
    with httpx.Client(base_url=site.url, timeout=PATIENCE) as client:
        for _ in range(2):  # also on the connection that the one before has left
            answer = client.get("/me")
            assert (answer.status_code, answer.json()["error"]["code"]) == (401, "not_logged_in")
            assert client.get("/me", headers=ANNA).status_code == 200
            assert client.get("/mistake", headers=ANNA).status_code == 500
        until(lambda: not site.open)  # although the client stays


def test_an_upload_is_refused_before_it_is_complete(site):
    with site.connect() as client:
        client.sendall(b"POST /upload HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000\r\n\r\nbeginning")
        assert client.recv(12) == b"HTTP/1.1 401"


def test_a_request_is_over_when_the_client_of_a_stream_has_hung_up(site):
    with (
        httpx.Client(base_url=site.url, timeout=PATIENCE) as client,
        client.stream("GET", "/stream", headers=ANNA) as answer,
    ):
        parts = answer.iter_bytes()  # the response is closed with it
        assert b"part of it" in next(parts)
        assert site.open
    until(lambda: not site.open)


class Caller:
    """The client of a websocket."""

    def __init__(self, site, **headers):
        self._socket = site.connect()
        self._protocol = WSConnection(ConnectionType.CLIENT)
        named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        self.send(Handshake(host="localhost", target="/echo", extra_headers=named))

    def send(self, event):
        self._socket.sendall(self._protocol.send(event))

    def events(self):
        """Yield what comes in, to the end of the connection."""
        while data := self._socket.recv(4096):
            self._protocol.receive_data(data)
            yield from self._protocol.events()

    def hang_up(self):
        self._socket.close()


def test_a_websocket_is_over_when_its_client_has_hung_up(site):
    caller = Caller(site, x_user="anna")
    events = caller.events()
    assert isinstance(next(events), AcceptConnection)
    caller.send(TextMessage("hello"))
    assert next(events).data == "hello"
    assert site.open
    caller.hang_up()
    until(lambda: not site.open)


def test_a_websocket_of_nobody_is_closed(site):
    caller = Caller(site)
    events = caller.events()
    assert isinstance(next(events), AcceptConnection)
    closed = next(events)
    assert isinstance(closed, CloseConnection)
    caller.send(closed.response())
    until(lambda: not site.open)
    caller.hang_up()
