"""Write Monite's facts down for the emulator and the tests, from Monite's OpenAPI document: `make facts SPEC=…`.

The document itself is not in the repository: it is Monite's, and it is large. `operations.txt` and `shapes.txt` in
`monite_auth/emulator/specification` hold what the emulator and the tests need of it, in a form of our own. Run this where a new
document is at hand, or after the emulator has learnt an operation; read the difference, and commit it.
"""

import json
import re
import shlex
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import monite_auth.emulator.specification
from monite_auth.emulator.api import SERVED

FOLDER = Path(monite_auth.emulator.specification.__file__).parent
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
# Names of parameters and of fields of a body that choose entities beside x-monite-entity-id.
ENTITY_NAMES = ("entity_id", "entity_ids", "entity_id__in")
# What tests need beside the emulator's answers: the words that roles are written with, and the body of every error.
WORDS = ("ActionEnum", "PayableActionEnum", "PermissionEnum", "CommonSchema-Input", "ErrorSchemaResponse")
# What says nothing about which values are valid.
SILENT = {
    "title",
    "description",
    "example",
    "examples",
    "default",
    "discriminator",
    "deprecated",
    "contentEncoding",
    "contentMediaType",
}
# What Monite's own React SDK (3.22) sends as null when a draft is saved, by shape: fields that are empty on its form.
CLEARED = {
    "UpdateInvoice": (
        "counterpart_shipping_address_id",
        "fulfillment_date",
        "overdue_reminder_id",
        "payment_reminder_id",
    )
}
KINDS = {"string": "text", "integer": "integer", "number": "number", "boolean": "boolean", "null": "null"}

OPERATIONS_HEAD = """\
# Every operation of Monite's API, version {version}, written by tests/data/specification.py.
#
# method, path, headers without x-monite- (`entity-id?` may be left out), then, where there is something to say:
#   names: …      parameters of the query and fields of the body that choose entities by themselves
# and below it, for operations that the emulator serves:
#   query name    a parameter of the query, which may be left out, and its type as in shapes.txt
#   body, form    the shape of the request's body, as JSON or as a form; `body?` may be left out
#   status        the shape of the answer with that status
#   errors        the statuses that have the shape ErrorSchemaResponse
# What is indented by eight belongs to the line above.
"""
SHAPES_HEAD = """\
# What is sent to Monite and what it answers, version {version}, written by tests/data/specification.py, for operations that the
# emulator serves.
#
# A shape is an object with its fields; `field?` may be absent, and `only` forbids further fields. `A or B` is exactly one of two,
# `A | B` at least one of them, `[…]` one of these words, of which '' is the empty one. Types: text, uuid, date and so on are strings; `1..255` bounds a length
# or a number. What is indented by eight belongs to the line above.
"""


def read(path: Path) -> dict[str, Any]:
    """Return Monite's document without the mistakes that we know of.

    - `additionalProperties: false` beside `anyOf` forbids every field, since none of them stands in the same schema.
    - Monite's own SDK sends null where the document has none: CLEARED.
    """
    document: dict[str, Any] = json.loads(path.read_text())
    schemas = document["components"]["schemas"]
    for schema in schemas.values():
        if schema.keys() & {"anyOf", "oneOf"} and "properties" not in schema:
            schema.pop("additionalProperties", None)
    for name in CLEARED.keys() & schemas.keys():
        fields = schemas[name]["properties"]
        fields |= {field: {"anyOf": [fields[field], {"type": "null"}]} for field in CLEARED[name]}
    return document


def write(document: dict[str, Any], folder: Path = FOLDER) -> None:
    """Write both files into a folder."""
    version = document["info"]["version"]
    folder.joinpath("operations.txt").write_text(
        OPERATIONS_HEAD.format(version=version) + operations(document)
    )
    folder.joinpath("shapes.txt").write_text(SHAPES_HEAD.format(version=version) + shapes(document))


def operations(document: dict[str, Any]) -> str:
    """Return a line for each operation, in the order of paths, and what is known of those that the emulator serves."""
    lines = []
    for path, item in sorted(document["paths"].items()):
        for method in METHODS:
            if (operation := item.get(method.lower())) is not None:
                facts = [f"{method:8}{path}", _headers(operation)]
                if names := _entity_names(document, operation):
                    facts.append("names: " + " ".join(names))
                lines.append("  ".join(facts) + "\n")
                if (method, path) in SERVED:
                    lines += [_wrapped(f"    {line}") for line in _details(operation)]
    return "".join(lines)


def _details(operation: dict[str, Any]) -> Iterator[str]:
    for parameter in operation["parameters"]:
        if parameter["in"] == "query":
            yield f"query {parameter['name']}: {phrase(parameter['schema'])}"
    if body := operation.get("requestBody"):
        ((kind, content),) = body["content"].items()
        optional = "" if body.get("required") else "?"
        yield f"{'body' if kind == 'application/json' else 'form'}{optional}: {phrase(_plain(content['schema']))}"
    for status, shape in _answers(operation).items():
        yield f"{status}: {shape}"
    yield "errors: " + " ".join(sorted(operation["responses"].keys() - _answers(operation).keys()))


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    """Return what a schema is beside null: a body that may be left out may be null, too."""
    plain: dict[str, Any]
    (plain,) = [each for each in schema.get("anyOf", [schema]) if each.get("type") != "null"]
    return plain


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
        status: phrase(answer["content"]["application/json"]["schema"]) if "content" in answer else "empty"
        for status, answer in sorted(operation["responses"].items())
    }
    # Copies of one schema are numbered: ErrorSchemaResponse, ErrorSchemaResponse3.
    return {
        status: shape
        for status, shape in answers.items()
        if not re.fullmatch(r"ErrorSchemaResponse\d*", shape)
    }


def shapes(document: dict[str, Any]) -> str:
    """Return every shape of what is sent to the emulator and what it answers, by name."""
    schemas = document["components"]["schemas"]
    wanted = {*WORDS}
    for method, path in SERVED:
        operation = document["paths"][path][method.lower()]
        answers = [operation["responses"][status] for status in _answers(operation)]
        wanted |= _shapes_in([operation["parameters"], operation.get("requestBody"), answers])
    found: dict[str, dict[str, Any]] = {}
    while wanted:
        name = wanted.pop()
        found[name] = schemas[name]
        wanted |= _shapes_in(schemas[name]) - found.keys()
    return "".join(f"\n{_shape(name, schema)}" for name, schema in sorted(found.items()))


def _shapes_in(schema: Any) -> set[str]:
    return {*re.findall(r"\"#/components/schemas/([^\"]+)\"", json.dumps(schema))}


def _shape(name: str, schema: dict[str, Any]) -> str:
    schema = {key: value for key, value in schema.items() if key not in SILENT}
    match schema:
        case {"properties": fields, "type": "object"}:
            only = " only" if schema.get("additionalProperties") is False else ""
            required = schema.get("required", ())
            lines = [
                _wrapped(f"    {field}{'' if field in required else '?'}: {phrase(value)}")
                for field, value in fields.items()
            ]
            return f"{name}{only}\n{''.join(lines)}"
    return _wrapped(f"{name} = {phrase(schema)}")


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
            return " | ".join(map(_part, each))
        case {"oneOf": each} if len(schema) == 1:
            return " or ".join(map(_part, each))
        case {"const": word, "type": "string"} if len(schema) == 2:
            return f"'{word}'"
        case {"enum": values} if schema.get("type", "string") == "string" and schema.keys() <= {
            "enum",
            "type",
        }:
            return f"[{shlex.join(values)}]"
        case {"type": "array", "items": items, "uniqueItems": True}:
            rest = {key: value for key, value in schema.items() if key != "uniqueItems"}
            return phrase(rest).replace(" of ", " of different ", 1)
        case {"type": "array", "items": items}:
            return f"list{_bounds(schema, 'minItems', 'maxItems')} of ({phrase(items)})"
        case {"type": "object", "additionalProperties": dict(values)} if len(schema) == 2 and values:
            return f"object of ({phrase(values)})"
        case {"type": "object"} if schema.keys() <= {"type", "additionalProperties"}:
            return "object"
        case {"type": "string", "pattern": pattern}:
            rest = {key: value for key, value in schema.items() if key != "pattern"}
            return f"{phrase(rest)} like {pattern}"
        case {"type": "string"}:
            return str(schema.get("format", "text")) + _bounds(schema, "minLength", "maxLength")
        case {"type": kind, "exclusiveMinimum": low} if len(schema) == 2:
            return f"{KINDS[kind]} above {low:.16g}"
        case {"type": kind} if kind in KINDS:
            return KINDS[kind] + _bounds(schema, "minimum", "maximum")
    raise ValueError(f"There are no words here yet for {schema}")


def _part(schema: dict[str, Any]) -> str:
    """Return one of several types: in brackets, if it is several itself."""
    text = phrase(schema)
    return f"({text})" if re.search(r" \| | or ", re.sub(r"\(.*\)", "", text)) else text


def _bounds(schema: dict[str, Any], low: str, high: str) -> str:
    unknown = schema.keys() - {"type", "format", "items", low, high}
    if unknown:
        raise ValueError(f"There are no words here yet for {sorted(unknown)} in {schema}")
    if low not in schema and high not in schema:
        return ""
    least, most = (f"{schema[name]:.16g}" if name in schema else "" for name in (low, high))
    return f" {least}..{most}"


if __name__ == "__main__":
    write(read(Path(sys.argv[1])))
