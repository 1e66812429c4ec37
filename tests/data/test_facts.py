"""The facts are whole, can be read back without loss, and are those of Monite's document where that is at hand."""

import json
import os
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from tests.data import specification
from tests.data.facts import FOLDER, check, find_operation, operations, read_type, shapes, words

# Monite's OpenAPI document is not in the repository; `make conformance` names it.
DOCUMENT = os.environ.get("SPEC")


def rebuilt() -> dict[str, Any]:
    """Make a document out of the facts: what they hold of Monite's, and nothing else."""
    paths: dict[str, Any] = {}
    for each in operations():
        headers = [{"in": "header", "name": name, "required": True} for name in each.required_headers]
        headers += [{"in": "header", "name": name, "required": False} for name in each.optional_headers]
        queries = [{"in": "query", "name": name} for name in each.entity_names]
        answers = {
            status: {} if shape == "empty" else {"content": {"application/json": {"schema": named(shape)}}}
            for status, shape in each.answers.items()
        }
        paths.setdefault(each.path, {})[each.method.lower()] = {
            "parameters": headers + queries,
            "responses": answers,
        }
    version = FOLDER.joinpath("operations.txt").read_text().partition("version ")[2].partition(",")[0]
    schemas = json.loads(json.dumps(shapes()).replace("#/$defs/", "#/components/schemas/"))
    return {"info": {"version": version}, "paths": paths, "components": {"schemas": schemas}}


def named(shape: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{shape}"}


def references(schema: Any) -> set[str]:
    return {part.partition('"')[0] for part in json.dumps(schema).split("#/$defs/")[1:]}


def test_the_facts_are_those_of_monites_document(tmp_path):
    """Where the document is not at hand, this still shows that reading the facts loses nothing of them."""
    document = json.loads(Path(DOCUMENT).read_text()) if DOCUMENT else rebuilt()
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
    emulated = {(each.method, each.path) for each in operations() if each.answers}
    assert emulated == specification.emulated()
    wanted = {shape for each in operations() for shape in each.answers.values()} - {"empty"}
    wanted |= references(shapes()) | {*specification.WORDS}
    assert wanted == shapes().keys()
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
        {"type": "number", "exclusiveMinimum": 0},
        {"type": "array", "items": {"anyOf": [{"type": "string"}, {"type": "null"}]}, "minItems": 1},
        {"anyOf": [{"type": "array", "items": named("Other")}, {"type": "null"}]},
        {"type": "string", "enum": ["a", "b"]},
        {"type": "string", "const": "a"},
        {"type": "object"},
        {},
    ],
)
def test_a_type_survives_being_written_down(schema):
    text = specification.phrase(schema)
    assert json.loads(json.dumps(read_type(text)).replace("$defs", "components/schemas")) == schema


@pytest.mark.parametrize("schema", [{"type": "string", "pattern": "a"}, {"not": {}}, {"type": "file"}])
def test_a_type_that_has_no_form_is_refused_and_not_left_out(schema):
    with pytest.raises(ValueError, match="no words here yet"):
        specification.phrase(schema)


def test_the_words_are_read():
    assert words("PermissionEnum") == {"allowed", "allowed_for_own", "not_allowed"}
    assert "receipt" in words("CommonSchema-Input", "object_type")


def test_an_operation_that_monite_does_not_have_is_not_checked():
    check("GET", "/nowhere", httpx.Response(200, json={}))
