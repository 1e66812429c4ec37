"""Reads Monite's operations and shapes from the two text files beside this one. A shape becomes a JSON Schema."""

import re
import shlex
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

#: A JSON Schema. Names of shapes are `{"$ref": "#/$defs/…"}`.
Schema = dict[str, Any]

#: The version of the API that the facts are of, and the only one that the emulator takes.
API_VERSION = "2024-05-25"
#: What every path begins with. The facts leave it out.
PREFIX = "/v1"

FOLDER = resources.files(__package__)
#: Where a reference to a shape leads.
SHAPES = "#/$defs/"
#: What stands for an answer that has no body.
EMPTY = "empty"
TYPES = {"text": "string", "integer": "integer", "number": "number", "boolean": "boolean", "null": "null"}
FORMATS = ("uuid", "date", "date-time", "email", "uri", "binary", "color")


@dataclass(frozen=True)
class Body:
    """What a request carries, and how it is written."""

    schema: Schema
    required: bool = True
    is_form: bool = False


@dataclass(frozen=True)
class Operation:
    """An operation of Monite's API. Only for those that the emulator serves is more known than the names and headers."""

    method: str
    path: str
    required_headers: frozenset[str]
    optional_headers: frozenset[str]
    #: The parameters of the query and the fields of the body that choose entities by themselves.
    entity_names: frozenset[str]
    query: dict[str, Schema] = field(default_factory=dict, compare=False)
    body: Body | None = field(default=None, compare=False)
    #: What is answered by status, without ordinary errors. None is an answer without a body.
    answers: dict[str, Schema | None] = field(default_factory=dict, compare=False)
    #: The statuses whose body is an ordinary error.
    errors: tuple[str, ...] = field(default=(), compare=False)

    @property
    def headers(self) -> frozenset[str]:
        return self.required_headers | self.optional_headers

    @property
    def name(self) -> str:
        """The name by which Monite's document calls the operation."""
        # Those of the partner portal have one line more.
        path = self.path.replace("/portal/", "//portal/")
        return self.method.lower() + re.sub(r"\{\w+\}", "id", path).replace("/", "_")

    @property
    def success(self) -> tuple[int, Schema | None]:
        """The status and what is answered when all is well."""
        status = next(status for status in self.answers if status[0] == "2")
        return int(status), self.answers[status]


@cache
def operations() -> tuple[Operation, ...]:
    """Read every operation."""
    stanzas = re.split(r"\n(?! )", _read("operations.txt"))
    return tuple(_operation(stanza.split("\n    ")) for stanza in stanzas)


def _operation(lines: list[str]) -> Operation:
    method, path, headers, *rest = re.split(r"\s{2,}", lines[0])
    names = [name for fact in rest for name in fact.removeprefix("names: ").split()]
    query: dict[str, Schema] = {}
    body: Body | None = None
    answers: dict[str, Schema | None] = {}
    errors: tuple[str, ...] = ()
    for line in lines[1:]:
        key, _, value = line.partition(": ")
        if key.startswith("query "):
            query[key.removeprefix("query ")] = read_type(value)
        elif key == "errors":
            errors = tuple(value.split())
        elif key.isdigit():
            answers[key] = None if value == EMPTY else read_type(value)
        else:
            body = Body(read_type(value), required=key[-1] != "?", is_form=key.startswith("form"))
    return Operation(
        method,
        path,
        frozenset(f"x-monite-{name}" for name in headers.split() if name[-1] != "?"),
        frozenset(f"x-monite-{name[:-1]}" for name in headers.split() if name[-1] == "?"),
        frozenset(names),
        query,
        body,
        answers,
        errors,
    )


@cache
def shapes() -> dict[str, Schema]:
    """Read every shape."""
    return dict(_shape(paragraph.splitlines()) for paragraph in _read("shapes.txt").split("\n\n"))


def _read(name: str) -> str:
    """Return a file without its head, and with each continued line in one piece."""
    text = re.sub(r"^#.*\n", "", FOLDER.joinpath(name).read_text("utf-8"), flags=re.MULTILINE)
    return re.sub(r"\n {8}", " ", text).strip()


def _shape(lines: list[str]) -> tuple[str, Schema]:
    head, *fields = lines
    if " = " in head:
        name, _, is_what = head.partition(" = ")
        return name, read_type(is_what)
    name, _, only = head.partition(" ")
    pairs = [line.strip().split(": ", 1) for line in fields]
    schema: Schema = {
        "type": "object",
        "properties": {field.removesuffix("?"): read_type(kind) for field, kind in pairs},
        "required": [field for field, _ in pairs if field[-1] != "?"],
    }
    return name, schema | ({"additionalProperties": False} if only else {})


def read_type(phrase: str) -> Schema:
    """Read the type of a field."""
    for word, key in ((" or ", "oneOf"), (" | ", "anyOf")):
        if len(parts := _split(phrase, word)) > 1:
            return {key: [read_type(part) for part in parts]}
    if phrase[0] == "(":
        return read_type(phrase[1:-1])
    if found := re.fullmatch(r"object of \((.*)\)", phrase):
        return {"type": "object", "additionalProperties": read_type(found[1])}
    if found := re.fullmatch(r"list( \S*\.\.\S*)? of( different)? \((.*)\)", phrase):
        unique = {"uniqueItems": True} if found[2] else {}
        items = {"type": "array", "items": read_type(found[3])}
        return items | _bounds(found[1], "minItems", "maxItems") | unique
    if phrase[0] == "[":
        return {"type": "string", "enum": shlex.split(phrase[1:-1])}
    if phrase[0] == "'":
        return {"type": "string", "const": phrase[1:-1]}
    if " like " in phrase:
        text, _, pattern = phrase.partition(" like ")
        return read_type(text) | {"pattern": pattern}
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
    return {"$ref": SHAPES + phrase}


def _split(phrase: str, word: str) -> list[str]:
    """Split a phrase at a word, but not inside of its brackets."""
    parts, depth = [""], 0
    for piece in re.split(f"({re.escape(word)}|[][()])", phrase):
        depth += (piece in {"(", "["}) - (piece in {")", "]"})
        if piece == word and not depth:
            parts.append("")
        else:
            parts[-1] += piece
    return parts


def _bounds(text: str | None, low: str, high: str) -> Schema:
    bounds = zip((low, high), (text or "..").split(".."), strict=True)
    return {name: float(bound) for name, bound in bounds if bound.strip()}
