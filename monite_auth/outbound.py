"""Calls to Monite's API: the token attached, and exchanged once when Monite says that it is dead.

Tokens stay home: they go to the configured origin only. Nothing here knows the broker; any `TokenSource` will do.
"""

import asyncio
import logging
import threading
from collections.abc import AsyncGenerator, Callable, Generator
from typing import Any, Protocol
from urllib.request import getproxies, proxy_bypass

import httpx

from monite_auth.identity import Partner, Principal
from monite_auth.lifetimes import close_with_loop
from monite_auth.settings import Settings
from monite_auth.tokens import AccessToken
from monite_auth.wire import speaks_of_dead_token

__all__ = ["BrokerAuth", "Pools", "TokenSource", "monite_headers"]

log = logging.getLogger("monite_auth")


class TokenSource(Protocol):
    """Where tokens come from: TokenBroker, for one."""

    settings: Settings

    def token(self, principal: Principal | Partner | None, *, min_ttl: float = 0) -> AccessToken:
        """Return a token."""

    async def atoken(self, principal: Principal | Partner | None, *, min_ttl: float = 0) -> AccessToken:
        """Return a token."""

    def reject(self, principal: Principal | Partner | None, token: AccessToken) -> None:
        """Take note that Monite does not accept `token`."""

    async def areject(self, principal: Principal | Partner | None, token: AccessToken) -> None:
        """Take note that Monite does not accept `token`."""


def monite_headers(settings: Settings, token: AccessToken) -> dict[str, str]:
    """Return the headers of a call: `Authorization`, `x-monite-version`, and the entity's id where there is one."""
    headers = {"Authorization": token.authorization, "x-monite-version": settings.api_version}
    if token.entity_user is not None:
        headers["x-monite-entity-id"] = token.entity_user.entity_id
    return headers


class BrokerAuth(httpx.Auth):
    """An httpx auth that attaches the principal's token; for `httpx.Client` and `httpx.AsyncClient`.

    Requests to another origin than `base_url`'s go out untouched. When Monite answers that the token is expired,
    revoked or unknown, the request is sent once more with a new one, if its body can be sent twice.
    """

    def __init__(self, source: TokenSource, principal: Principal | Partner | None) -> None:
        self._source = source
        self._principal = principal
        self._home = _origin(httpx.URL(source.settings.base_url))

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """See httpx.Auth."""
        if _origin(request.url) != self._home:
            yield request
            return
        token = self._source.token(self._principal)
        response = yield self._attach(request, token)
        if self._may_be_dead(response):
            response.read()
            if self._is_dead(response, token):
                self._source.reject(self._principal, token)
                if _can_be_sent_again(request):
                    yield self._attach(request, self._source.token(self._principal))

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """See httpx.Auth."""
        if _origin(request.url) != self._home:
            yield request
            return
        token = await self._source.atoken(self._principal)
        response = yield self._attach(request, token)
        if self._may_be_dead(response):
            await response.aread()
            if self._is_dead(response, token):
                await self._source.areject(self._principal, token)
                if _can_be_sent_again(request):
                    yield self._attach(request, await self._source.atoken(self._principal))

    def _attach(self, request: httpx.Request, token: AccessToken) -> httpx.Request:
        headers = monite_headers(self._source.settings, token)
        request.headers["Authorization"] = headers.pop("Authorization")
        for name, value in headers.items():
            request.headers.setdefault(name, value)
        return request

    def _may_be_dead(self, response: httpx.Response) -> bool:
        """Say whether it is worth reading the body; after a redirect it may be somebody else's."""
        return response.status_code in (400, 401, 403) and _origin(response.request.url) == self._home

    def _is_dead(self, response: httpx.Response, token: AccessToken) -> bool:
        dead = speaks_of_dead_token(response.status_code, response.content)
        if dead:
            log.info("Monite no longer accepts token %s; it is replaced.", token.fingerprint)
        return dead


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    port = url.port or {"http": 80, "https": 443}.get(url.scheme)
    return url.scheme, url.host, port


def _can_be_sent_again(request: httpx.Request) -> bool:
    """Say whether the body is still there: text, JSON and forms are, files where they can be rewound."""
    try:
        request.content  # noqa: B018 - raises where the body is a stream that was not read into memory
    except httpx.RequestNotRead:
        fields = getattr(request.stream, "fields", None)  # of a multipart body
        if fields is None or not all(_can_be_rewound(getattr(field, "file", b"")) for field in fields):
            log.warning("A request with a dead token was not sent again: its body is a stream, and spent.")
            return False
    return True


def _can_be_rewound(content: Any) -> bool:
    seekable = getattr(content, "seekable", None)
    return isinstance(content, str | bytes) or (seekable is not None and seekable())


class _Borrowed(httpx.BaseTransport):
    """A shared transport as one client sees it: closing the client leaves it open."""

    def __init__(self, transport: httpx.BaseTransport) -> None:
        self._transport = transport

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._transport.handle_request(request)


class _AsyncPool(httpx.AsyncHTTPTransport):
    """The shared transport of one event loop, closed with it. `forget` is called then."""

    def __init__(self, proxy: str | None, forget: Callable[[], object]) -> None:
        super().__init__(proxy=proxy)
        self._forget = forget
        self._loop_end = close_with_loop(self.aclose)

    async def aclose(self) -> None:
        self._forget()
        await super().aclose()


class _AsyncBorrowed(httpx.AsyncBaseTransport):
    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        self._transport = transport

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._transport.handle_async_request(request)


OWN_TRANSPORT = {"transport", "mounts", "proxy", "verify", "cert", "http1", "http2", "limits", "trust_env"}
"""Options of a client that a shared transport cannot honour: a client with one of them gets its own."""


class Pools:
    """Connections to Monite, shared by all clients of a broker: one pool for threads, one for each event loop.

    They make a client per request cheap: no TLS context, no handshake. The environment's proxies are honoured, as
    httpx does.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._transport: httpx.HTTPTransport | None = None
        self._async_transports: dict[asyncio.AbstractEventLoop, _AsyncPool] = {}

    def client(self, auth: httpx.Auth, **options: Any) -> httpx.Client:
        """Return a client for Monite's API. It needs no closing, unless it has a transport of its own."""
        if not OWN_TRANSPORT & options.keys():
            with self._lock:
                if self._transport is None:
                    self._transport = httpx.HTTPTransport(proxy=self._proxy())
                options["transport"] = _Borrowed(self._transport)
        return httpx.Client(**{"base_url": self._settings.base_url, "auth": auth, **options})

    def aclient(self, auth: httpx.Auth, **options: Any) -> httpx.AsyncClient:
        """Return a client for the running event loop, as `client` does."""
        if not OWN_TRANSPORT & options.keys():
            loop = asyncio.get_running_loop()
            with self._lock:
                pool = self._async_transports.get(loop)
                if pool is None:
                    pool = _AsyncPool(self._proxy(), lambda: self._async_transports.pop(loop, None))
                    self._async_transports[loop] = pool
            options["transport"] = _AsyncBorrowed(pool)
        return httpx.AsyncClient(**{"base_url": self._settings.base_url, "auth": auth, **options})

    def _proxy(self) -> str | None:
        url = httpx.URL(self._settings.base_url)
        if self._settings.is_local or proxy_bypass(url.host):
            return None
        proxies = getproxies()
        return proxies.get(url.scheme) or proxies.get("all")

    def close(self) -> None:
        """Close the threads' connections."""
        with self._lock:
            transport, self._transport = self._transport, None
        if transport is not None:
            transport.close()

    async def aclose(self) -> None:
        """Close the running event loop's connections."""
        with self._lock:
            transport = self._async_transports.pop(asyncio.get_running_loop(), None)
        if transport is not None:
            await transport.aclose()
