"""Write Monite's facts down for the tests, from Monite's OpenAPI document: `make facts SPEC=…`.

The document itself is not in the repository: it is Monite's, and it is large. `operations.txt` and `shapes.txt` beside this
file hold what the tests need of it, in a form of our own that `facts.py` reads. Run this where a new document is at hand, read
the difference, and commit it.
"""

import json
import re
import sys
import textwrap
from pathlib import Path
from typing import Any

from monite_auth.emulator import app

FOLDER = Path(__file__).parent
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
# Names of parameters and of fields of a body that choose entities beside x-monite-entity-id.
ENTITY_NAMES = ("entity_id", "entity_ids", "entity_id__in")
# What tests need beside the emulator's answers: the words that roles are written with, and the body of every error.
WORDS = ("ActionEnum", "PayableActionEnum", "PermissionEnum", "CommonSchema-Input", "ErrorSchemaResponse")
# What says nothing about which values are valid.
SILENT = {"title", "description", "example", "examples", "default", "discriminator", "deprecated"}
KINDS = {"string": "text", "integer": "integer", "number": "number", "boolean": "boolean", "null": "null"}

OPERATIONS_HEAD = """\
# Every operation of Monite's API, version {version}, written by specification.py.
#
# method, path, headers without x-monite- (`entity-id?` may be left out), then, where there is something to say:
#   names: …     parameters of the query and fields of the body that choose entities by themselves
#   status: …    for operations of the emulator, the shape of the body (shapes.txt); all other statuses: ErrorSchemaResponse
"""
SHAPES_HEAD = """\
# Bodies of Monite's answers, version {version}, written by specification.py, for operations of the emulator.
#
# A shape is an object with its fields; `field?` may be absent, and `only` forbids further fields. `A = B or C` is exactly
# one of two shapes, `A = B | C` at least one of them, `[…]` one of these words. Types: text, uuid, date and so on are
# strings; `1..255` bounds a length or a number. What is indented by eight belongs to the line above.
"""


def write(document: dict[str, Any], folder: Path = FOLDER) -> None:
    """Write both files into a folder."""
    version = document["info"]["version"]
    folder.joinpath("operations.txt").write_text(
        OPERATIONS_HEAD.format(version=version) + operations(document)
    )
    folder.joinpath("shapes.txt").write_text(SHAPES_HEAD.format(version=version) + shapes(document))


def emulated() -> set[tuple[str, str]]:
    """Return method and path of each operation that the emulator has."""
    return {
        (method, route.path) for api in app.APIS for route in api.router.routes for method in route.methods
    }


def operations(document: dict[str, Any]) -> str:
    """Return a line for each operation, in the order of paths."""
    ours = emulated()
    lines = []
    for path, item in sorted(document["paths"].items()):
        for method in METHODS:
            if (operation := item.get(method.lower())) is not None:
                facts = [f"{method:8}{path}", _headers(operation)]
                if names := _entity_names(document, operation):
                    facts.append("names: " + " ".join(names))
                if (method, path) in ours:
                    facts += [f"{status}: {shape}" for status, shape in _answers(operation).items()]
                lines.append("  ".join(facts) + "\n")
    return "".join(lines)


def _headers(operation: dict[str, Any]) -> str:
    headers = [parameter for parameter in operation["parameters"] if parameter["in"] == "header"]
    return " ".join(
        sorted(
            each["name"].removeprefix("x-monite-") + ("" if each["required"] else "?")
            for each in headers
            if each["name"].startswith("x-monite-")
        )
    )


def _entity_names(document: dict[str, Any], operation: dict[str, Any]) -> list[str]:
    found = {each["name"] for each in operation["parameters"] if each["in"] == "query"}
    for schema in re.findall(r"schemas/([^\"]+)", json.dumps(operation.get("requestBody", {}))):
        found |= document["components"]["schemas"][schema].get("properties", {}).keys()
    return [name for name in ENTITY_NAMES if name in found]


def _answers(operation: dict[str, Any]) -> dict[str, str]:
    """Return the shape for each status whose body is not an ordinary error."""
    answers = {
        status: _named(answer["content"]["application/json"]["schema"]) if "content" in answer else "empty"
        for status, answer in sorted(operation["responses"].items())
    }
    # Copies of one schema are numbered: ErrorSchemaResponse, ErrorSchemaResponse3.
    return {
        status: shape
        for status, shape in answers.items()
        if not re.fullmatch(r"ErrorSchemaResponse\d*", shape)
    }


def _named(schema: dict[str, Any]) -> str:
    return str(schema["$ref"].rpartition("/")[2])


def shapes(document: dict[str, Any]) -> str:
    """Return every shape that the emulator's answers are made of, by name."""
    schemas = document["components"]["schemas"]
    wanted = {
        shape
        for method, path in emulated()
        for shape in _answers(document["paths"][path][method.lower()]).values()
    } - {"empty"} | {*WORDS}
    found: dict[str, dict[str, Any]] = {}
    while wanted:
        name = wanted.pop()
        found[name] = schemas[name]
        inside = re.findall(r"\"#/components/schemas/([^\"]+)\"", json.dumps(schemas[name]))
        wanted |= {*inside} - found.keys()
    return "".join(f"\n{_shape(name, schema)}" for name, schema in sorted(found.items()))


def _shape(name: str, schema: dict[str, Any]) -> str:
    schema = {key: value for key, value in schema.items() if key not in SILENT}
    match schema:
        case {"enum": values, "type": "string"} if len(schema) == 2:
            return _wrapped(f"{name} = [{' '.join(values)}]")
        case {"oneOf": each} if len(schema) == 1:
            return f"{name} = {' or '.join(map(_named, each))}\n"
        case {"anyOf": _} if len(schema) == 1:
            return f"{name} = {phrase(schema)}\n"
        case {"properties": fields, "type": "object"}:
            only = " only" if schema.get("additionalProperties") is False else ""
            required = schema.get("required", ())
            lines = [
                _wrapped(f"    {field}{'' if field in required else '?'}: {phrase(value)}")
                for field, value in fields.items()
            ]
            return f"{name}{only}\n{''.join(lines)}"
    raise ValueError(f"{name} is of a kind that has no form here yet: {schema}")


def _wrapped(line: str) -> str:
    return textwrap.fill(line, 110, subsequent_indent=" " * 8, break_on_hyphens=False) + "\n"


def phrase(schema: dict[str, Any]) -> str:
    """Return the type of a field in words; raise ValueError for a keyword that has none."""
    schema = {key: value for key, value in schema.items() if key not in SILENT}
    match schema:
        case {} if not schema:
            return "anything"
        case {"$ref": reference} if len(schema) == 1:
            return str(reference.rpartition("/")[2])
        case {"allOf": [inner]} if len(schema) == 1:
            return phrase(inner)
        case {"anyOf": each} if len(schema) == 1:
            return " | ".join(map(phrase, each))
        case {"const": word, "type": "string"} if len(schema) == 2:
            return f"'{word}'"
        case {"enum": values, "type": "string"} if len(schema) == 2:
            return f"[{' '.join(values)}]"
        case {"type": "array", "items": items}:
            return f"list{_bounds(schema, 'minItems', 'maxItems')} of ({phrase(items)})"
        case {"type": "object"} if schema.keys() <= {"type", "additionalProperties"}:
            return "object"
        case {"type": "string"}:
            return str(schema.get("format", "text")) + _bounds(schema, "minLength", "maxLength")
        case {"type": kind, "exclusiveMinimum": low} if len(schema) == 2:
            return f"{KINDS[kind]} above {low:g}"
        case {"type": kind} if kind in KINDS:
            return KINDS[kind] + _bounds(schema, "minimum", "maximum")
    raise ValueError(f"There are no words here yet for {schema}")


def _bounds(schema: dict[str, Any], low: str, high: str) -> str:
    unknown = schema.keys() - {"type", "format", "items", low, high}
    if unknown:
        raise ValueError(f"There are no words here yet for {sorted(unknown)} in {schema}")
    if low not in schema and high not in schema:
        return ""
    least, most = (f"{schema[name]:g}" if name in schema else "" for name in (low, high))
    return f" {least}..{most}"


if __name__ == "__main__":
    write(json.loads(Path(sys.argv[1]).read_text()))
