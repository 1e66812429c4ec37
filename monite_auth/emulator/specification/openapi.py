"""Monite's API as far as the emulator serves it, as an OpenAPI document: for tools that make clients, pages or tests of it."""

import json
from collections.abc import Collection
from typing import Any

from monite_auth.emulator.specification.facts import SHAPES, Operation, operations, shapes

_ERROR = {"$ref": f"{SHAPES}ErrorSchemaResponse"}
_UUID = {"type": "string", "format": "uuid"}


def document(served: Collection[tuple[str, str]], version: str, server: str) -> dict[str, Any]:
    """Return the document.

    Args:
        served: method and path of each operation that is in it.
        version: the version of Monite's API.
        server: the address below which the paths are.

    """
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations():
        if (operation.method, operation.path) in served:
            paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    whole = {
        "openapi": "3.1.0",
        "info": {"title": "Monite's API, as the emulator serves it", "version": version},
        "servers": [{"url": server}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": shapes(),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }
    result: dict[str, Any] = json.loads(json.dumps(whole).replace(SHAPES, "#/components/schemas/"))
    return result


def _operation(operation: Operation) -> dict[str, Any]:
    path = [part[1:-1] for part in operation.path.split("/") if part.startswith("{")]
    parameters = [_parameter("path", name, _UUID, required=True) for name in path]
    parameters += [_parameter("query", name, schema) for name, schema in operation.query.items()]
    for name in sorted(operation.headers):
        kind = {"type": "string", "format": "date"} if name == "x-monite-version" else _UUID
        parameters.append(_parameter("header", name, kind, required=name in operation.required_headers))
    answers = operation.answers | dict.fromkeys(operation.errors, _ERROR)
    result: dict[str, Any] = {
        "operationId": operation.name,
        "tags": [operation.path.split("/")[1]],
        "parameters": parameters,
        "responses": {status: _answer(schema) for status, schema in sorted(answers.items())},
    }
    if operation.body:
        written = "multipart/form-data" if operation.body.is_form else "application/json"
        content = {written: {"schema": operation.body.schema}}
        result["requestBody"] = {"content": content, "required": operation.body.required}
    if operation.path == "/auth/token":
        result["security"] = []
    return result


def _parameter(place: str, name: str, schema: dict[str, Any], *, required: bool = False) -> dict[str, Any]:
    return {"in": place, "name": name, "schema": schema, "required": required}


def _answer(schema: dict[str, Any] | None) -> dict[str, Any]:
    content = {} if schema is None else {"content": {"application/json": {"schema": schema}}}
    return {"description": "The answer" if schema != _ERROR else "An error", **content}
