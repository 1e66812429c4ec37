"""How a request of ours travels over HTTP: the client library, its options and timeouts, and what it raises as a Fault.

The only module of the engine that names the HTTP library. `blocking` and `event_loop` send with it.
"""

import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy
from importlib import import_module
from types import ModuleType
from typing import Any

from monite_auth.configuration import proxies
from monite_auth.engine.loop_sockets import LoopSockets
from monite_auth.engine.network import BlockingNetwork
from monite_auth.monite_api.answers import Fault, Response, masked
from monite_auth.monite_api.requests import Request
from monite_auth.settings import Settings

try:  # the maintained successor of httpx, same interface
    import httpx2 as httpx
except ImportError:
    import httpx  # type: ignore[no-redef]  # one of the two

__all__ = [
    "Body",
    "Connections",
    "UnreadableAnswer",
    "as_faults",
    "as_sent",
    "async_client",
    "blocking_client",
    "httpcore_of",
    "httpx",
    "replace_network",
    "response_of",
    "timeouts",
    "transport_options",
]


def httpcore_of(library: ModuleType) -> ModuleType:
    """Return the library that makes the connections of httpx, or of httpx2.

    They import it for their first client, and that takes 20 ms. So a broker imports it when it is made: no request has to wait.
    """
    return import_module(library.__name__.replace("httpx", "httpcore"))


def transport_options(settings: Settings) -> dict[str, Any]:
    """Return the arguments for a transport of the client library."""
    return proxies.transport_options(settings, httpx.create_ssl_context)


def blocking_client(options: dict[str, Any]) -> httpx.Client:
    """Return a client for threads, whose requests keep the current `Deadline`. `options`: its transport's."""
    transport = httpx.HTTPTransport(**options)
    replace_network(transport, BlockingNetwork)
    return httpx.Client(transport=transport, cookies=_no_cookies(), trust_env=False)


def async_client(options: dict[str, Any]) -> httpx.AsyncClient:
    """Return a client for the running event loop. `options`: its transport's."""
    transport = httpx.AsyncHTTPTransport(**options)
    replace_network(transport, lambda _: LoopSockets(httpcore_of(httpx)))
    return httpx.AsyncClient(transport=transport, cookies=_no_cookies(), trust_env=False)


def replace_network(transport: Any, network: Callable[[Any], object]) -> None:
    """Put `network` between a transport and its connections. The pools of both libraries take one; their transports do not."""
    pool = transport._pool  # noqa: SLF001
    pool._network_backend = network(pool._network_backend)  # noqa: SLF001


class Connections:
    """Connections that threads share: a client, made when it is first needed, and again after `close`.

    `options` returns the transport's options, and may return the same ones each time.
    """

    def __init__(self, options: Callable[[], dict[str, Any]]) -> None:
        self._options = options
        self._client: httpx.Client | None = None
        self._lock = threading.Lock()

    def client(self) -> httpx.Client:
        """Return the client to send with. Raises ConfigurationError for a proxy or certificates that cannot be used."""
        with self._lock:
            if self._client is None:
                self._client = blocking_client(self._options())
            return self._client

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()


def _no_cookies() -> CookieJar:
    """Return a jar that stays empty: what Monite sets for one user must not travel with another's request."""
    return CookieJar(DefaultCookiePolicy(allowed_domains=[]))


def timeouts(settings: Settings, within: float) -> httpx.Timeout:
    """Return the timeouts of one request; waiting for a free connection is part of the caller's own patience."""
    return httpx.Timeout(
        connect=min(settings.connect_timeout, within),
        read=min(settings.read_timeout, within),
        write=min(settings.read_timeout, within),
        pool=within,
    )


def as_sent(request: Request) -> dict[str, Any]:
    """Return the arguments that a client sends a request with."""
    # Not compressed: a short answer may unpack to a long one.
    headers = {**request.headers, "Accept-Encoding": "identity"}
    return {
        "method": request.method,
        "url": request.url,
        "headers": headers,
        "content": request.body.reveal() or None,
    }


class UnreadableAnswer(Exception):
    """An answer that is not read to its end; the text says why."""


class Body:
    """The body of an answer as it arrives: never longer than `longest` bytes, even if it is compressed.

    Some gateways compress what nobody asked them to. Only gzip is unpacked. All methods raise UnreadableAnswer.
    """

    def __init__(self, response: httpx.Response, longest: int) -> None:
        self._longest = longest
        self._content = b""
        encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
        if encoding not in ("identity", "gzip"):
            raise UnreadableAnswer("the answer is compressed in another way than gzip")
        self._gzip = zlib.decompressobj(zlib.MAX_WBITS | 16) if encoding == "gzip" else None

    def add(self, received: bytes) -> None:
        """Take the next bytes of the answer, as they were received."""
        if self._gzip is not None:
            try:
                received = self._gzip.decompress(received, self._longest + 1 - len(self._content))
            except zlib.error:
                raise UnreadableAnswer("the answer is no gzip") from None
        self._content += received
        if len(self._content) > self._longest:
            raise UnreadableAnswer("the answer is too long")

    @property
    def content(self) -> bytes:
        """What has arrived, unpacked."""
        return self._content


def response_of(response: httpx.Response, body: Body) -> Response:
    """Return an answer as the engine has it: headers by their names in small letters."""
    return Response(
        response.status_code,
        {name.lower(): value for name, value in response.headers.items()},
        body.content,
    )


@contextmanager
def as_faults() -> Iterator[list[Fault]]:
    """Turn what the HTTP library raises into a Fault.

    Its exceptions hold the whole request, the secret included, so they end here and are nobody's cause. What they say may
    quote a header of ours, or bytes of an answer.
    """
    faults: list[Fault] = []
    try:
        yield faults
    except TimeoutError as error:
        faults.append(Fault(str(error) or "timeout"))
    except UnreadableAnswer as error:
        faults.append(Fault(str(error)))
    except (httpx.LocalProtocolError, UnicodeError) as error:
        faults.append(Fault(f"{type(error).__name__}: the request cannot be written"))
    except (httpx.RequestError, httpx.InvalidURL, OSError) as error:
        kind, said = type(error).__name__, masked(str(error))
        faults.append(Fault(f"{kind}: {said}" if said else kind))
