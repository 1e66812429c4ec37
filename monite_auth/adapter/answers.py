"""An error, or Monite's own answer, as an HTTP answer: status, headers, body. Each adapter translates `Answer` once.

Answers are for end users and their browsers: they carry an error's public message, never the message for developers.
That one goes to the log.
"""

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from monite_auth.adapter.error_log import log_error
from monite_auth.errors import MoniteAuthError
from monite_auth.monite_api.headers import REQUEST_ID, RETRY_AFTER
from monite_auth.outbound import BROKEN, unreachable
from monite_auth.settings import Settings

__all__ = [
    "HANDLED",
    "NO_STORE",
    "PRIVATE",
    "Answer",
    "error_answer",
    "error_behind",
    "error_to_answer",
    "forward",
    "is_made_while_sent",
    "json_answer",
    "private_headers",
    "problem",
    "refuse",
]

HANDLED: tuple[type[Exception], ...] = (MoniteAuthError, ExceptionGroup, *BROKEN)
"""Exceptions that may be about an error of ours, for an adapter's error handlers: see `error_behind`."""

PRIVATE = "private, no-store"
"""The Cache-Control of an answer that depends on a person's token. Both words: Django's cache keeps an answer with only no-store."""

VARY = ("Cookie", "Authorization")
"""Request headers that say who is asking."""

NO_STORE = {
    "Cache-Control": PRIVATE,
    "Pragma": "no-cache",  # RFC 6749, section 5.1, wants both
    "Vary": ", ".join(VARY),  # for caches that keep it all the same
    "X-Content-Type-Options": "nosniff",
}
"""The headers of each answer that this package makes."""

FORWARDED = ("content-type", "content-disposition", RETRY_AFTER, REQUEST_ID)
"""Headers of Monite's that describe the answer's content, not its transport."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer, of no framework. `headers` has each name once, and is text in Latin-1; `body` is encoded already."""

    status: int
    headers: Mapping[str, str]
    body: bytes


# -- errors


def error_answer(error: MoniteAuthError, *, accept: str = "") -> Answer:
    """Return the answer for an error that ends a request.

    `accept`: the request's Accept header. With "text/html" in it the answer is one sentence, else JSON:
    `{"error": {"code": …, "message": …}}`.
    """
    extra = {} if error.retry_after is None else {"Retry-After": str(math.ceil(error.retry_after))}
    if "text/html" in accept:
        headers = {"Content-Type": "text/plain; charset=utf-8", **NO_STORE, **extra}
        return Answer(error.status_hint, headers, error.public_message.encode())
    return problem(error.status_hint, error.code, error.public_message, **extra)


def refuse(error: MoniteAuthError, *, accept: str = "") -> Answer:
    """Return the answer for an error that ends a request, and write its message for developers to the log."""
    log_error(error)
    return error_answer(error, accept=accept)


def error_behind(error: BaseException, settings: Settings) -> MoniteAuthError | None:
    """Return the error of ours that an exception is about, or None if it is the app's own matter.

    An exception is about an error of ours in three cases: it is one; it is a group (of a TaskGroup) that holds nothing
    else, and then the first one counts; or httpx raised it because Monite could not be reached.
    """
    if isinstance(error, MoniteAuthError):
        return error
    if isinstance(error, BaseExceptionGroup):
        behind = [error_behind(each, settings) for each in error.exceptions]
        return behind[0] if None not in behind else None
    return unreachable(error, settings)


def error_to_answer(error: BaseException, settings: Settings) -> MoniteAuthError | None:
    """Return the error of ours that an exception is about, if end users get an answer for it (`refuse`).

    None stands for the app's own matter, and for a mistake of the developer's (status 500): such an exception is raised
    on, so that it is in the log with its traceback.
    """
    ours = error_behind(error, settings)
    return None if ours is None or ours.status_hint == 500 else ours


def problem(status: int, code: str, message: str, **headers: str) -> Answer:
    """Return a refusal as JSON: `{"error": {"code": …, "message": …}}`."""
    return json_answer(status, {"error": {"code": code, "message": message}}, **headers)


def json_answer(status: int, content: Any, **headers: str) -> Answer:
    """Return JSON that no cache keeps."""
    return Answer(
        status, {"Content-Type": "application/json", **NO_STORE, **headers}, json.dumps(content).encode()
    )


# -- answers of Monite's and of the app's


def forward(response: Any) -> Answer:
    """Return Monite's answer to a call as the app's own: its status, its body, and the headers that belong to them.

    `response`: httpx's or httpx2's, read whole. A refusal of Monite's keeps its status. But its 401 becomes a 502, since
    to the browser a 401 would say that the *user* has to log in.
    """
    status = 502 if response.status_code == 401 else response.status_code
    kept = {name.title(): _as_sent(response, name) for name in FORWARDED if name in response.headers}
    return Answer(status, {**kept, **NO_STORE}, response.content)


def _as_sent(response: Any, name: str) -> str:
    """Return a header of Monite's with each byte as one character, as WSGI and ASGI want it.

    httpx reads a file's name in UTF-8, and no server could write all of its characters.
    """
    return ", ".join(
        value.decode("latin-1") for each, value in response.headers.raw if each.lower() == name.encode()
    )


def private_headers(cache_control: str, vary: str) -> dict[str, str]:
    """Return the headers that keep an answer of the app's out of shared caches, because a token helped to make it.

    `cache_control`, `vary`: what the view has said, or "". `private` is added to its Cache-Control; a view that said
    `public` is left its word.
    """
    if not cache_control.strip():
        said = PRIVATE
    elif {"public", "private"} & set(re.findall(r"[a-z-]+", cache_control.lower())):
        said = cache_control
    else:
        said = f"{cache_control}, private"
    named = [each.strip() for each in vary.split(",") if each.strip()]
    known = {each.lower() for each in named}
    missing = [] if "*" in known else [name for name in VARY if name.lower() not in known]
    return {"Cache-Control": said, "Vary": ", ".join([*named, *missing])}


FINISHED = ("content-length", "etag", "last-modified")
"""Headers of an answer whose body is finished: it has its length, and a file says which one it is."""

OF_FINISHED = frozenset([*FINISHED, *(name.encode() for name in FINISHED)])


def is_made_while_sent(header_names: Iterable[str | bytes]) -> bool:
    """Return whether an answer with these headers may still use a token while it is sent, as a stream may."""
    return OF_FINISHED.isdisjoint([name.lower() for name in header_names])
