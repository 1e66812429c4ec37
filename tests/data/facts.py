"""Monite's facts, as the tests use them: its operations, its words, and the shapes of its answers.

`operations.txt` and `shapes.txt` say how they are to be read; `specification.py` writes them.
"""

import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import httpx
from jsonschema import Draft202012Validator, FormatChecker  # its stubs are a package more

FOLDER = Path(__file__).parent
TYPES = {"text": "string", "integer": "integer", "number": "number", "boolean": "boolean", "null": "null"}
FORMATS = ("uuid", "date", "date-time", "email", "uri")


@dataclass(frozen=True)
class Operation:
    """An operation of Monite's API."""

    method: str
    path: str
    required_headers: frozenset[str]
    optional_headers: frozenset[str]
    entity_names: frozenset[str]  # what chooses entities in the query and the body
    answers: dict[str, str] = field(compare=False)  # shapes by status, for operations of the emulator

    @property
    def headers(self) -> frozenset[str]:
        return self.required_headers | self.optional_headers


@cache
def operations() -> tuple[Operation, ...]:
    """Read every operation."""
    return tuple(
        _operation(line)
        for line in FOLDER.joinpath("operations.txt").read_text().splitlines()
        if line[0] != "#"
    )


def _operation(line: str) -> Operation:
    method, path, headers, *rest = re.split(r"\s{2,}", line)
    facts = dict(fact.split(": ") for fact in rest)
    names = facts.pop("names", "")
    return Operation(
        method,
        path,
        frozenset(f"x-monite-{name}" for name in headers.split() if name[-1] != "?"),
        frozenset(f"x-monite-{name[:-1]}" for name in headers.split() if name[-1] == "?"),
        frozenset(names.split()),
        facts,
    )


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


@cache
def shapes() -> dict[str, dict[str, Any]]:
    """Read every shape, as a JSON Schema in which names of shapes are `{"$ref": "#/$defs/…"}`."""
    text = re.sub(r"^#.*\n", "", FOLDER.joinpath("shapes.txt").read_text(), flags=re.MULTILINE)
    paragraphs = re.sub(r"\n {8}", " ", text).strip().split("\n\n")
    return dict(_shape(paragraph.splitlines()) for paragraph in paragraphs)


def _shape(lines: list[str]) -> tuple[str, dict[str, Any]]:
    head, *fields = lines
    if " = " in head:
        name, is_what = head.split(" = ")
        if is_what[0] == "[" or " | " in is_what:
            return name, read_type(is_what)
        return name, {"oneOf": [read_type(each) for each in is_what.split(" or ")]}
    name, _, only = head.partition(" ")
    pairs = [line.strip().split(": ", 1) for line in fields]
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {field.removesuffix("?"): read_type(kind) for field, kind in pairs},
        "required": [field for field, _ in pairs if field[-1] != "?"],
    }
    return name, schema | ({"additionalProperties": False} if only else {})


def read_type(phrase: str) -> dict[str, Any]:
    """Read the type of a field."""
    if found := re.fullmatch(r"list( \S*\.\.\S*)? of \((.*)\)", phrase):
        return {"type": "array", "items": read_type(found[2])} | _bounds(found[1], "minItems", "maxItems")
    if " | " in phrase:
        return {"anyOf": [read_type(each) for each in phrase.split(" | ")]}
    if phrase[0] == "[":
        return {"type": "string", "enum": phrase[1:-1].split()}
    if phrase[0] == "'":
        return {"type": "string", "const": phrase[1:-1]}
    kind, _, limits = phrase.partition(" ")
    if limits.startswith("above "):
        return {"type": TYPES[kind], "exclusiveMinimum": float(limits.removeprefix("above "))}
    if kind in FORMATS:
        return {"type": "string", "format": kind} | _bounds(limits, "minLength", "maxLength")
    if kind == "text":
        return {"type": "string"} | _bounds(limits, "minLength", "maxLength")
    if kind in TYPES:
        return {"type": TYPES[kind]} | _bounds(limits, "minimum", "maximum")
    if phrase in ("anything", "object"):
        return {} if phrase == "anything" else {"type": "object"}
    return {"$ref": f"#/$defs/{phrase}"}


def _bounds(text: str | None, low: str, high: str) -> dict[str, float]:
    bounds = zip((low, high), (text or "..").split(".."), strict=True)
    return {name: float(bound) for name, bound in bounds if bound.strip()}


def words(name: str, field: str | None = None) -> set[str]:
    """Return the words of a shape that is one of several words, or of a field that is."""
    shape = shapes()[name] if field is None else shapes()[name]["properties"][field]
    return {*shape["enum"]}


def check(method: str, path: str, response: httpx.Response) -> None:
    """Assert that an answer is one that Monite gives, if Monite knows the operation.

    Raises:
        jsonschema.ValidationError: the body has another shape.
    """
    operation = find_operation(method, path)
    if operation is None:
        return
    shape = operation.answers.get(str(response.status_code), "ErrorSchemaResponse")
    if shape == "empty":
        assert response.content == b""
        return
    schema = {"$ref": f"#/$defs/{shape}", "$defs": shapes()}
    Draft202012Validator(schema, format_checker=FormatChecker()).validate(response.json())
