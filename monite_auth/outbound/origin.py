"""The origin of a URL of httpx or httpx2, to compare."""

from typing import Any

from monite_auth.configuration.addresses import DEFAULT_PORTS

__all__ = ["origin_of"]


def origin_of(url: Any) -> tuple[str, str, int | None]:
    """Return scheme, host and port; the port is there also where the URL leaves it out."""
    return url.scheme, url.host, url.port or DEFAULT_PORTS.get(url.scheme)
