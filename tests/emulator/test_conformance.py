"""The judge of `make conformance` finds what it looks for, and the docs say what it lets pass."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conformance import methods, queries
from tests.conformance.deviations import PERMITTED
from tests.conformance.document import Document
from tests.conformance.findings import Deviation, Finding, curl, first_cover
from tests.conformance.report import Report

PAGE = Path(__file__).parents[2] / "docs" / "emulator.md"
ROLES = [
    {"id": "1", "name": "Clerk", "created_at": "2026-01-01T00:00:00.5Z"},
    {"id": "2", "name": "Accountant", "created_at": "2026-03-01T00:00:00Z"},
    {"id": "3", "name": "Viewer", "created_at": "2026-02-01T00:00:00+00:00"},
]
PARAMETERS = {
    "limit": {"type": "integer", "maximum": 100},
    "order": {"enum": ["asc", "desc"]},
    "sort": {"anyOf": [{"$ref": "#/components/schemas/Fields"}, {"type": "null"}]},
    "pagination_token": {"type": "string"},
    "id__in": {"type": "array", "items": {"type": "string", "format": "uuid"}},
    "name": {"type": "string"},
    "created_at__gte": {"type": "string", "format": "date-time"},
    "is_admin": {"type": "boolean"},
}
Query = dict[str, str]


@pytest.fixture
def document(tmp_path: Path) -> Document:
    """A document of one path, of which the emulator serves GET and POST, but not DELETE."""
    parameters = [{"in": "query", "name": name, "schema": schema} for name, schema in PARAMETERS.items()]
    operations = {
        method: {"operationId": f"{method}_roles", "parameters": parameters if method == "get" else []}
        for method in ("get", "post", "delete")
    }
    whole = {
        "paths": {"/roles": operations},
        "components": {"schemas": {"Fields": {"enum": ["name", "created_at"]}}},
    }
    path = tmp_path / "document.json"
    path.write_text(json.dumps(whole))
    return Document(path)


def answer_rightly(query: Query) -> list[dict[str, Any]]:
    items = sorted(
        ROLES, key=lambda item: item[query.get("sort", "id")], reverse=query.get("order") == "desc"
    )
    return [
        item
        for item in items
        if query.get("id__in", item["id"]) == item["id"]
        and query.get("name", item["name"]) == item["name"]
        and query.get("created_at__gte", "") <= item["created_at"]
        and query.get("is_admin") != "true"
    ]


def served(answer: Callable[[Query], list[dict[str, Any]]]) -> httpx.Client:
    """Return a client of a server that knows one list."""

    def handle(request: httpx.Request) -> httpx.Response:
        query = dict(request.url.params)
        if "pagination_token" in query:
            query |= json.loads(query["pagination_token"])
        start, limit = int(query.get("start", 0)), int(query.get("limit", 100))
        items = answer(query)
        following = json.dumps(query | {"start": start + limit}) if len(items) > start + limit else None
        return httpx.Response(
            200, json={"data": items[start : start + limit], "next_pagination_token": following}
        )

    return httpx.Client(transport=httpx.MockTransport(handle), base_url="http://monite/v1")


def judged_queries(document: Document, answer: Callable[[Query], list[dict[str, Any]]]) -> list[str]:
    report = Report(frozenset({"GET /roles"}))
    queries.run(document, served(answer), "partner", report)
    assert report.checks["query_parameter"] >= len(PARAMETERS)
    return [each.message.partition(":")[0] for each in report.findings]


def test_a_list_that_serves_all_of_its_parameters_passes(document):
    assert judged_queries(document, answer_rightly) == []


@pytest.mark.parametrize("name", sorted(PARAMETERS.keys() - {"limit", "pagination_token"}))
def test_a_parameter_that_is_ignored_is_found(document, name):
    def answer(query: Query) -> list[dict[str, Any]]:
        return answer_rightly({key: value for key, value in query.items() if key != name})

    assert name in judged_queries(document, answer)


def test_a_comparison_that_leaves_out_the_bound_is_found(document):
    def answer(query: Query) -> list[dict[str, Any]]:
        items = answer_rightly(query)
        return [item for item in items if item["created_at"] != query.get("created_at__gte")]

    assert {*judged_queries(document, answer)} == {"created_at__gte"}


def test_pages_that_begin_anew_are_found(document):
    def answer(query: Query) -> list[dict[str, Any]]:
        query.pop("start", None)
        return answer_rightly(query)

    client = served(answer)
    report = Report(frozenset({"GET /roles"}))
    client._transport = httpx.MockTransport(
        lambda request: httpx.Response(
            200,
            json={
                "data": ROLES[:1] if "limit" in request.url.params else ROLES,
                "next_pagination_token": "x",
            },
        )
    )
    queries.run(document, client, "partner", report)
    assert "pagination_token" in [each.message.partition(":")[0] for each in report.findings]


@pytest.mark.parametrize(
    ("status", "allow", "said", "checks"),
    [
        (405, "GET, POST, DELETE", "", {"unserved_operation"}),
        (405, "GET, POST", "", {"unserved_operation", "unlisted_method"}),
        (404, "", "", {"unserved_operation", "unlisted_method"}),
        (501, "", "delete_roles is not served by this emulator", {"unlisted_method"}),
        (501, "", "Not served.", {"unserved_operation", "unlisted_method"}),
    ],
)
def test_a_method_that_is_not_listed_or_not_served_has_to_say_so(document, status, allow, said, checks):
    answer = httpx.Response(status, headers={"allow": allow}, json={"error": {"message": said}})
    client = httpx.Client(transport=httpx.MockTransport(lambda _: answer), base_url="http://monite/v1")
    report = Report(frozenset())
    methods.run(document, client, "partner", report)
    assert {each.check for each in report.findings} == checks
    assert report.checks == {"unlisted_method": 2, "unserved_operation": 3}


def test_a_deviation_covers_what_it_names_and_nothing_else():
    finding = Finding("status", "GET /roles/{role_id}", "partner", 404, "Received: 404", "curl")
    for deviation in (
        Deviation("status", "…"),
        Deviation("status", "…", statuses=(404, 403), operations=("GET *",), says="Rec.*404"),
    ):
        assert first_cover([deviation], finding) is deviation
    for deviation in (
        Deviation("schema", "…"),
        Deviation("status", "…", statuses=(403,)),
        Deviation("status", "…", operations=("POST *",)),
        Deviation("status", "…", says="422"),
    ):
        assert first_cover([deviation], finding) is None


def test_a_run_is_good_if_nothing_is_unknown_and_every_operation_has_succeeded():
    report = Report(frozenset({"GET /roles"}))
    assert not report.is_good
    report.answered("coverage", "GET /roles", 200)
    assert report.is_good
    report.checked(
        "not_a_server_error", Finding("not_a_server_error", "GET /roles", "user", 500, "Oh!", "curl -X GET x")
    )
    assert not report.is_good
    text = "\n".join(report.lines())
    assert "1 operations, 1 cases, 1 checks" in text
    assert "not_a_server_error, status 500: 1 times" in text
    assert "curl -X GET x" in text


def test_a_curl_line_has_what_makes_the_answer():
    headers = {"authorization": "Bearer it's", "x-monite-version": "2024-05-25", "accept": "*/*"}
    request = httpx.Request("POST", "http://monite/v1/roles?limit=1", headers=headers, json={"a": 1})
    assert curl(request) == (
        "curl -X POST -H 'authorization: Bearer it'\"'\"'s' -H 'x-monite-version: 2024-05-25' "
        "-H 'content-type: application/json' -d '{\"a\":1}' 'http://monite/v1/roles?limit=1'"
    )


def test_the_page_lists_what_is_permitted():
    section = PAGE.read_text().partition("\nThe run lets the emulator deviate ")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `.*\|$", section, re.MULTILINE)
    assert rows == [each.row for each in PERMITTED]
