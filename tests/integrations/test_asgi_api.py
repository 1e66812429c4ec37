"""Monite's API for browsers as an ASGI app: what a browser that goes away ends, and what a server hears."""

import asyncio

import httpx
import pytest

from monite_auth import MoniteAccess
from monite_auth_asgi import api_app, token_app
from tests.core.browser_api.upstream import ANNA, OWN_PAGE, Upstream


@pytest.fixture
def monite(emulator):
    return Upstream(emulator)


class Browser:
    """The other end of the server: it sends what it is told, and keeps what it hears."""

    def __init__(self):
        self.sends = asyncio.Queue()
        self.heard = []
        self.hears = asyncio.Event()

    async def send(self, message):
        self.heard.append(message)
        self.hears.set()

    def request(self, body=b"", *, more=False):
        self.sends.put_nowait({"type": "http.request", "body": body, "more_body": more})

    def leave(self):
        self.sends.put_nowait({"type": "http.disconnect"})

    async def asks(self, broker, method="GET", path="/payables", **changes):
        headers = [*{**OWN_PAGE, **changes.pop("headers", {})}.items(), *changes.pop("repeated", [])]
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": b"",
            "headers": [(name.encode(), value.encode()) for name, value in headers],
            "state": {"monite": MoniteAccess(broker, ANNA)},
            **changes,
        }
        await api_app()(scope, self.sends.get, self.send)


class Slow(httpx.AsyncByteStream):
    """An answer whose second piece never comes."""

    def __init__(self):
        self.closed = asyncio.Event()

    async def __aiter__(self):
        yield b"first"
        await asyncio.Event().wait()

    async def aclose(self):
        self.closed.set()


async def test_a_browser_that_leaves_ends_the_call_and_lets_go_of_the_connection(monite):
    browser, slow = Browser(), Slow()
    monite.answers = [httpx.Response(200, stream=slow)]
    asking = asyncio.create_task(browser.asks(monite))
    browser.request()
    while len(browser.heard) < 2:
        await asyncio.sleep(0)
    browser.leave()
    await asking
    assert slow.closed.is_set()
    assert not any(message.get("more_body") is False for message in browser.heard)  # nothing looks whole
    await monite.aclose()


async def test_a_browser_that_leaves_with_an_answer_that_came_before_its_body_was_whole_ends_the_call(monite):
    browser, slow = Browser(), Slow()

    async def answers_at_once(request):
        return httpx.Response(413, stream=slow)

    monite.aanswer = answers_at_once
    asking = asyncio.create_task(browser.asks(monite, "POST", headers={"content-length": "8"}))
    browser.request(b"half", more=True)
    while len(browser.heard) < 2:
        await asyncio.sleep(0)
    browser.request(b"of", more=True)
    browser.leave()
    await asking
    assert slow.closed.is_set()
    await monite.aclose()


async def test_a_browser_that_leaves_before_the_answer_ends_the_call(monite):
    browser, ended, begun = Browser(), asyncio.Event(), asyncio.Event()

    async def hangs(request):
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    monite.aanswer = hangs
    asking = asyncio.create_task(browser.asks(monite))
    browser.request()
    await begun.wait()
    browser.leave()
    await asking
    assert ended.is_set()
    assert browser.heard == []
    await monite.aclose()


async def test_a_browser_that_leaves_while_it_sends_ends_the_call(monite):
    browser = Browser()
    browser.request(b"half", more=True)
    browser.leave()
    await browser.asks(monite, "POST", headers={"content-length": "8"})
    assert browser.heard == []
    assert monite.bodies == []
    await monite.aclose()


async def test_whoever_cancels_the_app_ends_the_call(monite):
    browser, slow = Browser(), Slow()
    monite.answers = [httpx.Response(200, stream=slow)]
    asking = asyncio.create_task(browser.asks(monite))
    browser.request()
    while len(browser.heard) < 2:
        await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert slow.closed.is_set()
    await monite.aclose()


async def test_an_answer_that_breaks_off_is_an_error_for_the_server(monite):
    class Breaks(httpx.AsyncByteStream):
        async def __aiter__(self):
            yield b"first"
            raise httpx.RemoteProtocolError("gone")

    browser = Browser()
    monite.answers = [httpx.Response(200, stream=Breaks())]
    browser.request()
    with pytest.raises(Exception, match="broke off"):
        await browser.asks(monite)
    assert browser.heard[-1] == {"type": "http.response.body", "body": b"first", "more_body": True}
    await monite.aclose()


async def test_a_body_of_http_2_needs_no_length(monite):
    browser = Browser()
    browser.request(b"one ", more=True)
    browser.request(b"two")
    await browser.asks(monite, "POST", http_version="2")
    assert browser.heard[0]["status"] == 200
    assert monite.bodies == [b"one two"]
    await monite.aclose()


@pytest.mark.parametrize(
    ("path", "root"),
    [("/payables", ""), ("/monite/api/payables", "/monite/api"), ("/payables", "/monite/api")],
)
async def test_the_path_is_the_one_behind_the_mount(monite, path, root):
    browser = Browser()
    browser.request()
    await browser.asks(monite, path=path, root_path=root)
    assert monite.requests[0].url.path == "/v1/payables"
    await monite.aclose()


async def test_a_body_that_nobody_reads_is_no_departure(monite):
    browser = Browser()
    browser.request(b"x", more=True)
    await browser.asks(monite, "POST", "/auth/token", headers={"content-length": "8"})
    assert browser.heard[0]["status"] == 404
    await monite.aclose()


async def test_a_middleware_that_repeats_the_body_for_ever_leaves_the_event_loop_its_turn(monite):
    class Repeated(Browser):
        async def asks(self, broker, **changes):
            async def receive():
                return {"type": "http.request", "body": b"12345678"}

            self.sends.get = receive
            await super().asks(broker, **changes)

    for changes in ({}, {"method": "POST", "headers": {"content-length": "8"}}):
        browser = Repeated()
        await browser.asks(monite, **changes)
        assert browser.heard[0]["status"] == 200
    assert monite.bodies == [b"", b"12345678"]
    await monite.aclose()


async def test_a_middleware_that_cannot_say_whether_the_browser_is_there_leaves_the_answer_alone(monite):
    said = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive():
        if not said:
            raise RuntimeError(
                "Unexpected message received: http.request"
            )  # as Starlette's BaseHTTPMiddleware does
        return said.pop()

    browser = Browser()
    browser.sends.get = receive
    await browser.asks(monite)
    assert browser.heard[0]["status"] == 200
    assert browser.heard[-1]["more_body"] is False
    await monite.aclose()


@pytest.mark.parametrize("served", [api_app, token_app])
async def test_a_websocket_is_refused(monite, served):
    browser = Browser()
    browser.sends.put_nowait({"type": "websocket.connect"})
    await served()({"type": "websocket", "path": "/payables", "headers": []}, browser.sends.get, browser.send)
    assert browser.heard == [{"type": "websocket.close", "code": 1008, "reason": ""}]
    await monite.aclose()


async def test_a_header_that_comes_more_than_once_counts_as_a_list(monite):
    given = [
        ("connection", "if-match"),
        ("connection", "close"),
        ("if-match", "1"),
        ("accept", "a/b"),
        ("accept", "c/d"),
    ]
    browser = Browser()
    browser.request()
    await browser.asks(monite, repeated=given)
    sent = monite.requests[0].headers
    assert sent["accept"] == "a/b, c/d"
    assert "if-match" not in sent

    browser = Browser()
    browser.request()
    await browser.asks(
        monite, headers={"sec-fetch-site": "cross-site"}, repeated=[("sec-fetch-site", "same-origin")]
    )
    assert browser.heard[0]["status"] == 403
    await monite.aclose()
