"""A Monite that notes what reaches it, and answers with what a test says."""

from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Any

import httpx

from monite_auth import EntityUser, Principal, Settings, TokenBroker
from monite_auth.adapter import Answer, ApiRequest, BrowserApi, MoniteAccess, StreamedAnswer
from monite_auth.emulator import ANNA_ID, BAKERY_ID, DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, Emulator

__all__ = ["ANNA", "OWN_PAGE", "Chunks", "Upstream", "answered", "call", "read"]

ACCOUNT = {"client_id": DEMO_CLIENT_ID, "client_secret": DEMO_CLIENT_SECRET}
ANNA = Principal("anna", session_id="1")
OWN_PAGE = {"sec-fetch-site": "same-origin", "x-monite-version": "2024-05-25", "host": "app.example.com"}


class Upstream(TokenBroker):
    """A broker whose tokens are the emulator's, and whose calls end here. `answers`: what they are answered with, in turn."""

    def __init__(self, emulator: Emulator, **options: Any) -> None:
        settings: dict[str, Any] = {"requests_per_second": 1_000_000, **ACCOUNT, **options}
        super().__init__(
            Settings(base_url=emulator.api_url, **settings), {"anna": EntityUser(ANNA_ID, BAKERY_ID)}
        )
        self.answers: list[httpx.Response] = []
        self.requests: list[httpx.Request] = []
        self.bodies: list[bytes] = []
        self.tokens: list[str] = []

    def client(self, principal: Any, **options: Any) -> httpx.Client:
        """Return a client whose requests come to `answer`."""
        return super().client(principal, transport=_Transport(self.answer), **options)

    def aclient(self, principal: Any, **options: Any) -> httpx.AsyncClient:
        """Return a client whose requests come to `aanswer`."""
        return super().aclient(principal, transport=_AsyncTransport(self.aanswer), **options)

    async def aanswer(self, request: httpx.Request) -> httpx.Response:
        """Note a request, and answer it."""
        self.requests.append(request)
        self.tokens.append(request.headers["authorization"])
        self.bodies.append(b"".join([chunk async for chunk in request.stream]))  # type: ignore[union-attr]
        return self.answers.pop(0) if self.answers else httpx.Response(200, json={"data": []})

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Note a request, and answer it."""
        self.requests.append(request)
        self.tokens.append(request.headers["authorization"])
        self.bodies.append(b"".join(request.stream))  # type: ignore[arg-type]
        return self.answers.pop(0) if self.answers else httpx.Response(200, json={"data": []})


class _Transport(httpx.BaseTransport):
    """httpx's MockTransport would read the body into memory."""

    def __init__(self, answer: Callable[[httpx.Request], httpx.Response]) -> None:
        self.handle_request = answer  # type: ignore[assignment]  # a transport is no more than that


class _AsyncTransport(httpx.AsyncBaseTransport):
    """See _Transport."""

    def __init__(self, answer: Callable[[httpx.Request], Awaitable[httpx.Response]]) -> None:
        self.handle_async_request = answer  # type: ignore[assignment]


class Chunks(httpx.SyncByteStream):
    """An answer that comes in pieces. `breaks`: with which error it ends, if not well."""

    def __init__(self, *chunks: bytes, breaks: Exception | None = None) -> None:
        self.chunks = chunks
        self.breaks = breaks
        self.is_closed = False

    def __iter__(self) -> Iterator[bytes]:
        yield from self.chunks
        if self.breaks is not None:
            raise self.breaks

    def close(self) -> None:
        """Note that nobody reads it any more."""
        self.is_closed = True


def answered(*chunks: bytes, status: int = 200, **headers: str) -> httpx.Response:
    """Return an answer of Monite's. `headers`: with underscores for dashes."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, headers=named, stream=Chunks(*chunks))


def call(
    broker: TokenBroker,
    method: str = "GET",
    path: str = "/payables",
    *,
    query: str = "",
    body: Iterable[bytes] | None = None,
    api: BrowserApi | None = None,
    principal: Principal | None = ANNA,
    **headers: str,
) -> Answer | StreamedAnswer[Any]:
    """Make a call as Anna's browser does. `headers`: with underscores for dashes, added to those of a page of the app's."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = ApiRequest(method, path, query, {**OWN_PAGE, **named})
    return (api or BrowserApi()).call(broker, request, body, lambda: MoniteAccess(broker, principal))


def read(answer: Answer | StreamedAnswer[Any]) -> bytes:
    """Return the body of an answer, and close it."""
    if isinstance(answer, Answer):
        return answer.body
    try:
        return b"".join(answer.body)
    finally:
        answer.body.close()
