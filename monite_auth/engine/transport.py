"""How a request of ours travels over HTTP: the client library, its options and timeouts, and what it raises as a Fault.

The only module of the engine that names the HTTP library. `blocking` and `event_loop` send with it.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

from monite_auth.configuration.proxies import connection_options
from monite_auth.monite_api.answers import Fault, Response, masked
from monite_auth.monite_api.requests import Request
from monite_auth.settings import Settings

try:  # the maintained successor of httpx, same interface
    import httpx2 as httpx
except ImportError:
    import httpx  # type: ignore[no-redef]  # one of the two

__all__ = [
    "GRACE",
    "Connections",
    "Timeouts",
    "as_faults",
    "as_sent",
    "client_options",
    "httpx",
    "response_of",
]

GRACE = 1.0
"""Seconds for the rest of an answer that began to arrive in time, where the time is over: a process that was stopped for a
while finds it waiting, and it may hold a token."""


def client_options(settings: Settings) -> dict[str, Any]:
    """Return the arguments for a client: where its connections go, and no cookies."""
    options: dict[str, Any] = {"cookies": _no_cookies(), **connection_options(settings)}
    if options["verify"] is True:  # else each client that is made reads the usual certificates
        options["verify"] = httpx.create_ssl_context(trust_env=False)
    return options


class Connections:
    """Connections that threads share: a client, made when it is first needed, and again after `close`.

    `options` returns the client's options, and may return the same ones each time.
    """

    def __init__(self, options: Callable[[], dict[str, Any]]) -> None:
        self._options = options
        self._client: httpx.Client | None = None
        self._lock = threading.Lock()

    def client(self) -> httpx.Client:
        """Return the client to send with. Raises ConfigurationError for a proxy or certificates that cannot be used."""
        with self._lock:
            if self._client is None:
                self._client = httpx.Client(**self._options())
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


class Timeouts(Mapping[str, float]):
    """The timeouts of one request: none goes beyond the end of its time, however long the steps before have taken.

    The HTTP library counts each step for itself, and asks as the step begins: for a connection from its pool, to connect,
    to write, to read. With plain numbers an attempt to mint could outlast its lease: 3 s to connect, and 5 s to read.
    `within`: seconds for all steps. `now`: seconds of a clock that is never set back.
    """

    def __init__(
        self, settings: Settings, within: float, *, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._now = now
        self._ends = now() + within
        self._longest = {
            "pool": within,  # waiting for a free connection is part of the caller's own patience
            "connect": min(settings.connect_timeout, within),
            "write": min(settings.read_timeout, within),
            "read": min(settings.read_timeout, within),
        }

    def __getitem__(self, step: str) -> float:
        """Return the seconds that a step may take that begins now."""
        return min(self._longest[step], max(GRACE, self._ends - self._now()))

    def __iter__(self) -> Iterator[str]:
        """Iterate over the steps."""
        return iter(self._longest)

    def __len__(self) -> int:
        """Return the number of steps."""
        return len(self._longest)


def as_sent(request: Request) -> dict[str, Any]:
    """Return the arguments that a client sends a request with."""
    return {
        "method": request.method,
        "url": request.url,
        "headers": request.headers,
        "content": request.body.reveal() or None,
    }


def response_of(response: httpx.Response, body: bytes) -> Response:
    """Return an answer as the engine has it: headers by their names in small letters."""
    return Response(
        response.status_code, {name.lower(): value for name, value in response.headers.items()}, body
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
    except TimeoutError:
        faults.append(Fault("timeout"))
    except (httpx.LocalProtocolError, UnicodeError) as error:
        faults.append(Fault(f"{type(error).__name__}: the request cannot be written"))
    except (httpx.RequestError, httpx.InvalidURL, OSError) as error:
        kind, said = type(error).__name__, masked(str(error))
        faults.append(Fault(f"{kind}: {said}" if said else kind))
