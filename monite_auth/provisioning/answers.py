"""What Monite's answer to a request of the partner means: a record, a page, or an error that names fields. Pure.

An error never repeats what a request said about a person, even where Monite does.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from monite_auth.errors import CredentialsRejected, MoniteUnavailable, ProvisioningFailed
from monite_auth.monite_api import paths, records
from monite_auth.monite_api.answers import Response, complaints, json_of, quotable, request_id_of
from monite_auth.monite_api.pauses import is_final
from monite_auth.monite_api.records import Page, Record
from monite_auth.monite_api.requests import Call

__all__ = ["checked", "read_answer", "read_page"]

PREFIXES = {paths.ENTITIES: "entity.", paths.ROLES: "role."}
"""What an error puts before a field's name, so that an entity's e-mail address is not taken for a person's."""

PUBLIC = {"permissions", "type", "name", "role_id"}
"""Fields whose values say nothing about a person, so that an error may repeat them."""


def read_answer(doing: str, call: Call, response: Response) -> Record:
    """Return the JSON object that Monite answered with; `doing` says in an error what `call` was for.

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
    if not is_final(status):
        raise MoniteUnavailable(
            f"Monite was asked to {doing}, and answered {status}.", request_id=request_id, retry_after=1
        )
    raise _refusal(doing, call, response)


def read_page(doing: str, answer: Record) -> Page:
    """Return one page of a list; raise MoniteUnavailable where the answer is none."""
    page = records.read_page(answer)
    if page is None:
        raise _senseless(doing)
    return page


def checked(doing: str, found: object) -> Record:
    """Return a record that Monite answered with; raise MoniteUnavailable where it is none."""
    record = records.read_record(found)
    if record is None:
        raise _senseless(doing)
    return record


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
    names = _fields_in(response) or [each for each in call.body if _mentions(message, each)]
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


def _fields_in(response: Response) -> list[str]:
    """Return the fields that an answer complains about by their place, such as "address.city"."""
    places = (each.get("loc") for each in complaints(json_of(response)))
    dotted = (".".join(str(step) for step in place[1:]) for place in places if isinstance(place, list))
    return [re.sub(r"[^\w.-]", "", each)[:100] for each in dotted if each]


def _mentions(message: str, name: str) -> bool:
    said = name.removesuffix("_id").replace("_", "[ _]")
    return re.search(rf"\b{said}\b", message, re.IGNORECASE) is not None


def _texts(value: Any) -> Iterator[str]:
    """Return the texts in a request that may say something about a person."""
    if isinstance(value, str) and value:
        yield value
    elif isinstance(value, Mapping):
        for name, each in value.items():
            if name not in PUBLIC:
                yield from _texts(each)
