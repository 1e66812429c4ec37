"""Calls of an application that broke off, or that Monite turned away with a 429."""

import time
from typing import Any

import httpx

from monite_auth.errors import MoniteUnavailable
from monite_auth.monite_api.headers import DATE, RETRY_AFTER
from monite_auth.monite_api.pauses import seconds_to_wait
from monite_auth.outbound.origin import origin_of, parsed_base
from monite_auth.settings import Settings

try:
    import httpx2
except ImportError:
    httpx2 = None  # type: ignore[assignment]  # an extra

__all__ = ["BROKEN", "retry_after", "unreachable"]

_libraries: list[Any] = [httpx, httpx2]

BROKEN = tuple(
    kind
    for library in _libraries
    if library is not None
    for kind in (library.TransportError, library.DecodingError)
)
"""The errors that httpx and httpx2 raise when a call breaks, or when its answer is not packed as it says."""


def retry_after(response: Any) -> float | None:
    """Return for how many seconds Monite asks to be sent nothing: the `Retry-After` of a response, or None.

    Calls that are turned away with 429 are the application's own to repeat. `response` is httpx's or httpx2's.
    """
    header = response.headers.get(RETRY_AFTER)
    return (
        None if header is None else seconds_to_wait(header, date=response.headers.get(DATE), now=time.time())
    )


def unreachable(error: BaseException, settings: Settings) -> MoniteUnavailable | None:
    """Return our error for one that httpx, or httpx2, raises when a call to Monite breaks; None for any other.

    The exception itself holds the whole request, the token included, so it does not become the cause of ours.
    """
    if not isinstance(error, BROKEN):
        return None
    request = getattr(error, "_request", None)  # the property raises where there is none
    if request is None or origin_of(request.url) != origin_of(parsed_base(settings.base_url)):
        return None
    return MoniteUnavailable(f"A call to Monite broke off: {type(error).__name__}.", retry_after=1)
