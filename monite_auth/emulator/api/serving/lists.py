"""Lists: filters, order and pages. The parameters of the query are Monite's, so the facts say which there are.

A parameter is the name of a field, or that and how to compare: `status`, `status__in`, `created_at__gte`, `name__icontains`.
"""

import base64
import hashlib
import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from monite_auth.emulator.api.serving.call import Call
from monite_auth.emulator.specification.validation import InvalidError
from monite_auth.emulator.world.directory import Record, RecordType

#: How to compare the value of a record with the value of a parameter.
Comparison = Callable[[Any, Any], bool]
#: What a record says where a filter's name is not the name of one of its fields.
Lookups = Mapping[str, Callable[[Call, Any], Any]]

#: What gives the order of a list: whether there is a value, the value, and the record's number.
Key = tuple[bool, int | float | bool | str | None, int]

LIMIT = 100
#: The parameters that are no filters.
NO_FILTERS = frozenset({"limit", "order", "sort", "pagination_token"})


def _same(have: Any, want: Any) -> bool:
    return want in have if isinstance(have, list) else bool(have == want)


def _among(have: Any, want: Any) -> bool:
    return any(_same(have, each) for each in want)


def _all(have: Any, want: Any) -> bool:
    return all(_same(have, each) for each in want)


def _text(value: Any) -> str:
    return "" if value is None else str(value)


_COMPARISONS: dict[str, Comparison] = {
    "in": _among,
    "not_in": lambda have, want: not _among(have, want),
    "gt": lambda have, want: have is not None and have > want,
    "lt": lambda have, want: have is not None and have < want,
    "gte": lambda have, want: have is not None and have >= want,
    "lte": lambda have, want: have is not None and have <= want,
    "contains": lambda have, want: want in _text(have),
    "ncontains": lambda have, want: want not in _text(have),
    "icontains": lambda have, want: want.lower() in _text(have).lower(),
    "iexact": lambda have, want: _text(have).lower() == want.lower(),
    "istartswith": lambda have, want: _text(have).lower().startswith(want.lower()),
}


class _Place(BaseModel):
    """The content of a pagination token: the query that it continues, and the key of the record next to the page."""

    model_config = ConfigDict(extra="forbid")

    of: str
    query: dict[str, Any]
    after: Key | None = None
    before: Key | None = None


def page(
    call: Call, of: str, records: Iterable[Record], lookups: Lookups, *, newest_first: bool = False
) -> dict[str, Any]:
    """Return one page of the records that the caller may see, as Monite shows it.

    Args:
        call: whose query is answered. A pagination token stands for all parameters of the query that it continues.
        of: the name of the list. A pagination token of another list is refused.
        records: what the caller may see.
        lookups: what the filters and orders mean that are no names of fields.
        newest_first: whether the newest record comes first where the query does not say it.

    Raises:
        InvalidError: the pagination token is not valid, or belongs to another list.

    """
    token = call.query.get("pagination_token")
    place = _Place(of=of, query=dict(call.query)) if token is None else _read(token, of)
    query = place.query
    descending = query["order"] == "desc" if "order" in query else newest_first and "sort" not in query
    field = query.get("sort", "created_at")
    found = [(_key(call, each, field, lookups), each) for each in matching(call, records, query, lookups)]
    found.sort(key=lambda pair: pair[0], reverse=descending)
    # A list that has no pages shows everything.
    limit = query.get("limit", LIMIT if "pagination_token" in call.operation.query else len(found))
    start, stop = _bounds([key for key, _ in found], place, limit, descending=descending)
    shown = found[start:stop]
    return {
        "data": [record.shown() for _, record in shown],
        "next_pagination_token": _token(place, after=shown[-1][0]) if shown and stop < len(found) else None,
        "prev_pagination_token": _token(place, before=shown[0][0]) if shown and start else None,
    }


def matching(
    call: Call, records: Iterable[RecordType], query: Mapping[str, Any], lookups: Lookups
) -> list[RecordType]:
    """Return those of the records that pass the filters of a query."""
    return [each for each in records if _matches(call, each, query, lookups)]


def _bounds(keys: list[Key], place: _Place, limit: int, *, descending: bool) -> tuple[int, int]:
    """Return where the page begins and ends. The record that the token names may have been deleted meanwhile."""

    def count(passed: Callable[[Key, Key], bool], mark: Key) -> int:
        return sum(passed(mark, key) if descending else passed(key, mark) for key in keys)

    if place.before is not None:
        stop = count(operator.lt, place.before)
        return max(0, stop - limit), stop
    start = 0 if place.after is None else count(operator.le, place.after)
    return start, start + limit


def _matches(call: Call, record: Record, query: Mapping[str, Any], lookups: Lookups) -> bool:
    return all(
        _compare(call, record, name, want, lookups) for name, want in query.items() if name not in NO_FILTERS
    )


def _compare(call: Call, record: Record, name: str, want: Any, lookups: Lookups) -> bool:
    field, _, how = (name, "", "icontains") if name == "search_text" else name.partition("__")
    compare = _COMPARISONS[how] if how else _same
    if not how and isinstance(want, list):
        # `tag_ids` means at least one of them, but all of them where there is `tag_ids__in`, too.
        compare = _all if f"{field}__in" in call.operation.query else _among
    have = _value(call, record, field, lookups)
    # An e-mail address is the same in capital letters. Whether Monite thinks so is not known.
    return compare(_folded(have), _folded(want)) if field == "email" else compare(have, want)


def _folded(value: Any) -> Any:
    return [each.casefold() for each in value] if isinstance(value, list) else _text(value).casefold()


def _value(call: Call, record: Record, field: str, lookups: Lookups) -> Any:
    """Return what a record says: `address.city` is the field `city` of what it says about `address`."""
    first, *others = field.split(".")
    value = lookups[first](call, record) if first in lookups else record.shown().get(first)
    for name in others:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _key(call: Call, record: Record, field: str, lookups: Lookups) -> Key:
    # Records without a value come first. Equal ones stay in the order of their creation.
    value = record.created_at if field == "created_at" else _value(call, record, field, lookups)
    return value is not None, value.lower() if isinstance(value, str) else value or 0, record.number


def _token(place: _Place, **where: Key) -> str:
    text = _Place(of=place.of, query=place.query, **where).model_dump_json().encode()
    return base64.urlsafe_b64encode(_checksum(text) + text).decode()


def _checksum(text: bytes) -> bytes:
    """Return what tells a token of ours from one that somebody made, whose query nobody has checked."""
    return hashlib.sha256(text).digest()[:6]


def _read(token: str, of: str) -> _Place:
    try:
        content = base64.urlsafe_b64decode(token.encode())
        place = _Place.model_validate_json(content[6:])
    except (ValidationError, ValueError):
        raise _wrong("This is no pagination token of a list") from None
    if content[:6] != _checksum(content[6:]):
        raise _wrong("This is no pagination token of a list")
    if place.of != of:
        raise _wrong("This pagination token belongs to another list")
    return place


def _wrong(sentence: str) -> InvalidError:
    return InvalidError([(("query", "pagination_token"), sentence, "value_error")])
