"""Monite's requests built, and its answers read. Pure: no I/O, no clock, no state.

What Monite promises is in its API reference, "Access tokens"; what it may send all the same is anything. Every
answer, however odd, becomes exactly one of the outcomes below.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlencode

from monite_auth.identity import EntityUser
from monite_auth.monite_api.wording import (
    is_about_the_user,
    own_message,
    says_token_is_dead,
    says_token_is_gone,
)
from monite_auth.settings import Settings
from monite_auth.tokens import SAFETY, AccessToken, Secret

__all__ = [
    "ASSUMED_LIFE",
    "Astray",
    "BadCredentials",
    "Call",
    "Fault",
    "Gone",
    "Granted",
    "Refused",
    "Request",
    "Response",
    "Revoked",
    "Throttled",
    "Unusable",
    "bearer_of",
    "call_request",
    "json_of",
    "masked",
    "message_of",
    "mint_request",
    "names_dead_token",
    "pause_asked_for",
    "quotable",
    "read_mint",
    "read_revocation",
    "request_id_of",
    "retry_after",
    "revoke_request",
    "speaks_of_dead_token",
]


@dataclass(frozen=True, slots=True)
class Request:
    """One request to Monite; `body` is JSON. Body and headers hold secrets and do not print."""

    method: str
    url: str
    headers: dict[str, str] = field(repr=False)
    body: Secret = field(default_factory=lambda: Secret(""))
    secrets: tuple[Secret, ...] = ()
    """What an answer must not be quoted with: some servers repeat what they were sent. The client secret is the first."""

    longest_answer: int = 64 * 1024
    """Bytes that are read of an answer. An answer about a token has a few hundred."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call of the API: `path` without the base URL; `entity_id` of the entity that it is for, where it names one.

    What it says of a person does not print.
    """

    method: str
    path: str
    entity_id: str | None = None
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Response:
    """What came back. The body may hold a token and does not print."""

    status: int
    headers: dict[str, str] = field(repr=False)  # names in lower case
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Granted:
    """A token was minted; it lives for `life` seconds from when the request was sent."""

    value: Secret
    life: float


@dataclass(frozen=True, slots=True)
class Unusable:
    """A token was minted that cannot be used. It is alive at Monite, for `life` seconds, and has to be revoked."""

    value: Secret
    life: float
    reason: str
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Revoked:
    """The token was alive and is revoked now."""


@dataclass(frozen=True, slots=True)
class Gone:
    """The token was already revoked, expired or unknown: nothing is left to do."""


@dataclass(frozen=True, slots=True)
class BadCredentials:
    """Monite does not accept the client ID and secret."""

    message: str
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """Monite understood and says no; asking again would not help."""

    status: int
    message: str
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Astray:
    """Something refused, and not because of the entity user: a fault of the address or of the network.

    `seen`: what the answer was, for the application's developer.
    """

    seen: str
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Throttled:
    """The request limit is used up; `retry_after` in seconds."""

    retry_after: float
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """No answer, or none that makes sense: worth another try, after `retry_after` seconds where the answer said so."""

    reason: str
    request_id: str | None = None
    retry_after: float | None = None


def mint_request(settings: Settings, entity_user: EntityUser | None) -> Request:
    """Ask for the token of `entity_user`, or for the partner token where that is None."""
    body = {"grant_type": "client_credentials"}
    if entity_user is not None and entity_user.entity_user_id is not None:
        body = {"grant_type": "entity_user", "entity_user_id": entity_user.entity_user_id}
    return _post(settings, "/auth/token", body)


def revoke_request(settings: Settings, token: Secret) -> Request:
    """Ask to revoke `token`. The specification wants a bearer besides: the token itself is the one at hand."""
    return _post(settings, "/auth/revoke", {"token": token.reveal()}, token)


LONGEST_PAGE = 8 * 1024 * 1024
"""Bytes that are read of a list: a hundred roles, the most on one page, with all their permissions have about 1 MB."""


def call_request(settings: Settings, token: AccessToken, call: Call) -> Request:
    """Send `call` with `token`: for the entity that it names, or else for that of the token's entity user."""
    headers = {
        "Authorization": token.authorization,
        "Accept": "application/json",
        "x-monite-version": settings.api_version,
    }
    entity_user = token.entity_user
    entity_id = call.entity_id or (entity_user.entity_id if entity_user is not None else None)
    if entity_id is not None:
        headers["x-monite-entity-id"] = entity_id
    if call.body:
        headers["Content-Type"] = "application/json"
    return Request(
        method=call.method,
        url=settings.base_url + call.path + (f"?{urlencode(call.query)}" if call.query else ""),
        headers=headers,
        body=Secret(json.dumps(dict(call.body)) if call.body else ""),
        secrets=(token.value,),
        longest_answer=LONGEST_PAGE,
    )


def _post(settings: Settings, path: str, body: dict[str, str], token: Secret | None = None) -> Request:
    secret = settings.secret  # once: it may be another one a moment later
    credentials = {"client_id": settings.client_id, "client_secret": secret.reveal()}
    headers = {
        "Content-Type": "application/json",
        "Accept": "application/json",
        "x-monite-version": settings.api_version,
    }
    if token is not None:
        headers["Authorization"] = f"Bearer {token.reveal()}"
    return Request(
        method="POST",
        url=settings.base_url + path,
        headers=headers,
        body=Secret(json.dumps({**credentials, **body})),
        secrets=(secret, token) if token is not None else (secret,),
    )


def read_mint(
    request: Request, answer: Response | Fault, *, now: float
) -> Granted | Unusable | BadCredentials | Refused | Astray | Throttled | Fault:
    """Say what an answer to `mint_request` means; `now` (epoch seconds) is for dates in it."""
    if isinstance(answer, Fault):
        return answer
    if 200 <= answer.status < 300:
        return _read_grant(answer)
    failure = _read_failure(request, answer, now)
    if isinstance(failure, Refused) and not is_about_the_user(answer.status, json_of(answer)):
        return Astray(_seen(answer, failure.message), failure.request_id)
    return failure


def read_revocation(
    request: Request, answer: Response | Fault, *, now: float
) -> Revoked | Gone | BadCredentials | Refused | Throttled | Fault:
    """Say what an answer to `revoke_request` means. The token is dead only where Monite says so in its own form."""
    if isinstance(answer, Fault):
        return answer
    if answer.status == 204 or (answer.status in (200, 201) and _is_confirmation(json_of(answer))):
        return Revoked()
    if 200 <= answer.status < 300:
        return Fault(f"status {answer.status}, which is not what Monite answers", request_id_of(answer))
    # 401: the bearer of this request is the very token. 403 is what firewalls say.
    if answer.status in (400, 401, 404) and says_token_is_gone(json_of(answer)):
        return Gone()
    return _read_failure(request, answer, now)


def _is_confirmation(body: Any) -> bool:
    """Say whether this is `{"message": …}`, which Monite answers to a revocation."""
    return isinstance(body, dict) and isinstance(body.get("message"), str) and "error" not in body


def _read_failure(
    request: Request, answer: Response, now: float
) -> BadCredentials | Refused | Throttled | Fault:
    message = quotable(answer, *request.secrets)
    if answer.status == 401:
        return BadCredentials(message, request_id_of(answer))
    if answer.status == 429:
        return Throttled(pause_asked_for(answer, now=now) or 0.0, request_id_of(answer))
    if _is_final(answer.status):
        return Refused(answer.status, message, request_id_of(answer))
    return Fault(f"status {answer.status}", request_id_of(answer), pause_asked_for(answer, now=now))


def _seen(answer: Response, message: str) -> str:
    """Say what came instead of Monite's answer."""
    kind = re.match(r"[\w/.+-]{0,50}", answer.headers.get("content-type", ""), re.ASCII)
    said = f"{message!r}" if message else kind[0] if kind else ""
    return f"{answer.status} {said or 'with nothing to read'}"


# RFC 6749, A.12 allows spaces as well, which no bearer token may hold (RFC 6750, 2.1); anything beyond would let
# an answer write headers of ours.
_TOKEN = re.compile(r"[\x21-\x7e]{1,8192}", re.ASCII)


def bearer_of(text: str) -> Secret | None:
    """Return the token of what a person has copied, from an `Authorization` header perhaps; None where it is none."""
    words = text.split()
    if words and words[0].lower() == "bearer":
        del words[0]
    return Secret(words[0]) if len(words) == 1 and _TOKEN.fullmatch(words[0]) else None


LONGEST_LIFE = 366 * 24 * 3600
"""A life beyond a year, in seconds, is no life but a mistake: milliseconds, or a date."""

ASSUMED_LIFE = 24 * 3600.0
"""Seconds that a token is taken to live where Monite does not say: the longest in Monite's documents."""


def _read_grant(answer: Response) -> Granted | Unusable | Fault:
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
    if life is None or life <= SAFETY:
        reason = f"expires_in is not between {SAFETY:.0f} seconds and a year"
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


_LONGEST_WAIT = 3600.0
"""A Retry-After beyond an hour is asked again after an hour."""

_DEFAULT_WAIT = 1.0
"""A 429 with no readable Retry-After: Monite counts requests by the second."""


def retry_after(header: str | None, *, now: float) -> float:
    """Return the seconds of a `Retry-After` header: a number or an HTTP date (RFC 9110, section 10.2.3)."""
    text = (header or "").strip()
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", text):
        seconds = float(text)
    else:
        try:
            seconds = parsedate_to_datetime(text).timestamp() - now
        except (TypeError, ValueError, OverflowError):
            seconds = _DEFAULT_WAIT
    return min(max(seconds, 0.0), _LONGEST_WAIT)


def pause_asked_for(answer: Response | Fault, *, now: float) -> float | None:
    """Return for how many seconds an answer asks us to send nothing, or None: a 429, or a failure with `Retry-After`."""
    if isinstance(answer, Fault):
        return None
    header = answer.headers.get("retry-after")
    if answer.status == 429:
        return retry_after(header, now=now)
    if header is None or 200 <= answer.status < 300 or _is_final(answer.status):
        return None
    return retry_after(header, now=now)


def _is_final(status: int) -> bool:
    """Return whether a status says that the request is wrong, so that it would be refused again."""
    return 400 <= status < 500 and status not in (408, 425, 429)  # those three ask to be tried again


def speaks_of_dead_token(status: int, body: bytes) -> bool:
    """Say whether an API answer may mean that its token is expired, revoked or unknown.

    Monite answers 401, or 400 or 403 with words as in `names_dead_token`.
    """
    return status == 401 or names_dead_token(status, body)


def names_dead_token(status: int, body: bytes) -> bool:
    """Say whether an API answer says that its token is dead, in Monite's form and words.

    Such as `{"error": {"message": "The token has been revoked, expired or not found."}}`. A 401 without them may come
    from anything on the way.
    """
    return status in (400, 401, 403) and says_token_is_dead(json_of(Response(status, {}, body)))


_LIKE_A_TOKEN = re.compile(r"[\w~+=-]{24,}", re.ASCII)
"""Words that are longer than any in a message for people: an answer may quote a secret that is not this request's."""

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def json_of(answer: Response) -> Any:
    """Return what the body says, or None where it is no JSON."""
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):  # UnicodeDecodeError is a ValueError
        return None


def quotable(answer: Response, *secrets: Secret) -> str:
    """Return Monite's message as an error may repeat it: without `secrets`, and without what looks like one."""
    message = message_of(answer)
    for secret in secrets:
        message = message.replace(secret.reveal(), "***")
    return masked(message)[:300]


def masked(text: str) -> str:
    """Return a text without the words in it that may be secrets."""
    return _LIKE_A_TOKEN.sub(lambda found: found[0] if _UUID.fullmatch(found[0]) else "***", text)


def message_of(answer: Response) -> str:
    """Return Monite's message on one line: of `{"error": {"message": …}}`, or of FastAPI's `{"detail": …}`."""
    body = json_of(answer)
    found: Any = own_message(body)
    if found is None and isinstance(body, dict):
        found = body.get("detail")
        if isinstance(found, list):
            # loc and msg only: `input` echoes what was sent, the secret included
            found = "; ".join(f"{d.get('loc')}: {d.get('msg')}" for d in found if isinstance(d, dict))
    return re.sub(r"[^\x20-\x7e\xa0-\ud7ff\ue000-\ufffd]+", " ", found) if isinstance(found, str) else ""


def request_id_of(answer: Response) -> str | None:
    """Return Monite's `x-request-id`, fit to be shown."""
    found = re.sub(r"[^\w.:-]", "", answer.headers.get("x-request-id", ""), flags=re.ASCII)[:100]
    return found or None
