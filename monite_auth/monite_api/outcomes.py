"""What an answer about a token can mean. Every answer, however odd, becomes exactly one of these, or a `Fault`."""

from typing import NamedTuple

from monite_auth.monite_api.answers import Fault, Response, quotable, request_id_of
from monite_auth.monite_api.pauses import is_final, requested_pause
from monite_auth.monite_api.requests import Request
from monite_auth.tokens import Secret

__all__ = [
    "Astray",
    "BadCredentials",
    "Gone",
    "Granted",
    "Refused",
    "Revoked",
    "Throttled",
    "Unusable",
    "read_failure",
]


class Granted(NamedTuple):
    """A token was minted; it lives for `life` seconds from when the request was sent."""

    value: Secret
    life: float


class Unusable(NamedTuple):
    """A token was minted that cannot be used. It is alive at Monite for `life` seconds, and has to be revoked."""

    value: Secret
    life: float
    reason: str
    request_id: str | None = None


class Revoked:
    """The token was alive and is revoked now."""


class Gone:
    """The token was already revoked, expired or unknown: nothing is left to do."""


class BadCredentials(NamedTuple):
    """Monite does not accept the client ID and secret."""

    message: str
    request_id: str | None = None


class Refused(NamedTuple):
    """Monite understood and says no; asking again would not help."""

    status: int
    message: str
    request_id: str | None = None


class Astray(NamedTuple):
    """Something refused that is not Monite's token endpoint: the address is wrong, or the network answers instead.

    `seen`: what the answer was, for the application's developer.
    """

    seen: str
    request_id: str | None = None


class Throttled(NamedTuple):
    """The request limit is used up; `retry_after` in seconds."""

    retry_after: float
    request_id: str | None = None


def read_failure(
    request: Request, answer: Response, *, now: float
) -> BadCredentials | Refused | Throttled | Fault:
    """Return what an answer means that is no success; `now`: epoch seconds, for dates in it."""
    message, pause = quotable(answer, *request.secrets), requested_pause(answer, now=now)
    if answer.status == 401:
        return BadCredentials(message, request_id_of(answer))
    if answer.status == 429:
        return Throttled(pause or 0.0, request_id_of(answer))
    if is_final(answer.status):
        return Refused(answer.status, message, request_id_of(answer))
    return Fault(f"status {answer.status}", request_id_of(answer), pause)
