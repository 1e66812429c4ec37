"""What the words of an answer are about: the access token, the entity user, or neither. Pure.

Monite's own form is `{"error": {"message": …}}`; whatever comes in another form is not taken for Monite's word.

*Of the access token* speaks a message that has no other words than `_WORDS`. Any other word makes it another token, or
another matter: "The payment link token has expired", "Field token: unknown", "The token of this invitation is invalid".
"""

import re
from http import HTTPStatus
from typing import Any

__all__ = ["is_about_the_user", "own_message", "says_token_is_dead", "says_token_is_gone"]

_WORDS = frozenset(
    word
    for line in (
        "a an the this that your",
        "access bearer auth authentication",
        "token tokens it provided given supplied",
        "has have had is are was were been be could can either already",
        "or and no not longer does doesn't exist found valid",
        "expired revoked unknown invalid inactive",
    )
    for word in line.split()
)

_GONE = re.compile(r"\b(expired|revoked|unknown|not (be )?found|(not|doesn't) exist)\b")
_DEAD = re.compile(_GONE.pattern + r"|\b(invalid|inactive|not valid|no longer valid)\b")


def says_token_is_gone(body: Any) -> bool:
    """Say whether the JSON `body` says that the access token was revoked, has expired or is unknown."""
    return _says_of_the_token(body, _GONE)


def says_token_is_dead(body: Any) -> bool:
    """Say whether the JSON `body` says that the access token is gone, or that it is not valid."""
    return _says_of_the_token(body, _DEAD)


def _says_of_the_token(body: Any, ending: re.Pattern[str]) -> bool:
    said = re.sub(r"[,.;!]+(\s|$)", " ", (own_message(body) or "").lower()).split()
    return "token" in said and _WORDS.issuperset(said) and bool(ending.search(" ".join(said)))


_ROUTE_STATUSES = (405, 407, 421)
"""Method not allowed, proxy authentication required, misdirected request: whoever asks, and for whomever."""

_ABOUT_THE_ADDRESS = re.compile(r"\b(version|path|route|url|endpoint|method|host|ip)\b", re.IGNORECASE)


def is_about_the_user(status: int, body: Any) -> bool:
    """Say whether a refusal to mint, with the JSON `body`, is Monite's own and about the entity user.

    That is Monite's own form, or FastAPI's complaint about the field `entity_user_id`. A message that repeats the
    status in words ("Not Found"), or speaks of the address, is about no user.
    """
    detail = body.get("detail") if isinstance(body, dict) else None
    if isinstance(detail, list):
        return any(isinstance(each, dict) and "entity_user_id" in str(each.get("loc")) for each in detail)
    message = own_message(body)
    if message is None or status in _ROUTE_STATUSES or message.strip(" .!").lower() == _phrase(status):
        return False
    return "user" in message.lower() or not _ABOUT_THE_ADDRESS.search(message)


def _phrase(status: int) -> str:
    """Return the status in words, as frameworks write it: "not found"."""
    try:
        return HTTPStatus(status).phrase.lower()
    except ValueError:
        return ""


def own_message(body: Any) -> str | None:
    """Return the message of `{"error": {"message": …}}`."""
    error = body.get("error") if isinstance(body, dict) else None
    message = error.get("message") if isinstance(error, dict) else None
    return message if isinstance(message, str) else None
