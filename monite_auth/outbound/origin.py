"""The origin of a URL of httpx or httpx2, to compare, and the URL of Monite's API."""

from functools import lru_cache
from typing import Any

import httpx

from monite_auth.configuration.addresses import DEFAULT_PORTS

__all__ = ["origin_of", "parsed_base"]


def origin_of(url: Any) -> tuple[str, str, int | None]:
    """Return scheme, host and port; the port is there also where the URL leaves it out."""
    return url.scheme, url.host, url.port or DEFAULT_PORTS.get(url.scheme)


@lru_cache(maxsize=64)
def parsed_base(base_url: str) -> httpx.URL:
    """Return the URL of Monite's API, with a slash at its end, as clients have it.

    It is parsed once, since apps make a client for each request.
    """
    return httpx.URL(f"{base_url}/")
