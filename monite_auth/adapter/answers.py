"""A token, an error, or what Monite said, as an HTTP answer: status, headers, body. Each adapter translates it once.

Answers are for end users and their browsers: they carry an error's public message, never what it tells developers. That
goes to the log.
"""

import ipaddress
import json
import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from monite_auth.adapter.error_log import log_error
from monite_auth.errors import ConfigurationError, MoniteAuthError
from monite_auth.outbound import unreachable
from monite_auth.settings import Settings
from monite_auth.tokens import AccessToken

__all__ = [
    "NO_STORE",
    "PRIVATE",
    "Answer",
    "error_answer",
    "error_behind",
    "forward",
    "kept_private",
    "origins",
    "refuse",
    "refuse_token_request",
    "token_answer",
]

PRIVATE = "private, no-store"
"""The Cache-Control of what depends on a person's token. Both words: Django's cache middleware keeps what only says no-store."""

NO_STORE = {
    "Cache-Control": PRIVATE,
    "Pragma": "no-cache",  # RFC 6749, section 5.1, wants both
    "Vary": "Cookie, Authorization",  # for caches that keep it all the same
    "X-Content-Type-Options": "nosniff",
}

FORWARDED = ("content-type", "content-disposition", "retry-after", "x-request-id")
"""Headers of Monite's that say something about the answer's content, and nothing about its transport."""


DEFAULT_PORTS = {"http": 80, "https": 443}

PLACE = re.compile(r"(\[[0-9a-f:.]*:[0-9a-f:.]*\]|[a-z0-9._~-]+)(:[0-9]*)?", re.IGNORECASE)
"""A host, or an IPv6 address in brackets, and a port: nothing else stands in an origin."""

NO_ORIGINS = {"", "null", "file", "ftp", "ws", "wss", "data", "blob", "about", "javascript", "filesystem"}
"""Schemes that no page has an origin of: browsers send "null" for them, or never load pages from there."""


def kept_private(said: str) -> str:
    """Return the Cache-Control of an answer that depends on a token, where its view has said this, or nothing.

    `private` is added to what it has said; but who said `public` meant it.
    """
    if not said.strip():
        return PRIVATE
    return said if {"public", "private"} & set(re.findall(r"[a-z-]+", said.lower())) else f"{said}, private"


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer, of no framework."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def token_answer(token: AccessToken) -> Answer:
    """Return the token as Monite's browser SDK wants it: `{access_token, token_type, expires_in}`."""
    return _json(
        200,
        {
            "access_token": token.value.reveal(),
            "token_type": "Bearer",
            "expires_in": math.floor(token.expires_in),
        },
    )


def error_answer(error: MoniteAuthError, *, accept: str = "") -> Answer:
    """Return the answer for an error that ends a request; a sentence for who accepts HTML, else JSON."""
    extra = {} if error.retry_after is None else {"Retry-After": str(math.ceil(error.retry_after))}
    if "text/html" in accept:
        headers = {"Content-Type": "text/plain; charset=utf-8", **NO_STORE, **extra}
        return Answer(error.status_hint, headers, error.public_message.encode())
    return _problem(error.status_hint, error.code, error.public_message, **extra)


def refuse(error: MoniteAuthError, *, accept: str = "") -> Answer:
    """Return the answer for an error that ends a request, and leave what it tells developers in the log."""
    log_error(error)
    return error_answer(error, accept=accept)


def forward(response: Any) -> Answer:
    """Return Monite's answer to a call as the app's own: its status, its body, and the headers that belong to them.

    `response`: httpx's or httpx2's, read whole. What Monite refuses keeps its status; but its 401 becomes a 502, since to
    the browser it would say that the *user* has to log in.
    """
    status = 502 if response.status_code == 401 else response.status_code
    kept = {name.title(): response.headers[name] for name in FORWARDED if name in response.headers}
    return Answer(status, {**kept, **NO_STORE}, response.content)


def error_behind(error: BaseException, settings: Settings) -> MoniteAuthError | None:
    """Return the error of ours that an exception is about, or None where it is the app's own matter.

    It is ours itself; or a group (of a TaskGroup) that holds nothing else, then the first in it; or what httpx raised
    because Monite could not be reached.
    """
    if isinstance(error, MoniteAuthError):
        return error
    if isinstance(error, BaseExceptionGroup):
        behind = [error_behind(each, settings) for each in error.exceptions]
        return behind[0] if None not in behind else None
    return unreachable(error, settings)


def origins(given: Collection[str]) -> frozenset[str]:
    """Return origins as browsers write them; raise ConfigurationError for what can be none.

    Pages in a native shell have schemes of their own: `capacitor://localhost`, `tauri://localhost`,
    `chrome-extension://…`. Where the web is shown, nobody but that app has them. One string is refused, since it would be taken for a collection of its letters, or worse.
    """
    if isinstance(given, str) or not isinstance(given, Collection):
        raise ConfigurationError(
            f'allowed_origins is a list of origins, such as ["https://app.example.com"], not {given!r}.'
        )
    return frozenset(_origin(each) for each in given)


def _origin(given: object) -> str:
    origin = _as_browsers_write_it(given)
    if origin is None:
        raise ConfigurationError(
            f"allowed_origins has {given!r}, which is no origin: write it as browsers do, https://app.example.com, or "
            "capacitor://localhost for an app's own pages."
        )
    return origin


def _as_browsers_write_it(given: object) -> str | None:
    """Return an origin by the rules of browsers (WHATWG URL, "origin"; RFC 6454, section 6.1), or None for what is none.

    With http and https they write hosts in lower case and leave the usual port out. Schemes of native apps they pass on as
    they are.
    """
    if not isinstance(given, str) or not given.isascii() or not given.isprintable():
        return None
    try:
        parts = urlsplit(given)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if not host or not PLACE.fullmatch(parts.netloc) or parts.path not in ("", "/") or set(given) & set("?#"):
        return None
    if parts.scheme in NO_ORIGINS:
        return None
    try:
        host = f"[{ipaddress.IPv6Address(host)}]" if ":" in host else host
    except ValueError:
        return None
    if parts.scheme not in DEFAULT_PORTS:
        return f"{parts.scheme}://{parts.netloc.removesuffix(':')}"
    return f"{parts.scheme}://{host}" + ("" if port in (None, DEFAULT_PORTS[parts.scheme]) else f":{port}")


def refuse_token_request(
    method: str, headers: Mapping[str, str], *, allowed_origins: Collection[str] = ()
) -> Answer | None:
    """Return the refusal of a request to the token endpoint, or None when it may be answered.

    Browsers say where a request comes from (`Sec-Fetch-Site`; older ones, `Origin`). Only the app's own pages get
    a token, and those of `allowed_origins` (see `origins`). `headers` has names in lower case.
    """
    if method not in ("GET", "POST"):
        return _problem(405, "method_not_allowed", "Use GET or POST.", Allow="GET, POST")
    origin = headers.get("origin")
    if origin is not None and origin in allowed_origins:
        return None
    site = headers.get("sec-fetch-site")
    if site is not None:
        is_own = site in ("same-origin", "none")  # none: the user's own doing, no page's
    else:
        is_own = origin is None or _is_of_host(origin, headers.get("host", ""))
    return None if is_own else _problem(403, "cross_site", "Tokens are for the app's own pages only.")


def _is_of_host(origin: str, host: str) -> bool:
    """Say whether an origin is a page of the host that is asked. Both come from the network, and may be anything."""
    scheme, _, _ = origin.partition("://")
    if scheme not in DEFAULT_PORTS:
        return False
    own = _as_browsers_write_it(f"{scheme}://{host}")
    return own is not None and own == _as_browsers_write_it(origin)


def _problem(status: int, code: str, message: str, **headers: str) -> Answer:
    return _json(status, {"error": {"code": code, "message": message}}, **headers)


def _json(status: int, content: Any, **headers: str) -> Answer:
    return Answer(
        status, {"Content-Type": "application/json", **NO_STORE, **headers}, json.dumps(content).encode()
    )
