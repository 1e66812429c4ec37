"""Monite's OpenAPI document, where it is at hand."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

SPECIFICATION = Path(__file__).parents[4] / "shared" / "monite-openapi.json"
METHODS = {"get", "post", "put", "patch", "delete", "head", "options", "trace"}


def load() -> dict[str, Any]:
    """Read the document, or skip the test that asks for it."""
    if not SPECIFICATION.exists():
        pytest.skip("Monite's OpenAPI document is not at ../shared/monite-openapi.json")
    return _read()


@cache
def _read() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(SPECIFICATION.read_text())
    return document


def operations() -> list[tuple[str, str, dict[str, Any]]]:
    """List every operation as method, path and description."""
    return [
        (method.upper(), path, item[method])
        for path, item in load()["paths"].items()
        for method in METHODS & item.keys()
    ]
