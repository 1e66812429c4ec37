"""The judge of `make conformance` finds what it looks for, and the docs say what it lets pass."""

import fnmatch
import json
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from monite_auth.emulator import BAKERY_ID, OSKAR_ID, serve
from monite_auth.emulator.api import SERVED
from tests.conformance import methods, paths, queries
from tests.conformance.callers import Caller, partner
from tests.conformance.deviations import PERMITTED
from tests.conformance.document import Document
from tests.conformance.findings import Deviation, Finding, curl, first_cover
from tests.conformance.report import Report
from tests.conformance.world import World, monite

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
    finding = Finding("status", "GET /roles/{role_id}", "partner", 404, "", "curl", "There is no role.")
    for deviation in (
        Deviation("status", "…"),
        Deviation("status", "…", statuses=(404, 403), operations=("GET *",), says="no r.*le"),
    ):
        assert first_cover([deviation], finding) is deviation
    for deviation in (
        Deviation("schema", "…"),
        Deviation("status", "…", statuses=(403,)),
        Deviation("status", "…", operations=("POST *",)),
        Deviation("status", "…", says="no user"),
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


def test_a_list_that_no_caller_could_judge_is_a_finding():
    report = Report(frozenset())
    for operation in ("GET /roles", "GET /tags"):
        report.could_not_judge(operation, "partner", "it has no items")
    report.judged.add("GET /roles")
    assert [each.operation for each in report.unknown] == ["GET /tags"]
    assert not report.is_good
    assert "unjudged_query" in "\n".join(report.lines())


def test_what_is_sent_is_narrowed_to_what_is_known_and_what_is_answered_is_not(tmp_path):
    text, null = {"type": "string"}, {"type": "null"}
    role = {
        "type": "object",
        "properties": {
            "tag_ids": {"type": "array", "items": text},
            "unit_id": {"anyOf": [text, null]},
            "name": text,
        },
    }
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Role"}}}
    parameter = {"in": "path", "name": "role_id", "schema": text}
    operation = {
        "parameters": [parameter],
        "requestBody": {"content": content},
        "responses": {"200": {"content": content}},
    }
    whole = {"paths": {"/roles/{role_id}": {"patch": operation}}, "components": {"schemas": {"Role": role}}}
    path = tmp_path / "document.json"
    path.write_text(json.dumps(whole))
    known = {"/roles/{role_id}": {"role_id": ["7"]}}
    narrowed = Document(path).narrowed(known, {"tag_ids": ["1"], "Role.unit_id": ["2"], "Other.name": ["3"]})
    found = narrowed["paths"]["/roles/{role_id}"]["patch"]
    assert found["parameters"][0]["schema"] == {"enum": ["7"]}
    assert found["responses"] == operation["responses"]
    sent = found["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    schemas = narrowed["components"]["schemas"]
    assert schemas["Role"] == role
    assert schemas[sent]["properties"] == {
        "tag_ids": {"type": "array", "items": {"enum": ["1"]}},
        "unit_id": {"enum": ["2", None]},
        "name": text,
    }


def test_ids_of_paths_are_those_of_the_lists_and_of_the_whole_with_the_most_parts():
    lists = {
        "/v1/roles": [{"id": "a"}, {"id": "b", "status": "draft"}, {"id": OSKAR_ID}],
        "/v1/roles/b/tags": [{"id": "c"}, {"id": "d"}],
    }

    def handle(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"data": lists.get(request.url.path, [])})

    client = httpx.Client(transport=httpx.MockTransport(handle), base_url="http://monite/v1")
    document = SimpleNamespace(
        chosen={("GET", "/roles"), ("GET", "/roles/{role_id}"), ("GET", "/roles/{role_id}/tags/{tag_id}")}
    )
    assert paths.known(document, client) == {
        "/roles/{role_id}": {"role_id": ["b", "a"]},
        "/roles/{role_id}/tags/{tag_id}": {"role_id": ["b"], "tag_id": ["c", "d"]},
    }
    assert paths.filled(client, "/roles/{role_id}/tags/{tag_id}") == ["/roles/b/tags/c", "/roles/b/tags/d"]


def test_a_caller_spares_itself_and_those_who_get_tokens():
    caller = Caller("user", "token", "their role", "themselves")
    ids = {"role_id": "their role", "user_id": OSKAR_ID, "tag_id": "1"}
    assert caller.spares("DELETE", "/roles/{role_id}", ids) == ["role_id", "user_id"]
    assert caller.spares("GET", "/roles/{role_id}", ids) == []
    assert caller.spares("DELETE", "/roles/{role_id}", {"role_id": ["no id"]}) == []
    entity = {"entity_id": BAKERY_ID}
    assert caller.spares("POST", "/entities/{entity_id}/deactivate", entity) == ["entity_id"]
    assert caller.spares("POST", "/entities/{entity_id}/activate", entity) == []


def test_the_world_has_two_records_for_every_list():
    """A list that is empty cannot be judged."""
    with serve(monite(seed=1)) as emulator, partner(emulator).client(emulator) as client:
        World(emulator, client).build()
        short = set()
        for method, path in SERVED:
            if method == "GET" and not path.endswith("}") and "{" not in path:
                answer = client.get(path).json()
                if isinstance(answer, dict) and len(answer.get("data", "any")) < 2:
                    short.add(path)
        processes = paths.filled(client, "/approval_policies/{approval_policy_id}/processes/{process_id}")
    assert short == {"/financing_invoices"}
    assert len(processes) >= 2


def test_a_curl_line_has_what_makes_the_answer():
    headers = {"authorization": "Bearer it's", "x-monite-version": "2024-05-25", "accept": "*/*"}
    request = httpx.Request("POST", "http://monite/v1/roles?limit=1", headers=headers, json={"a": 1})
    assert curl(request) == (
        "curl -X POST -H 'authorization: Bearer it'\"'\"'s' -H 'x-monite-version: 2024-05-25' "
        "-H 'content-type: application/json' -d '{\"a\":1}' 'http://monite/v1/roles?limit=1'"
    )


def test_what_is_permitted_is_permitted_to_operations_that_are_served():
    served = {" ".join(each) for each in SERVED}
    for pattern in {pattern for each in PERMITTED for pattern in each.operations}:
        assert fnmatch.filter(served, pattern), pattern


def test_the_page_lists_what_is_permitted():
    section = PAGE.read_text().partition("\nThe run lets the emulator deviate ")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `.*\|$", section, re.MULTILINE)
    assert rows == [each.row for each in PERMITTED]
