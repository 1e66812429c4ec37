"""The facts are whole, can be read back without loss, and are those of Monite's document where that is at hand."""

import json
import os
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from monite_auth.emulator.api import SERVED
from monite_auth.emulator.specification.facts import operations, read_type, shapes
from tests.data import specification
from tests.data.facts import check, find_operation, words
from tests.data.specification import FOLDER

# Monite's OpenAPI document is not in the repository; `make conformance` names it.
DOCUMENT = os.environ.get("SPEC")


def rebuilt() -> dict[str, Any]:
    """Make a document out of the facts: what they hold of Monite's, and nothing else."""
    paths: dict[str, Any] = {}
    for each in operations():
        headers = [{"in": "header", "name": name, "required": True} for name in each.required_headers]
        headers += [{"in": "header", "name": name, "required": False} for name in each.optional_headers]
        queries = [{"in": "query", "name": name, "schema": schema} for name, schema in each.query.items()]
        if not each.answers:
            queries += [{"in": "query", "name": name} for name in each.entity_names]
        answers = {
            status: {} if schema is None else {"content": {"application/json": {"schema": schema}}}
            for status, schema in each.answers.items()
        }
        operation = paths.setdefault(each.path, {})[each.method.lower()] = {
            "parameters": headers + queries,
            "responses": answers | {status: error() for status in each.errors},
        }
        if each.body:
            kind = "multipart/form-data" if each.body.is_form else "application/json"
            content = {kind: {"schema": each.body.schema}}
            operation["requestBody"] = {"content": content, "required": each.body.required}
    version = FOLDER.joinpath("operations.txt").read_text().partition("version ")[2].partition(",")[0]
    document = {"info": {"version": version}, "paths": paths, "components": {"schemas": shapes()}}
    rebuilt: dict[str, Any] = json.loads(json.dumps(document).replace("#/$defs/", "#/components/schemas/"))
    return rebuilt


def named(shape: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{shape}"}


def error() -> dict[str, Any]:
    return {"content": {"application/json": {"schema": named("ErrorSchemaResponse")}}}


def references(schema: Any) -> set[str]:
    return {part.partition('"')[0] for part in json.dumps(schema).split("#/$defs/")[1:]}


def test_the_facts_are_those_of_monites_document(tmp_path):
    """Where the document is not at hand, this still shows that reading the facts loses nothing of them."""
    document = specification.read(Path(DOCUMENT)) if DOCUMENT else rebuilt()
    specification.write(document, tmp_path)
    for name in ("operations.txt", "shapes.txt"):
        assert tmp_path.joinpath(name).read_text() == FOLDER.joinpath(name).read_text(), "run make facts"


def test_reading_the_facts_loses_nothing(tmp_path):
    specification.write(rebuilt(), tmp_path)
    for name in ("operations.txt", "shapes.txt"):
        assert tmp_path.joinpath(name).read_text() == FOLDER.joinpath(name).read_text()


def test_every_operation_and_every_shape_is_there():
    assert len(operations()) == 470
    assert all("x-monite-version" in each.required_headers for each in operations())
    assert {(each.method, each.path) for each in operations() if each.answers} == SERVED.keys()
    used = [(each.query, each.body and each.body.schema, each.answers) for each in operations()]
    assert references([used, shapes()]) | {*specification.WORDS} == shapes().keys()
    for shape in shapes().values():
        Draft202012Validator.check_schema(shape)


def test_a_path_without_ids_goes_before_one_with_ids():
    assert find_operation("GET", "/entity_users/me").path == "/entity_users/me"
    assert find_operation("GET", "/entity_users/17").path == "/entity_users/{entity_user_id}"
    assert find_operation("GET", "/nowhere") is None


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string"},
        {"type": "string", "format": "uuid"},
        {"type": "string", "minLength": 1, "maxLength": 255},
        {"type": "integer", "minimum": 0},
        {"type": "integer", "maximum": 2**53 - 1},
        {"type": "number", "exclusiveMinimum": 0},
        {"type": "array", "items": {"anyOf": [{"type": "string"}, {"type": "null"}]}, "minItems": 1},
        {"anyOf": [{"type": "array", "items": named("Other")}, {"type": "null"}]},
        {"type": "string", "enum": ["a", "b"]},
        {"type": "string", "enum": ["|", "or", ""]},
        {"type": "string", "const": "a"},
        {"type": "string", "minLength": 1, "pattern": "^[a-z]+$"},
        {"type": "array", "items": {"type": "string"}, "uniqueItems": True},
        {"type": "object", "additionalProperties": {"anyOf": [named("Other"), {"type": "null"}]}},
        {
            "anyOf": [
                {"type": "array", "items": {"type": "string"}},
                {"type": "array", "items": named("Other")},
            ]
        },
        {"anyOf": [{"oneOf": [named("One"), named("Other")]}, {"type": "null"}]},
        {"type": "object"},
        {},
    ],
)
def test_a_type_survives_being_written_down(schema):
    text = specification.phrase(schema)
    assert json.loads(json.dumps(read_type(text)).replace("$defs", "components/schemas")) == schema


@pytest.mark.parametrize("schema", [{"type": "string", "not": {}}, {"not": {}}, {"type": "file"}])
def test_a_type_that_has_no_form_is_refused_and_not_left_out(schema):
    with pytest.raises(ValueError, match="no words here yet"):
        specification.phrase(schema)


def test_the_words_are_read():
    assert words("PermissionEnum") == {"allowed", "allowed_for_own", "not_allowed"}
    assert "receipt" in words("CommonSchema-Input", "object_type")


def test_an_operation_that_monite_does_not_have_is_not_checked():
    check("GET", "/nowhere", httpx.Response(200, json={}))
