"""Calls to Monite's API: the token attached, and exchanged once when Monite says that it is dead.

Tokens stay home: they go to the configured origin only. Nothing here knows the broker; any `TokenSource` will do.
"""

import asyncio
import logging
import threading
import time
from collections.abc import AsyncGenerator, Callable, Generator
from typing import Any, NamedTuple, Protocol

import httpx

from monite_auth.configuration.proxies import connection_options
from monite_auth.errors import BodySpent, MoniteUnavailable
from monite_auth.identity import Partner, Principal
from monite_auth.monite_api.dead_tokens import names_dead_token, speaks_of_dead_token
from monite_auth.monite_api.pauses import seconds_to_wait
from monite_auth.processes.lifetimes import PerProcess, close_with_loop
from monite_auth.settings import Settings
from monite_auth.tokens import AccessToken

try:
    import httpx2
except ImportError:
    httpx2 = None  # type: ignore[assignment]  # an extra

__all__ = [
    "BROKEN",
    "BrokerAuth",
    "Call",
    "Pools",
    "TokenSource",
    "monite_headers",
    "retry_after",
    "unreachable",
]

log = logging.getLogger("monite_auth")

ENTITY = "x-monite-entity-id"


class Call(NamedTuple):
    """A call to Monite: `path` is that of the API, without the base URL; `entity` what the caller put into the header."""

    method: str
    path: str
    entity: str | None = None


class TokenSource(Protocol):
    """Where tokens for calls come from: TokenBroker, for one."""

    settings: Settings

    def token_for_call(self, principal: Principal | Partner | None, call: Call) -> AccessToken:
        """Return the token for one call, or raise why it may not be made."""

    async def atoken_for_call(self, principal: Principal | Partner | None, call: Call) -> AccessToken:
        """Return the token for one call, or raise why it may not be made."""

    def exchange(self, principal: Principal | Partner | None, token: AccessToken, *, certain: bool) -> bool:
        """Say whether a call that was refused with `token` is to be sent again, with another one.

        `certain`: whether Monite said in its own words that the token is dead.
        """

    async def aexchange(
        self, principal: Principal | Partner | None, token: AccessToken, *, certain: bool
    ) -> bool:
        """Say whether a refused call is to be sent again; see `exchange`."""

    def exchanged(self, principal: Principal | Partner | None, *, helped: bool) -> None:
        """Take note whether the call that was sent again was accepted."""

    async def aexchanged(self, principal: Principal | Partner | None, *, helped: bool) -> None:
        """Take note whether the call that was sent again was accepted."""


def monite_headers(settings: Settings, token: AccessToken) -> dict[str, str]:
    """Return the headers of a call: `Authorization`, `x-monite-version`, and the entity's id where there is one."""
    headers = {"Authorization": token.authorization, "x-monite-version": settings.api_version}
    if token.entity_user is not None:
        headers[ENTITY] = token.entity_user.entity_id
    return headers


class _TokenAuth:
    """The flow of both auth classes; requests and responses of the two libraries differ by name only."""

    def __init__(self, source: TokenSource, principal: Principal | Partner | None) -> None:
        self._source = source
        self._principal = principal
        self._base = httpx.URL(source.settings.base_url)
        self._home = _origin(self._base)

    def sync_auth_flow(self, request: Any) -> Generator[Any, Any, None]:
        """See httpx.Auth."""
        if _origin(request.url) != self._home:
            yield request
            return
        call = self._call(request)
        token = self._source.token_for_call(self._principal, call)
        response = yield self._attach(request, token)
        if self._may_be_refused(response):
            response.read()
        if not self._is_refused(response):
            return
        certain = names_dead_token(response.status_code, response.content)
        if not self._source.exchange(self._principal, token, certain=certain):
            return
        _rewind(request)
        response = yield self._attach(request, self._source.token_for_call(self._principal, call))
        if self._may_be_refused(response):
            response.read()
        self._source.exchanged(self._principal, helped=not self._is_refused(response))

    async def async_auth_flow(self, request: Any) -> AsyncGenerator[Any, Any]:
        """See httpx.Auth."""
        if _origin(request.url) != self._home:
            yield request
            return
        call = self._call(request)
        token = await self._source.atoken_for_call(self._principal, call)
        response = yield self._attach(request, token)
        if self._may_be_refused(response):
            await response.aread()
        if not self._is_refused(response):
            return
        certain = names_dead_token(response.status_code, response.content)
        if not await self._source.aexchange(self._principal, token, certain=certain):
            return
        _rewind(request)
        response = yield self._attach(request, await self._source.atoken_for_call(self._principal, call))
        if self._may_be_refused(response):
            await response.aread()
        await self._source.aexchanged(self._principal, helped=not self._is_refused(response))

    def _call(self, request: Any) -> Call:
        """Return what the call is, by its path as it is sent: what is encoded there stays so."""
        path = request.url.raw_path.partition(b"?")[0].decode("ascii")
        before, _, of_the_api = path.partition(self._base.path.rstrip("/") + "/")
        return Call(request.method, "" if before else f"/{of_the_api}", request.headers.get(ENTITY))

    def _attach(self, request: Any, token: AccessToken) -> Any:
        headers = monite_headers(self._source.settings, token)
        request.headers["Authorization"] = headers.pop("Authorization")
        for name, value in headers.items():
            request.headers.setdefault(name, value)
        return request

    def _may_be_refused(self, response: Any) -> bool:
        """Say whether it is worth reading the body; after a redirect it may be somebody else's."""
        return response.status_code in (400, 401, 403) and _origin(response.request.url) == self._home

    def _is_refused(self, response: Any) -> bool:
        """Say whether the answer may mean that the token is dead; its body has been read where that is worth it."""
        return self._may_be_refused(response) and speaks_of_dead_token(response.status_code, response.content)


class BrokerAuth(_TokenAuth, httpx.Auth):
    """An httpx auth that attaches the principal's token; for `httpx.Client` and `httpx.AsyncClient`.

    Requests to another origin than `base_url`'s go out untouched. When Monite answers that the token is expired,
    revoked or unknown, the request is sent once more with a new one; where its body is a stream, and spent, BodySpent
    is raised instead. In the security models where the application decides, it is asked first: NotPermitted.
    """


if httpx2 is not None:

    class Httpx2BrokerAuth(_TokenAuth, httpx2.Auth):
        """BrokerAuth for `httpx2.Client` and `httpx2.AsyncClient`."""


def retry_after(response: Any) -> float | None:
    """Return how many seconds Monite wants to be left alone: what a response says in `Retry-After`, or None.

    Calls that are turned away with 429 are the application's own to repeat. `response` is httpx's or httpx2's.
    """
    header = response.headers.get("retry-after")
    return None if header is None else seconds_to_wait(header, now=time.time())


_libraries: list[Any] = [httpx, httpx2]

BROKEN = tuple(library.TransportError for library in _libraries if library is not None)
"""What the libraries raise when a call breaks."""


def unreachable(error: BaseException, settings: Settings) -> MoniteUnavailable | None:
    """Return our error for what httpx, or httpx2, raises when a call to Monite breaks; None for everything else.

    The exception itself holds the whole request, the token included, so it is not its cause.
    """
    if not isinstance(error, BROKEN):
        return None
    request = getattr(error, "_request", None)  # the property raises where there is none
    if request is None or _origin(request.url) != _origin(httpx.URL(settings.base_url)):
        return None
    return MoniteUnavailable(f"A call to Monite broke off: {type(error).__name__}.", retry_after=1)


def _origin(url: Any) -> tuple[str, str, int | None]:
    port = url.port or {"http": 80, "https": 443}.get(url.scheme)
    return url.scheme, url.host, port


def _rewind(request: Any) -> None:
    """See that the body can be sent again, or raise BodySpent: text, JSON and forms can, files that can be rewound."""
    try:
        request.content  # noqa: B018 - raises where the body is a stream that was not read into memory
    except RuntimeError:  # the library's own RequestNotRead
        fields = getattr(request.stream, "fields", None)  # of a multipart body
        if fields is None or not all(_can_be_rewound(getattr(field, "file", b"")) for field in fields):
            raise BodySpent(
                "Monite no longer accepted the token, and the request could not be sent again with the new one: its "
                "body is a generator or a stream, and is spent. Call again with a body from its beginning, or give "
                "the body as bytes, a form, JSON, or a file that can be rewound.",
                retry_after=0,
            ) from None


def _can_be_rewound(content: Any) -> bool:
    seekable = getattr(content, "seekable", None)
    return isinstance(content, str | bytes) or (seekable is not None and seekable())


class _Borrowed(httpx.BaseTransport):
    """The shared transport as one client sees it: closing the client leaves it open.

    It is looked up for each request, since a client may be older than the process that uses it.
    """

    def __init__(self, shared: Callable[[], httpx.BaseTransport]) -> None:
        self._shared = shared

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._shared().handle_request(request)


class _AsyncPool(httpx.AsyncHTTPTransport):
    """The shared transport of one event loop, closed with it. `forget` is called then."""

    def __init__(self, forget: Callable[[], object], options: dict[str, Any]) -> None:
        super().__init__(**options)
        self._forget = forget
        self._loop_end = close_with_loop(self.aclose)

    async def aclose(self) -> None:
        self._forget()
        await super().aclose()


class _AsyncBorrowed(httpx.AsyncBaseTransport):
    """The shared transport of whichever event loop is running; see _Borrowed."""

    def __init__(self, shared: Callable[[], httpx.AsyncBaseTransport]) -> None:
        self._shared = shared

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._shared().handle_async_request(request)


OWN_TRANSPORT = {"transport", "mounts", "proxy", "verify", "cert", "http1", "http2", "limits", "trust_env"}
"""Options of a client that a shared transport cannot honour: a client with one of them gets its own."""


class _Transports:
    """What is open to Monite in one process."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.of_threads: httpx.HTTPTransport | None = None
        self.by_loop: dict[asyncio.AbstractEventLoop, _AsyncPool] = {}


class Pools:
    """Connections to Monite, shared by all clients of a broker: one pool for threads, one for each event loop.

    They make a client per request cheap: no TLS context, no handshake. The environment's proxies are honoured (`proxies`).
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._here = PerProcess(_Transports)

    def client(self, auth: httpx.Auth, **options: Any) -> httpx.Client:
        """Return a client for Monite's API. It needs no closing, unless it has a transport of its own."""
        if OWN_TRANSPORT & options.keys():
            options |= connection_options(self._settings, options)
        else:
            self._transport()  # now, so that what is wrong with the environment is told here
            options["transport"] = _Borrowed(self._transport)
        return httpx.Client(**{"base_url": self._settings.base_url, "auth": auth, **options})

    def aclient(self, auth: httpx.Auth, **options: Any) -> httpx.AsyncClient:
        """Return a client for the running event loop, and for later ones, as `client` does."""
        if OWN_TRANSPORT & options.keys():
            options |= connection_options(self._settings, options)
        else:
            self._async_transport()
            options["transport"] = _AsyncBorrowed(self._async_transport)
        return httpx.AsyncClient(**{"base_url": self._settings.base_url, "auth": auth, **options})

    def _transport(self) -> httpx.HTTPTransport:
        here = self._here()
        with here.lock:
            if here.of_threads is None:
                here.of_threads = httpx.HTTPTransport(**connection_options(self._settings))
            return here.of_threads

    def _async_transport(self) -> _AsyncPool:
        loop, here = asyncio.get_running_loop(), self._here()
        with here.lock:
            pool = here.by_loop.get(loop)
            if pool is None:
                pool = _AsyncPool(lambda: here.by_loop.pop(loop, None), connection_options(self._settings))
                here.by_loop[loop] = pool
            return pool

    def close(self) -> None:
        """Close the threads' connections."""
        here = self._here()
        with here.lock:
            transport, here.of_threads = here.of_threads, None
        if transport is not None:
            transport.close()

    async def aclose(self) -> None:
        """Close the running event loop's connections."""
        here = self._here()
        with here.lock:
            transport = here.by_loop.pop(asyncio.get_running_loop(), None)
        if transport is not None:
            await transport.aclose()
