"""Which headers pass between a browser and Monite: these, and no others.

The browser's cookies, its idea of a token and of an entity, and what proxies have told the app stay here. So does a cookie of
Monite's. Hop-by-hop headers (RFC 9110, section 7.6.1), those named in `Connection` included, are about one connection only.
"""

import re
from collections.abc import Collection, Mapping

from monite_auth.adapter.answers import NO_STORE
from monite_auth.monite_api.headers import REQUEST_ID, RETRY_AFTER, VERSION

__all__ = ["answer_headers", "request_headers"]

REQUEST = (
    "accept",
    "accept-encoding",
    "accept-language",
    "content-encoding",
    "content-length",
    "content-type",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "range",
    VERSION,
)
"""The browser's headers that Monite gets, besides the token and the entity, which are the server's."""

ANSWER = (
    "accept-ranges",
    "content-encoding",
    "content-language",
    "content-length",
    "content-range",
    "content-type",
    "etag",
    "last-modified",
    REQUEST_ID,
    RETRY_AFTER,
)
"""Monite's headers that the browser gets."""

JSON = re.compile(r"application/([a-z0-9.+-]+\+)?json\s*(;[^,]*)?", re.IGNORECASE)
"""One type, and no list of them: browsers take the last one."""

GZIP = re.compile(r"\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))", re.IGNORECASE)
"""Says in Accept-Encoding that a browser takes gzip."""

CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
"""Characters that no value may have (RFC 9110, section 5.5). Some servers pass them on, and others break on them."""

WITHOUT_BODY = (204, 304)
"""Statuses of answers that have no body, whatever their Content-Length says. Some servers would wait for it."""

SANDBOX = "sandbox; default-src 'none'"
"""What users have uploaded must not run as a page of the app's."""


def request_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the browser's headers that go on to Monite. `headers`: with names in lower case."""
    hop = _named_in(headers.get("connection", ""))
    if "transfer-encoding" in headers:
        hop.add("content-length")  # beside chunks it does not count (RFC 9112, section 6.3)
    # Nothing that cannot be unpacked here: a refusal may be about the token.
    packed = GZIP.search(headers.get("accept-encoding", ""))
    passed = {**headers, "accept-encoding": "gzip" if packed else "identity"}
    return _filtered(REQUEST, passed, hop)


def answer_headers(status: int, headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers of the browser's answer. `status`, `headers`: those of Monite's."""
    hop = _named_in(headers.get("connection", ""))
    if "transfer-encoding" in headers or status in WITHOUT_BODY:
        hop.add("content-length")
    passed = {name.title(): value for name, value in _filtered(ANSWER, headers, hop).items()}
    if not JSON.fullmatch(passed.setdefault("Content-Type", "application/octet-stream")):
        passed["Content-Disposition"] = _as_attachment(headers.get("content-disposition", ""))
    return {**passed, **NO_STORE, "Content-Security-Policy": SANDBOX}


def _filtered(names: Collection[str], headers: Mapping[str, str], hop: Collection[str]) -> dict[str, str]:
    return {
        name: headers[name]
        for name in names
        if name in headers and name not in hop and not CONTROL.search(headers[name])
    }


def _named_in(connection: str) -> set[str]:
    return {name.strip().lower() for name in connection.split(",")}


def _as_attachment(disposition: str) -> str:
    """Return a Content-Disposition that has a browser save the content, under the name that Monite gives it."""
    _, semicolon, name = disposition.partition(";")
    return f"attachment;{name}" if semicolon and not CONTROL.search(name) else "attachment"
