"""Tokens that Monite grants: what an answer to `mint_request` means.

What Monite promises is in its API reference, "Access tokens". What arrives can be anything all the same.
"""

import re
from typing import Any

from monite_auth.monite_api.answers import Fault, Response, json_of, request_id_of
from monite_auth.monite_api.outcomes import (
    Astray,
    BadCredentials,
    Granted,
    Refused,
    Throttled,
    Unusable,
    read_failure,
)
from monite_auth.monite_api.refusals import is_about_entity_user
from monite_auth.monite_api.requests import Request
from monite_auth.tokens import SAFETY, Secret

__all__ = ["ASSUMED_LIFE", "LONGEST_LIFE", "bearer_of", "read_mint", "token_body"]

ASSUMED_LIFE = 24 * 3600.0
"""Seconds that a token is taken to live where Monite does not say: the longest in Monite's documents."""

LONGEST_LIFE = 366 * 24 * 3600
"""Seconds. A life beyond a year is a mistake: milliseconds, or a date."""

# RFC 6749, A.12 allows spaces as well, which no bearer token may hold (RFC 6750, 2.1). Anything beyond would let an answer
# write headers of ours.
_TOKEN = re.compile(r"[\x21-\x7e]{1,8192}", re.ASCII)


def read_mint(
    request: Request, answer: Response | Fault, *, now: float, shortest_life: float = SAFETY
) -> Granted | Unusable | BadCredentials | Refused | Astray | Throttled | Fault:
    """Return what an answer to `mint_request` means.

    `now`: epoch seconds, for dates in it. `shortest_life`: seconds; a token that lives no longer is unusable.
    """
    if isinstance(answer, Fault):
        return answer
    if 200 <= answer.status < 300:
        return _read_grant(answer, shortest_life)
    failure = read_failure(request, answer, now=now)
    if isinstance(failure, Refused) and not is_about_entity_user(answer.status, json_of(answer)):
        return Astray(_seen(answer, failure.message), failure.request_id)
    return failure


def bearer_of(text: str) -> Secret | None:
    """Return the token of what a person has copied, from an `Authorization` header perhaps; None where it is none."""
    words = text.split()
    if words and words[0].lower() == "bearer":
        del words[0]
    return Secret(words[0]) if len(words) == 1 and _TOKEN.fullmatch(words[0]) else None


def token_body(value: Secret, expires_in: int) -> dict[str, str | int]:
    """Return the JSON that Monite's browser SDK expects of a token: what `POST /auth/token` answers with."""
    return {"access_token": value.reveal(), "token_type": "Bearer", "expires_in": expires_in}


def _read_grant(answer: Response, shortest_life: float) -> Granted | Unusable | Fault:
    request_id = request_id_of(answer)
    body = json_of(answer)
    if not isinstance(body, dict):
        return Fault("the answer is no JSON object", request_id)
    text, life, kind = body.get("access_token"), _life(body.get("expires_in")), body.get("token_type")
    if not isinstance(text, str) or not _TOKEN.fullmatch(text):
        return Fault("access_token is missing or no bearer token", request_id)
    value = Secret(text)
    if kind is not None and not (isinstance(kind, str) and kind.lower() == "bearer"):
        return Unusable(value, life or ASSUMED_LIFE, "token_type is not Bearer", request_id)
    if life is None or life <= shortest_life:
        reason = f"expires_in is not between {shortest_life:g} seconds and a year"
        return Unusable(value, life or ASSUMED_LIFE, reason, request_id)
    return Granted(value, life)


def _life(expires_in: Any) -> float | None:
    """Return a life in seconds, whether it was written as a number or as text; None where it is none."""
    if isinstance(expires_in, str) and re.fullmatch(
        r"\s*[0-9]{1,12}(\.[0-9]{1,12})?\s*", expires_in, re.ASCII
    ):
        expires_in = float(expires_in)
    if isinstance(expires_in, bool) or not isinstance(expires_in, int | float):
        return None
    return float(expires_in) if 0 < expires_in <= LONGEST_LIFE else None


def _seen(answer: Response, message: str) -> str:
    """Return a few words about what came instead of Monite's answer."""
    kind = re.match(r"[\w/.+-]{0,50}", answer.headers.get("content-type", ""), re.ASCII)
    said = f"{message!r}" if message else kind[0] if kind else ""
    return f"{answer.status} {said or 'with nothing to read'}"
