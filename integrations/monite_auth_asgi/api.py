"""Monite's API as an ASGI app, for the app's own pages: the browser has the session's cookie and no token."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

from monite_auth import MoniteAccess
from monite_auth.adapter import Answer, ApiRequest, AsyncStream, BrowserApi, StreamedAnswer
from monite_auth_asgi.answers import headers_of, http_only, send_answer, start_answer
from monite_auth_asgi.state import monite
from monite_auth_asgi.types import ASGIApp, Receive, Scope, Send

__all__ = ["api_app"]

SAYS_LENGTH = ("1.0", "1.1")
"""The versions of HTTP in which a request without Content-Length and Transfer-Encoding has no body."""


def api_app(*, load: Callable[[Scope], Awaitable[None]] | None = None) -> ASGIApp:
    """Return an ASGI app that passes calls on to Monite's API as whoever is logged in, to mount at a path inside the middleware.

    Mounted at `/monite/api`, it serves `/monite/api/payables` as Monite's `/v1/payables`. See docs/browser.md. `load`: loads the
    session of a request, where the framework leaves that to views.
    """
    browser_api = BrowserApi()

    @http_only
    async def api(scope: Scope, receive: Receive, send: Send) -> None:
        headers = headers_of(scope)
        query = scope.get("query_string", b"").decode("latin-1")
        request = ApiRequest(scope["method"], _path(scope), query, headers)
        browser = _Browser(receive, has_body=request.has_body or _may_have_body(request, scope))

        async def find_access() -> MoniteAccess:
            if load is not None:
                await load(scope)
            return monite(scope)

        calling = browser_api.acall(monite(scope).broker, request, browser.chunks, find_access)
        serving = asyncio.ensure_future(_serve(calling, browser, send))
        leaving = asyncio.ensure_future(browser.leaves())
        try:
            await asyncio.wait((serving, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            leaving.cancel()
            serving.cancel()  # if nobody waits for the answer any more
            await asyncio.wait((serving, leaving))
        if not serving.cancelled():
            serving.result()

    return api


async def _serve(
    call: Awaitable[Answer | StreamedAnswer[AsyncStream]], browser: "_Browser", send: Send
) -> None:
    try:
        answer = await call
    except BrowserGone:
        return
    if isinstance(answer, Answer):
        await send_answer(answer, send)
        return
    try:
        await start_answer(answer.status, answer.headers, send)
        browser.stop_reading()
        async for chunk in answer.body:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
    finally:
        await answer.body.aclose()
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def _may_have_body(request: ApiRequest, scope: Scope) -> bool:
    """Return whether a body may come of which the headers say nothing."""
    is_silent = (
        scope.get("http_version", "1.1") not in SAYS_LENGTH and "content-length" not in request.headers
    )
    return is_silent and request.method not in ("GET", "HEAD")


def _path(scope: Scope) -> str:
    """Return the path behind the mount. Some frameworks leave the mount's own path in it, as ASGI says."""
    path, root = str(scope["path"]), str(scope.get("root_path", "")).rstrip("/")
    return path.removeprefix(root) if path.startswith(f"{root}/") else path


class BrowserGone(Exception):
    """The browser has gone while its body was read."""


class _Browser:
    """Whoever asks: what they send, and whether they are still there."""

    def __init__(self, receive: Receive, *, has_body: bool) -> None:
        self._receive = receive
        self._is_read = asyncio.Event()
        """Whether nobody reads the body any more, so that somebody else may read that the browser has gone."""
        if not has_body:
            self._is_read.set()

    @property
    def chunks(self) -> AsyncIterator[bytes] | None:
        """The body as it comes, to be read once; None where there is none."""
        return None if self._is_read.is_set() else self._chunks()

    async def _chunks(self) -> AsyncIterator[bytes]:
        more = True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise BrowserGone
            if body := message.get("body", b""):
                yield body
            more = message.get("more_body", False)
        self._is_read.set()

    def stop_reading(self) -> None:
        """Leave alone what may still come of the body: Monite has answered."""
        self._is_read.set()

    async def leaves(self) -> None:
        """Return when the browser has gone; never, where nobody says so."""
        await self._is_read.wait()
        # A middleware that has read the body may repeat it for ever, or raise when it is asked once more.
        with suppress(Exception):
            message = await self._receive()
            while message.get("more_body", False):
                message = await self._receive()
            if message["type"] == "http.request":
                message = await self._receive()
            if message["type"] == "http.disconnect":
                return
        await asyncio.Event().wait()
