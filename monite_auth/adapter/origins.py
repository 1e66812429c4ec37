"""Origins of pages that may have a user's token: how browsers write them, and which are the app's own.

Nothing here knows a framework, a token, or an answer.
"""

import ipaddress
import re
from collections.abc import Collection
from urllib.parse import urlsplit

from monite_auth.configuration.addresses import DEFAULT_PORTS
from monite_auth.errors import ConfigurationError

__all__ = ["is_origin_of_host", "parse_origins"]

PLACE = re.compile(r"(\[[0-9a-f:.]*:[0-9a-f:.]*\]|[a-z0-9._~-]+)(:[0-9]*)?", re.IGNORECASE)
"""A host, or an IPv6 address in brackets, and a port: nothing else stands in an origin."""

NO_ORIGINS = {"", "null", "file", "ftp", "ws", "wss", "data", "blob", "about", "javascript", "filesystem"}
"""Schemes without an origin of their own: browsers send "null" for them, or never load pages from there."""


def parse_origins(given: Collection[str]) -> frozenset[str]:
    """Return origins as browsers write them.

    `given`: for example `["https://app.example.com"]`. Pages in a native shell have schemes of their own, such as
    `capacitor://localhost`, `tauri://localhost` or `chrome-extension://…`; on the web only that app has them.

    Raises ConfigurationError for anything that is no origin, and for a single string, which would be taken for a
    collection of its letters.
    """
    if isinstance(given, str) or not isinstance(given, Collection):
        raise ConfigurationError(
            f'allowed_origins is a list of origins, such as ["https://app.example.com"], not {given!r}.'
        )
    return frozenset(_parse(each) for each in given)


def is_origin_of_host(origin: str, host: str) -> bool:
    """Return whether an origin is a page of the host that is asked. Both come from the network, and may be anything."""
    scheme, _, _ = origin.partition("://")
    if scheme not in DEFAULT_PORTS:
        return False
    own = _normalized(f"{scheme}://{host}")
    return own is not None and own == _normalized(origin)


def _parse(given: object) -> str:
    origin = _normalized(given)
    if origin is None:
        raise ConfigurationError(
            f"allowed_origins has {given!r}, which is no origin: write it as browsers do, https://app.example.com, or "
            "capacitor://localhost for an app's own pages."
        )
    return origin


def _normalized(given: object) -> str | None:
    """Return an origin by the rules of browsers (WHATWG URL, "origin"; RFC 6454, section 6.1), or None if it is none.

    With http and https, browsers write hosts in lower case and leave out the usual port. They pass on the schemes of
    native apps as they are.
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
