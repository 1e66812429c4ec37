"""Gives what the emulator knows the shape in which Monite answers it.

Fields that the shape does not have are left out. Fields that it demands and that nobody has filled are null, empty or false.
"""

from collections.abc import Sequence
from typing import Any

from monite_auth.emulator.specification.facts import Schema
from monite_auth.emulator.specification.validation import resolved

_MISSING = object()
_KINDS: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
}
_EMPTY: dict[str, Any] = {"array": [], "object": {}, "boolean": False, "integer": 0, "number": 0}


def fitted(schema: Schema, value: Any) -> Any:
    """Return a value in the shape of an answer."""
    schema = resolved(schema)
    match schema:
        case {"anyOf": parts} | {"oneOf": parts}:
            return fitted(_meant(parts, value), value)
        case {"type": "array", "items": items} if isinstance(value, list):
            return [fitted(items, each) for each in value]
        case {"type": "object", "properties": fields} if isinstance(value, dict):
            return _fitted_object(fields, schema["required"], value)
        case {"type": "object", "additionalProperties": dict(values)} if isinstance(value, dict):
            return {name: fitted(values, each) for name, each in value.items()}
    return value


def _fitted_object(
    fields: dict[str, Schema], required: Sequence[str], value: dict[str, Any]
) -> dict[str, Any]:
    result = {}
    for name, kind in fields.items():
        given = value.get(name, _MISSING)
        if given is _MISSING or (given is None and not _is_nullable(kind)):
            if name not in required:
                continue
            given = _nothing(name, kind)
        result[name] = fitted(kind, given)
    return result


def never_null(schema: Schema) -> frozenset[str]:
    """Return the fields that an object of this shape has, with a value that is not null."""
    shape = resolved(schema)
    fields = shape.get("properties", {})
    return frozenset(name for name in shape.get("required", ()) if not _is_nullable(fields[name]))


def _meant(parts: Sequence[Schema], value: Any) -> Schema:
    """Return the part of a union that a value belongs to: the one whose words it has, and most of whose fields.

    Among equals it is the one that demands least.
    """
    if value is None:
        return {"type": "null"}
    plain = [part for part in parts if part != {"type": "null"}]
    return max(
        plain, key=lambda part: (_likeness(resolved(part), value), -len(resolved(part).get("required", ())))
    )


def _likeness(schema: Schema, value: Any) -> int:
    kind = _KINDS.get(schema.get("type", ""))
    if kind and not isinstance(value, kind):
        return -1
    if not isinstance(value, dict):
        return 0
    fields = schema.get("properties", {})
    for name in fields.keys() & value.keys():
        words = resolved(fields[name])
        if value[name] not in words.get("enum", [words.get("const", value[name])]):
            return -1
    return 1 + len(fields.keys() & value.keys())


def _is_nullable(schema: Schema) -> bool:
    schema = resolved(schema)
    return not schema or schema == {"type": "null"} or any(map(_is_nullable, schema.get("anyOf", ())))


def _nothing(name: str, schema: Schema) -> Any:
    """Return the value that says the least: null, a list or an object without content, zero, or false.

    Raises:
        AssertionError: only the emulator's own code can know this value.

    """
    if _is_nullable(schema):
        return None
    schema = resolved(schema)
    assert schema.get("type") in _EMPTY, f"the emulator does not fill {name}, which is {schema}"
    return _EMPTY[schema["type"]]
