"""Records of Monite's as this package needs them: entities and entity users, the lists they come in, and their bodies."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

__all__ = [
    "INDIVIDUAL",
    "ORGANIZATION",
    "Page",
    "Record",
    "age",
    "created_at",
    "entity_body",
    "entity_details",
    "is_deleted",
    "next_page",
    "read_page",
    "read_record",
]

Record = dict[str, Any]

ORGANIZATION = "organization"
INDIVIDUAL = "individual"
"""The types of entity. A record has the names of an entity in a field that is called as its type."""


class Page(NamedTuple):
    """One page of a list. `token`: what the next page is asked for with; None on the last one."""

    records: list[Record]
    token: str | None


def read_record(found: object) -> Record | None:
    """Return what Monite answered as a record, which has a UUID as its `id`; None where it is none."""
    if isinstance(found, dict):
        with suppress(KeyError, TypeError, ValueError, AttributeError):
            UUID(found["id"])
            return found
    return None


def read_page(body: Mapping[str, Any]) -> Page | None:
    """Return the page that a JSON body holds, or None where it is none."""
    data = body.get("data")
    records = [read_record(each) for each in data] if isinstance(data, list) else [None]
    if None in records:
        return None
    return Page([each for each in records if each is not None], body.get("next_pagination_token") or None)


def next_page(token: str) -> dict[str, str]:
    """Return the query for the page behind `token`, which stands for the query of the first page as well."""
    return {"pagination_token": token}


def is_deleted(record: Mapping[str, Any]) -> bool:
    """Return whether a record was deleted: Monite goes on listing it."""
    return record.get("status") == "deleted"


def age(record: Record) -> tuple[str, str]:
    """Return what records are sorted by, the oldest first."""
    return str(record.get("created_at")), record["id"]


def created_at(record: Mapping[str, Any]) -> float:
    """Return when a record was created, in epoch seconds; infinity where it does not say."""
    try:
        moment = datetime.fromisoformat(record["created_at"])
    except (KeyError, TypeError, ValueError):
        return float("inf")
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()


def entity_body(
    kind: str, email: str, address: Mapping[str, str], names: Mapping[str, Any], more: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the body of `POST /entities`. `kind`: ORGANIZATION or INDIVIDUAL; `more`: any other fields."""
    return {**more, "type": kind, "email": email, "address": dict(address), kind: dict(names)}


def entity_details(entity: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    """Return what an entity of this type says about itself, its names among it."""
    details = entity.get(kind)
    return details if isinstance(details, dict) else {}
