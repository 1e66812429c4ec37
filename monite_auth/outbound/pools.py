"""Connections to Monite that all clients of a broker share."""

import threading
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import httpx

from monite_auth.configuration.proxies import connection_options, transport_options
from monite_auth.engine.loop_sockets import LoopSockets
from monite_auth.engine.transport import httpcore_of, replace_network
from monite_auth.outbound.origin import parsed_base
from monite_auth.processes.lifetimes import PerLoop, PerProcess
from monite_auth.settings import Settings

__all__ = ["Pools"]


LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=20)
"""As many connections as there are calls. A bound would let a few pages that read slowly keep everybody else waiting."""


class _Borrowed(httpx.BaseTransport):
    """The shared transport as one client sees it: closing the client leaves the transport open.

    It is looked up for each request, because a client may have been made before its process forked.
    """

    def __init__(self, shared: Callable[[], httpx.BaseTransport]) -> None:
        self._shared = shared

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._shared().handle_request(request)


class _AsyncBorrowed(httpx.AsyncBaseTransport):
    """The shared transport of whichever event loop is running; see _Borrowed."""

    def __init__(self, shared: Callable[[], httpx.AsyncBaseTransport]) -> None:
        self._shared = shared

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._shared().handle_async_request(request)


OWN_TRANSPORT = {"transport", "mounts", "proxy", "verify", "cert", "http1", "http2", "limits", "trust_env"}
"""Options that a shared transport cannot honour: a client with one of them gets a transport of its own."""


class _Transports:
    """The open transports of one process.

    They share what `options` returns: to read the certificates takes 25 ms and a megabyte, and some event loops live for one
    request only.
    """

    def __init__(self, options: Callable[[], dict[str, Any]]) -> None:
        self.lock = threading.Lock()
        self.options = cache(options)
        self.of_threads: httpx.HTTPTransport | None = None
        self.of_loop = PerLoop(self._new_of_loop)

    def _new_of_loop(self) -> httpx.AsyncHTTPTransport:
        transport = httpx.AsyncHTTPTransport(limits=LIMITS, **self.options())
        replace_network(transport, lambda _: LoopSockets(httpcore_of(httpx)))
        return transport


class Pools:
    """Connections to Monite, shared by all clients of a broker: one pool for threads, one for each event loop.

    So a client per request is cheap: no TLS context, no handshake. Proxies of the environment are used (`configuration.proxies`).
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._here = PerProcess(
            partial(_Transports, partial(transport_options, settings, httpx.create_ssl_context))
        )

    def client(self, auth: httpx.Auth, **options: Any) -> httpx.Client:
        """Return a client for Monite's API. It needs no closing, unless it has a transport of its own.

        `options`: httpx's. Raises ConfigurationError for a proxy or certificates that cannot be used.
        """
        if OWN_TRANSPORT & options.keys():
            options |= connection_options(self._settings, options)
        else:
            self._transport()  # now, so that a mistake in the environment is raised here
            options["transport"] = _Borrowed(self._transport)
        return httpx.Client(**{"base_url": parsed_base(self._settings.base_url), "auth": auth, **options})

    def aclient(self, auth: httpx.Auth, **options: Any) -> httpx.AsyncClient:
        """Return a client for the running event loop, and for later ones, as `client` does."""
        if OWN_TRANSPORT & options.keys():
            options |= connection_options(self._settings, options)
        else:
            self._here().of_loop()
            options["transport"] = _AsyncBorrowed(lambda: self._here().of_loop())
        return httpx.AsyncClient(
            **{"base_url": parsed_base(self._settings.base_url), "auth": auth, **options}
        )

    def _transport(self) -> httpx.HTTPTransport:
        here = self._here()
        with here.lock:
            if here.of_threads is None:
                here.of_threads = httpx.HTTPTransport(limits=LIMITS, **here.options())
            return here.of_threads

    def close(self) -> None:
        """Close the threads' connections."""
        here = self._here()
        with here.lock:
            transport, here.of_threads = here.of_threads, None
        if transport is not None:
            transport.close()

    async def aclose(self) -> None:
        """Close the running event loop's connections."""
        transport = self._here().of_loop.existing()
        if transport is not None:
            await transport.aclose()
