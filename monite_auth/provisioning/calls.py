"""What an answer to a request of the partner means: a record, or an error that names fields. Pure.

An error repeats nothing that a request said about a person, also where Monite does.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any
from uuid import UUID

from monite_auth.errors import CredentialsRejected, MoniteUnavailable, ProvisioningFailed
from monite_auth.monite_api.wire import Call, Response, json_of, quotable, request_id_of

__all__ = ["Record", "checked", "read_answer", "read_page"]

Record = dict[str, Any]

PREFIXES = {"/entities": "entity.", "/roles": "role."}
"""What stands before a field's name, so that an entity's e-mail address is not taken for a person's."""

PUBLIC = {"permissions", "type", "name", "role_id"}
"""Fields whose values say nothing about a person, and so may be repeated."""


def read_answer(doing: str, call: Call, response: Response) -> Record:
    """Return what Monite answered with; `doing` says in an error what `call` was for.

    Raises ProvisioningFailed where Monite refuses, CredentialsRejected, or MoniteUnavailable.
    """
    status, request_id = response.status, request_id_of(response)
    if 200 <= status < 300:
        answer = json_of(response) if response.body else {}
        if isinstance(answer, dict):
            return answer
        raise _senseless(doing, request_id)
    if status == 401:
        raise CredentialsRejected(
            f"Monite refuses to {doing}: it does not accept a fresh partner token (401).",
            request_id=request_id,
        )
    if not 400 <= status < 500 or status in (408, 425):  # those two ask to be tried again
        raise MoniteUnavailable(
            f"Monite was asked to {doing}, and answered {status}.", request_id=request_id, retry_after=1
        )
    raise _refusal(doing, call, response)


def read_page(doing: str, answer: Record) -> tuple[list[Record], str | None]:
    """Return the records of one page of a list, and the token of the next page."""
    data, page = answer.get("data"), answer.get("next_pagination_token")
    if not isinstance(data, list):
        raise _senseless(doing)
    return [checked(doing, each) for each in data], page or None


def checked(doing: str, record: object) -> Record:
    """Return a record that Monite answered with, or raise MoniteUnavailable where it is none."""
    if isinstance(record, dict):
        with suppress(KeyError, TypeError, ValueError, AttributeError):
            UUID(record["id"])
            return record
    raise _senseless(doing)


def _senseless(doing: str, request_id: str | None = None) -> MoniteUnavailable:
    return MoniteUnavailable(
        f"Monite was asked to {doing}, and its answer made no sense.", request_id=request_id, retry_after=1
    )


def _refusal(doing: str, call: Call, response: Response) -> ProvisioningFailed:
    """Return what Monite says, with the names of fields and without their values."""
    message = quotable(response)
    for value in sorted(_texts({**call.query, **call.body}), key=len, reverse=True):
        message = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", "…", message, flags=re.IGNORECASE)
    message = re.sub(r"[^\s'\"]+@[^\s'\"]+", "…", message)
    names = _complained_of(response) or [each for each in call.body if _mentions(message, each)]
    prefix = PREFIXES.get(call.path, "")
    fields = tuple(prefix + each.removesuffix("_id") for each in dict.fromkeys(names))
    if not fields and response.status == 404 and call.entity_id is not None:
        fields = ("entity",)
    hint = f" Look at {', '.join(fields)} in the profile." if fields else ""
    return ProvisioningFailed(
        f"Monite refuses to {doing} ({response.status} {message!r}).{hint}",
        fields=fields,
        monite_status=response.status,
        request_id=request_id_of(response),
    )


def _complained_of(response: Response) -> list[str]:
    """Return the fields of FastAPI's `{"detail": [{"loc": ["body", "address", "city"], …}]}`, with dots."""
    body = json_of(response)
    detail = body.get("detail") if isinstance(body, dict) else None
    places = (
        [each.get("loc") for each in detail if isinstance(each, dict)] if isinstance(detail, list) else []
    )
    dotted = (".".join(str(step) for step in place[1:]) for place in places if isinstance(place, list))
    return [re.sub(r"[^\w.-]", "", each)[:100] for each in dotted if each]


def _mentions(message: str, name: str) -> bool:
    words = name.removesuffix("_id").replace("_", "[ _]")
    return re.search(rf"\b{words}\b", message, re.IGNORECASE) is not None


def _texts(value: object) -> Iterator[str]:
    """Return the texts in a request that may say something about a person."""
    if isinstance(value, str) and value:
        yield value
    elif isinstance(value, Mapping):
        for name, each in value.items():
            if name not in PUBLIC:
                yield from _texts(each)
