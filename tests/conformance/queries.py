"""No query parameter is ignored: each one that the document gives a list is served rightly, or refused by name.

A parameter is named after a field of the list's items, with a suffix that says how to compare: `total_amount__gte`.
Where the items have that field, the answer has to hold exactly the items that compare so. Other parameters have made-up
values, of which at least one has to change the answer.
"""

import json
import operator
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import httpx

from tests.conformance.document import Document
from tests.conformance.findings import Finding, curl
from tests.conformance.paths import filled
from tests.conformance.report import Report

Item = dict[str, Any]

NOWHERE = "5a9e0000-0000-4000-8000-00000000dead"
#: Values that few items have, by the format or the type of a parameter.
MADE_UP: dict[str, list[Any]] = {
    "uuid": [NOWHERE],
    "date-time": ["1990-01-01T00:00:00Z", "2090-01-01T00:00:00Z"],
    "date": ["1990-01-01", "2090-01-01"],
    "integer": [0, 10**9],
    "number": [0, 10**9],
    "boolean": ["true", "false"],
    "string": ["no-such-thing"],
}
#: How an item's value compares with a parameter's. The values are texts, numbers or times, and never None.
COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "": operator.eq,
    "in": operator.eq,
    "not_in": operator.ne,
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
    "contains": lambda value, part: part in value,
    "ncontains": lambda value, part: part not in value,
    "icontains": lambda value, part: part.lower() in value.lower(),
    "iexact": lambda value, other: other.lower() == value.lower(),
    "istartswith": lambda value, part: value.lower().startswith(part.lower()),
}
#: What an item without a value in the field is, for each comparison.
NEGATED = frozenset({"not_in", "ncontains"})
#: How many values of items are tried for each parameter.
TRIED = 3


def run(document: Document, client: httpx.Client, caller: str, report: Report) -> None:
    """Try each query parameter of each list that is served."""
    for method, path in sorted(document.chosen):
        parameters = document.queries(method, path)
        if method != "GET" or not parameters:
            continue
        lists = [List(client, caller, report, path, way) for way in filled(client, path)]
        # The one with the most items says most.
        chosen = max(lists, key=lambda each: len(each.items), default=None)
        if chosen is None or not chosen.items:
            report.could_not_judge(f"GET {path}", caller, "it has no items to choose from")
            continue
        report.judged.add(f"GET {path}")
        for name, schema in parameters.items():
            chosen.check(name, schema)


@dataclass(slots=True)
class List:
    """A list that is served, with all of its items."""

    client: httpx.Client
    caller: str
    report: Report
    path: str
    way: str
    items: list[Item]

    def __init__(self, client: httpx.Client, caller: str, report: Report, path: str, way: str) -> None:
        self.client, self.caller, self.report, self.path, self.way = client, caller, report, path, way
        self.items = []
        self.items = self.ask()[1]

    def ask(self, **query: Any) -> tuple[httpx.Response, list[Item]]:
        """Return the answer to a query, and its items; an answer without a list is an item itself."""
        answer = self.client.get(self.way, params=query)
        self.report.answered(f"queries as {self.caller}", f"GET {self.path}", answer.status_code)
        if answer.status_code != 200:
            return answer, []
        body = answer.json()
        return answer, body["data"] if isinstance(body, dict) and "data" in body else [body]

    def check(self, name: str, schema: dict[str, Any]) -> None:
        """Try one parameter, and report what is wrong about it."""
        problems = {
            "limit": self._limit,
            "pagination_token": self._pages,
            "sort": self._sort,
            "order": self._order,
        }
        for answer, problem in problems.get(name, self._filter)(name, schema):
            finding = None
            if problem:
                message = f"{name}: {problem}"
                finding = Finding(
                    "query_parameter",
                    f"GET {self.path}",
                    self.caller,
                    answer.status_code,
                    message,
                    curl(answer.request),
                    answer.text,
                )
            self.report.checked("query_parameter", finding)

    def _limit(self, name: str, schema: dict[str, Any]) -> Iterator[tuple[httpx.Response, str]]:
        answer, items = self.ask(limit=1)
        yield answer, "" if len(items) == 1 else f"with 1 there are {len(items)} items"

    def _pages(self, name: str, schema: dict[str, Any]) -> Iterator[tuple[httpx.Response, str]]:
        answer, _ = self.ask(limit=1)
        body = answer.json()
        if len(self.items) < 2 or "next_pagination_token" not in body:
            return
        answer, following = self.ask(pagination_token=body["next_pagination_token"])
        is_next = bool(following) and following[0] == self.items[1]
        yield answer, "" if is_next else "the next page does not begin with the second item"

    def _sort(self, name: str, schema: dict[str, Any]) -> Iterator[tuple[httpx.Response, str]]:
        for by in schema.get("enum", ()):
            for order in ("asc", "desc"):
                answer, items = self.ask(sort=by, order=order)
                keys = [_comparable(_field(item, by), {}) for item in items]
                given = [key for key in keys if key is not None]
                if answer.status_code != 200:
                    yield answer, self._refused(answer, "sort")
                else:
                    is_sorted = any(
                        given == sorted(given, key=key, reverse=order == "desc") for key in (None, _folded)
                    )
                    yield answer, "" if is_sorted else f"{by} is not sorted {order}"

    def _order(self, name: str, schema: dict[str, Any]) -> Iterator[tuple[httpx.Response, str]]:
        answer, rising = self.ask(order="asc")
        _, falling = self.ask(order="desc")
        if len(self.items) > 1:
            yield answer, "" if rising != falling else "asc and desc give the same items in the same order"

    def _filter(self, name: str, schema: dict[str, Any]) -> Iterator[tuple[httpx.Response, str]]:
        field, _, suffix = name.partition("__")
        values = [
            value
            for item in self.items
            if not isinstance(value := _field(item, field), (dict, list, type(None)))
        ]
        if values:
            yield from self._filter_by_field(name, schema, field, suffix, list(dict.fromkeys(values)))
        else:
            yield from self._filter_by_chance(name, schema, suffix)

    def _filter_by_field(
        self, name: str, schema: dict[str, Any], field: str, suffix: str, values: list[Any]
    ) -> Iterator[tuple[httpx.Response, str]]:
        compare = COMPARISONS[suffix]
        # Times have fractions of a second in Monite's answers; a whole value is what somebody would write.
        for value in values[:TRIED]:
            answer, items = self.ask(**{name: _written(value)})
            if answer.status_code != 200:
                yield answer, self._refused(answer, name)
                continue
            wanted = _comparable(value, schema)
            expected = []
            for item in self.items:
                own = _comparable(_field(item, field), schema)
                if suffix in NEGATED if own is None else compare(own, wanted):
                    expected.append(item)
            if _names(items) != _names(expected):
                yield (
                    answer,
                    f"with {value!r} there are {len(items)} items, and {len(expected)} of {len(self.items)} fit",
                )
            else:
                yield answer, ""

    def _filter_by_chance(
        self, name: str, schema: dict[str, Any], suffix: str
    ) -> Iterator[tuple[httpx.Response, str]]:
        kind = schema.get("items", schema)
        candidates = kind.get("enum") or MADE_UP[kind.get("format") or kind["type"]]
        answers = [self.ask(**{name: value}) for value in candidates]
        for answer, _ in answers:
            if answer.status_code != 200:
                yield answer, self._refused(answer, name)
                return
        # Where no item has a value, there is none that a negated comparison could leave out.
        if suffix in NEGATED or any(_names(items) != _names(self.items) for _, items in answers):
            yield answers[0][0], ""
        else:
            yield (
                answers[0][0],
                f"ignored: {', '.join(map(str, candidates))} all give all {len(self.items)} items",
            )

    def _refused(self, answer: httpx.Response, name: str) -> str:
        """Return what is wrong about a refusal: it has to name the parameter."""
        if answer.status_code < 500 and name in answer.text:
            return ""
        return f"refused without its name: {answer.text[:200]}"


def _field(item: Item, name: str) -> Any:
    value: Any = item
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _written(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, bool) else value


def _comparable(value: Any, schema: dict[str, Any]) -> Any:
    """Return a value as it compares: a time as a time, everything else as it is."""
    if not isinstance(value, str) or not re.match(r"\d{4}-\d\d-\d\d", value):
        return value
    try:
        if len(value) == len("2024-05-25"):
            return datetime.combine(date.fromisoformat(value), datetime.min.time(), UTC)
        moment = datetime.fromisoformat(value)
    except ValueError:
        return value
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _folded(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value


def _names(items: list[Item]) -> list[str]:
    """Return what tells the items apart, in no order."""
    return sorted(str(item.get("id", item)) for item in items)
