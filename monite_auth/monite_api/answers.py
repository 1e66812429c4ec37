"""An answer of Monite's as it comes, and what an error may quote of it.

Monite's own form of an error is `{"error": {"message": …}}`. FastAPI, which Monite is written with, answers a request that it
cannot read with `{"detail": [{"loc": [place, field, …], "msg": …, "input": …}]}`, where `input` repeats what was sent.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from monite_auth.monite_api.headers import REQUEST_ID
from monite_auth.tokens import Secret

__all__ = [
    "Fault",
    "Response",
    "complaints",
    "json_of",
    "masked",
    "message_of",
    "own_message",
    "quotable",
    "request_id_in",
    "request_id_of",
]


@dataclass(frozen=True, slots=True, eq=False)
class Response:
    """What came back. The body may hold a token and does not print."""

    status: int
    headers: Mapping[str, str] = field(repr=False)  # names in lower case
    body: bytes = field(repr=False)


class Fault(NamedTuple):
    """No answer, or none that makes sense: worth another try, after `retry_after` seconds where the answer said so."""

    reason: str
    request_id: str | None = None
    retry_after: float | None = None


_LIKE_A_TOKEN = re.compile(r"[\w~+=-]{24,}", re.ASCII)
"""Words that are longer than any in a message for people: an answer may quote a secret that is not this request's."""

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)

_CODE = re.compile(r"[A-Z]+(_[A-Z]+)+")
"""As OpenSSL's `CERTIFICATE_VERIFY_FAILED`."""

_LONGEST_QUOTE = 300
"""Characters of a message that an error repeats: Monite's own have a sentence or two."""


def json_of(answer: Response) -> Any:
    """Return what the body says, or None where it is no JSON."""
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):  # UnicodeDecodeError is a ValueError
        return None


def own_message(body: Any) -> str | None:
    """Return the message of a JSON body in Monite's own form, or None where it has another form."""
    error = body.get("error") if isinstance(body, dict) else None
    message = error.get("message") if isinstance(error, dict) else None
    return message if isinstance(message, str) else None


def message_of(answer: Response) -> str:
    """Return the message of an answer on one line, in Monite's own form or in FastAPI's; "" where there is none."""
    body = json_of(answer)
    found: Any = own_message(body)
    if found is None and isinstance(body, dict):
        found = body.get("detail")
        if isinstance(found, list):
            # loc and msg only: `input` repeats what was sent, the secret included
            found = "; ".join(f"{each.get('loc')}: {each.get('msg')}" for each in complaints(body))
    return re.sub(r"[^\x20-\x7e\xa0-\ud7ff\ue000-\ufffd]+", " ", found) if isinstance(found, str) else ""


def complaints(body: Any) -> list[dict[str, Any]]:
    """Return FastAPI's complaints about single fields, out of a JSON body; none where it has another form."""
    detail = body.get("detail") if isinstance(body, dict) else None
    return [each for each in detail if isinstance(each, dict)] if isinstance(detail, list) else []


def quotable(answer: Response, *secrets: Secret) -> str:
    """Return the message as an error may repeat it: without `secrets`, and without what looks like one."""
    message = message_of(answer)
    for secret in secrets:
        message = message.replace(secret.reveal(), "***")
    return masked(message)[:_LONGEST_QUOTE]


def masked(text: str) -> str:
    """Return a text without the words in it that may be secrets."""
    return _LIKE_A_TOKEN.sub(
        lambda found: found[0] if _UUID.fullmatch(found[0]) or _CODE.fullmatch(found[0]) else "***", text
    )


def request_id_of(answer: Response) -> str | None:
    """Return the request id of an answer, fit to be shown; None where it has none."""
    return request_id_in(answer.headers)


def request_id_in(headers: Mapping[str, str]) -> str | None:
    """Return the request id in the headers of an answer; see `request_id_of`."""
    return re.sub(r"[^\w.:-]", "", headers.get(REQUEST_ID, ""), flags=re.ASCII)[:100] or None
