"""Whether the words of an error say that the access token is dead: expired, revoked, or unknown.

Monite says it in its own form, such as `{"error": {"message": "The token has been revoked, expired or not found."}}`.
Words in any other form may come from anything on the way, and do not count.

A message is about the access token if it has no other words than `_WORDS`. Any other word makes it about another token or
another matter: "The payment link token has expired", "Field token: unknown", "The token of this invitation is invalid".
"""

import re
from typing import Any

from monite_auth.monite_api.answers import Response, json_of, own_message

__all__ = ["may_be_about_token", "names_dead_token", "says_token_is_gone", "speaks_of_dead_token"]

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


def may_be_about_token(status: int) -> bool:
    """Return whether an answer with this status may mean that its token is dead, so that its body is worth reading."""
    return status in (400, 401, 403)


def speaks_of_dead_token(status: int, body: bytes) -> bool:
    """Return whether an answer of the API may mean that its token is dead: a 401, or what `names_dead_token`."""
    return status == 401 or names_dead_token(status, body)


def names_dead_token(status: int, body: bytes) -> bool:
    """Return whether an answer of the API says in Monite's form and words that its token is dead.

    A 401 without those words may come from anything on the way.
    """
    return may_be_about_token(status) and _says_of_token(json_of(Response(status, {}, body)), _DEAD)


def says_token_is_gone(body: Any) -> bool:
    """Return whether a JSON body says that the access token was revoked, has expired, or is unknown."""
    return _says_of_token(body, _GONE)


def _says_of_token(body: Any, ending: re.Pattern[str]) -> bool:
    said = re.sub(r"[,.;!]+(\s|$)", " ", (own_message(body) or "").lower()).split()
    return "token" in said and _WORDS.issuperset(said) and bool(ending.search(" ".join(said)))
