"""Monite's facts, as the tests use them: its operations, its words, and the shapes of its answers.

The emulator brings them (`monite_auth/emulator/specification`); `specification.py` writes them.
"""

import re
from functools import cache
from typing import Any

import httpx
from jsonschema import Draft202012Validator, FormatChecker  # its stubs are a package more

from monite_auth.emulator.specification.facts import Operation, operations, shapes


def find_operation(method: str, path: str) -> Operation | None:
    """Return the operation that a call is one of, if Monite has it."""
    return next((each for pattern, each in _patterns() if pattern.fullmatch(f"{method} {path}")), None)


@cache
def _patterns() -> list[tuple[re.Pattern[str], Operation]]:
    # Paths without ids go first: /entity_users/me is no entity user's id.
    return [
        (re.compile(re.sub(r"\{\w+\}", "[^/]+", f"{each.method} {each.path}")), each)
        for each in sorted(operations(), key=lambda each: each.path.count("{"))
    ]


def words(name: str, field: str | None = None) -> set[str]:
    """Return the words of a shape that is one of several words, or of a field that is."""
    shape = shapes()[name] if field is None else shapes()[name]["properties"][field]
    return {*shape["enum"]}


# What Monite's release notes say, and its specification does not yet.
NEWER = {("POST", "/roles", 201): "200"}


def check(method: str, path: str, response: httpx.Response) -> None:
    """Assert that an answer is one that Monite gives, if Monite knows the operation.

    Raises:
        jsonschema.ValidationError: the body has another shape.
    """
    operation = find_operation(method, path)
    if operation is None:
        return
    error: dict[str, Any] = {"$ref": "#/$defs/ErrorSchemaResponse"}
    status = NEWER.get((method, operation.path, response.status_code), str(response.status_code))
    schema = operation.answers.get(status, error)
    if schema is None:
        assert response.content == b""
        return
    Draft202012Validator(schema | {"$defs": shapes()}, format_checker=FormatChecker()).validate(
        response.json()
    )
