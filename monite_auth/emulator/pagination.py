"""Pagination with Monite's opaque tokens. The endpoints select the records; this cuts out the page."""

import base64
from collections.abc import Iterable, Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, ConfigDict

from monite_auth.emulator.directory import Record
from monite_auth.emulator.errors import RefusedError

Limit = Annotated[int, Query(ge=1, le=100)]


class _Query(BaseModel):
    """The content of a pagination token: the query that it continues, and the record where the page begins or ends."""

    model_config = ConfigDict(extra="forbid")

    of: str
    limit: int
    filters: dict[str, str | None]
    after: int | None = None
    before: int | None = None


class Page:
    """One page of a list. A pagination token carries the limit and the filters of the query that it continues.

    Args:
        of: the name of the list. A token of another list is refused.
        limit: the highest number of records on the page.
        token: the caller's pagination token, or None for the first page.
        filters: the caller's filters by name. A filter that is None is not applied.
        newest_first: whether the newest record comes first.

    Raises:
        RefusedError: the token is not valid, or belongs to another list (400).

    """

    def __init__(
        self,
        of: str,
        limit: int,
        token: str | None,
        filters: Mapping[str, UUID | str | None],
        *,
        newest_first: bool = False,
    ) -> None:
        plain = {name: None if value is None else str(value) for name, value in filters.items()}
        self._query = _Query(of=of, limit=limit, filters=plain) if token is None else _read(token)
        if self._query.of != of:
            raise RefusedError(400, "The pagination token belongs to another list.")
        self._newest_first = newest_first

    @property
    def filters(self) -> Mapping[str, str | None]:
        return self._query.filters

    def of(self, records: Iterable[Record]) -> dict[str, Any]:
        """Return this page of `records`, which must already be filtered, as Monite shows it."""
        query = self._query
        rows = sorted(records, key=self._rank)
        start, stop = 0, len(rows)
        if query.after is not None:
            start = sum(self._rank(row) <= query.after for row in rows)
        elif query.before is not None:
            stop = sum(self._rank(row) < query.before for row in rows)
            start = max(0, stop - query.limit)
        page = rows[start : min(stop, start + query.limit)]
        more = start + len(page) < len(rows)
        return {
            "data": [row.shown() for row in page],
            "next_pagination_token": self._token(after=self._rank(page[-1])) if page and more else None,
            "prev_pagination_token": self._token(before=self._rank(page[0])) if page and start else None,
        }

    def _rank(self, record: Record) -> int:
        return -record.number if self._newest_first else record.number

    def _token(self, **place: int) -> str:
        query = self._query.model_copy(update={"after": None, "before": None, **place})
        return base64.urlsafe_b64encode(query.model_dump_json().encode()).decode()


def _read(token: str) -> _Query:
    try:
        return _Query.model_validate_json(base64.urlsafe_b64decode(token.encode()))
    except ValueError:
        raise RefusedError(400, "The pagination token is not valid.") from None
