"""Whether a refusal to mint is about the entity user, or about something that would be refused for everybody."""

import re
from http import HTTPStatus
from typing import Any

from monite_auth.monite_api.answers import complaints, own_message

__all__ = ["is_about_entity_user"]

_ROUTE_STATUSES = (405, 407, 421)
"""Method not allowed, proxy authentication required, misdirected request: these are about the way, for any user."""

_ABOUT_THE_ADDRESS = re.compile(r"\b(version|path|route|url|endpoint|method|host|ip)\b", re.IGNORECASE)


def is_about_entity_user(status: int, body: Any) -> bool:
    """Return whether a refusal to mint, with this JSON body, is Monite's own and about the entity user.

    That is Monite's own form, or FastAPI's complaint about the field `entity_user_id`. A message that repeats the
    status in words ("Not Found"), or speaks of the address, is about no user.
    """
    if found := complaints(body):
        return any("entity_user_id" in str(each.get("loc")) for each in found)
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
