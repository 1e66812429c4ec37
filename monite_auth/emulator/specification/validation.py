"""Checks what clients send against Monite's shapes. Pydantic does the work, in the strict mode that it has for JSON.

A number in quotes is no number, and a day is written as JSON writes it: what the specification refuses is refused.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from pydantic_core import (
    CoreSchema,
    PydanticCustomError,
    SchemaValidator,
    ValidationError,
    core_schema,
    to_jsonable_python,
)

from monite_auth.emulator.specification.facts import SHAPES, Schema, shapes
from monite_auth.emulator.world.clock import iso

#: A location in the request, a sentence, and pydantic's name of the fault.
Complaint = tuple[tuple[str | int, ...], str, str]

_EMAIL = r"^[^@\s]+@[^@\s]+\.[^@\s]+$"
_URI = r"^[A-Za-z][A-Za-z0-9+.-]*:([A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+$"
_STRICT = core_schema.CoreConfig(strict=True, allow_inf_nan=False)
# Without this, pydantic takes a number in quotes for seconds since 1970.
_DAY = r"^\d{4}-\d\d-\d\d"


class InvalidError(Exception):
    """What a client sent is not what Monite takes."""

    def __init__(self, complaints: Sequence[Complaint]) -> None:
        super().__init__(complaints)
        self.complaints = complaints


class Validator:
    """Checks one shape. `place` is what a complaint's location begins with: `body`, `query`, `header`, `path`."""

    def __init__(self, schema: Schema, place: str) -> None:
        self._place = place
        self._validator = SchemaValidator(_complete(schema), _STRICT)

    def read(self, text: bytes) -> Any:
        """Return the content of a JSON text, with dates and ids in the form that the emulator writes itself.

        Raises:
            InvalidError: it is no JSON, or has another shape.

        """
        try:
            return to_jsonable_python(self._validator.validate_json(text))
        except ValidationError as error:
            # Without pydantic's `input` and `ctx`: these would echo the secret.
            details = error.errors(include_url=False, include_context=False, include_input=False)
            raise InvalidError(
                [((self._place, *each["loc"]), each["msg"], each["type"]) for each in details]
            ) from None

    def read_texts(self, schemas: Mapping[str, Schema], texts: Sequence[tuple[str, str]]) -> Any:
        """Return the parameters of a query: each is text, and is read as its schema says.

        Raises:
            InvalidError: a parameter is unknown, stands there twice, or has another type.

        """
        given: dict[str, Any] = {}
        for name, text in texts:
            schema = schemas.get(name, {})
            items = next((part["items"] for part in _parts(schema) if "items" in part), None)
            if items is not None:
                given.setdefault(name, []).append(_from_text(items, text))
            elif name in given:
                raise InvalidError([((self._place, name), "This parameter has one value", "multiple_values")])
            else:
                given[name] = _from_text(schema, text)
        return self.read(json.dumps(given).encode())


def _from_text(schema: Schema, text: str) -> Any:
    """Return the value that a text in a query stands for, or the text itself, which the validator then refuses."""
    kinds = {part.get("type") for part in _parts(schema)}
    if "boolean" in kinds and text.lower() in {"true", "false"}:
        return text.lower() == "true"
    if "integer" in kinds and re.fullmatch(r"-?[0-9]{1,300}", text):
        return int(text)
    if "number" in kinds and re.fullmatch(r"-?[0-9]{1,300}(\.[0-9]+)?", text):
        return float(text)
    return text


def _parts(schema: Schema) -> Iterator[Schema]:
    """Return a schema, or the schemas that it is a union of."""
    schema = resolved(schema)
    unions = [*schema.get("anyOf", ()), *schema.get("oneOf", ())]
    if not unions:
        yield schema
    for part in unions:
        yield from _parts(part)


def _complete(schema: Schema) -> CoreSchema:
    """Return pydantic's schema, with every shape that it refers to."""
    known = shapes()
    names: list[str] = []
    wanted = [*_references(schema)]
    while wanted:
        name = wanted.pop()
        if name not in names:
            names.append(name)
            wanted += _references(known[name])
    definitions: list[CoreSchema] = [{**_core(known[name]), "ref": name} for name in names]
    return core_schema.definitions_schema(_core(schema), definitions)


def _references(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(reference := schema.get("$ref"), str):
            yield reference.removeprefix(SHAPES)
        for value in schema.values():
            yield from _references(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _references(value)


def _core(schema: Schema) -> CoreSchema:
    match schema:
        case {"$ref": reference}:
            return core_schema.definition_reference_schema(reference.removeprefix(SHAPES))
        case {"anyOf": parts}:
            return _union(parts)
        case {"oneOf": parts}:
            return _union(parts, exclusive=True)
        case {"enum": words}:
            return core_schema.literal_schema(words)
        case {"const": word}:
            return core_schema.literal_schema([word])
        case {"type": "string"}:
            return _text(schema)
        case {"type": "integer"}:
            # JSON has one kind of number: 2.0 is an integer, too.
            whole = core_schema.int_schema(**_limits(schema))
            return core_schema.no_info_before_validator_function(_as_integer, whole)
        case {"type": "number"}:
            return core_schema.float_schema(**_limits(schema))
        case {"type": "boolean"}:
            return core_schema.bool_schema()
        case {"type": "null"}:
            return core_schema.none_schema()
        case {"type": "array", "items": items}:
            least, most = schema.get("minItems"), schema.get("maxItems")
            some = core_schema.list_schema(_core(items), min_length=_whole(least), max_length=_whole(most))
            if "uniqueItems" in schema:
                return core_schema.no_info_after_validator_function(_all_different, some)
            return some
        case {"type": "object", "properties": fields}:
            return _object(fields, schema["required"], closed="additionalProperties" in schema)
        case {"type": "object"}:
            values = schema.get("additionalProperties", {})
            return core_schema.dict_schema(core_schema.str_schema(), _core(values))
    return core_schema.any_schema()


def _object(fields: Mapping[str, Schema], required: Sequence[str], *, closed: bool) -> CoreSchema:
    return core_schema.typed_dict_schema(
        {
            name: core_schema.typed_dict_field(_core(kind), required=name in required)
            for name, kind in fields.items()
        },
        extra_behavior="forbid" if closed else "ignore",
        # An object does not inherit this from what it is in.
        config=_STRICT,
    )


def _union(parts: Sequence[Schema], *, exclusive: bool = False) -> CoreSchema:
    """Return a union. Where each part has a field with words of its own, that field tells which part is meant.

    The field may be optional if the union is `exclusive`: without it, an object would be of several parts.
    """
    plain = [part for part in parts if part != {"type": "null"}]
    tags = _tags(plain, optional=exclusive)
    if len(plain) == 1:
        union = _core(plain[0])
    elif tags is None:
        union = core_schema.union_schema([_core(part) for part in plain])
    else:
        field, words = tags
        union = core_schema.tagged_union_schema(
            {word: _core(part) for part, own in zip(plain, words, strict=True) for word in own}, field
        )
    return core_schema.nullable_schema(union) if len(plain) < len(parts) else union


def _tags(parts: Sequence[Schema], *, optional: bool) -> tuple[str, list[list[str]]] | None:
    """Return the field by which objects differ, and the words that each of them allows there."""
    shaped = [resolved(part) for part in parts]
    for field in shaped[0].get("properties", ()) if len(parts) > 1 else ():
        words = [_words(shape, field, optional=optional) for shape in shaped]
        every = [word for own in words for word in own]
        if all(words) and len({*every}) == len(every):
            return field, words
    return None


def _words(shape: Schema, field: str, *, optional: bool = True) -> list[str]:
    if not optional and field not in shape.get("required", ()):
        return []
    kind = resolved(shape.get("properties", {}).get(field, {}))
    return [kind["const"]] if "const" in kind else list(kind.get("enum", ()))


def resolved(schema: Schema) -> Schema:
    """Return the schema that a reference leads to, or the schema itself."""
    while "$ref" in schema:
        schema = shapes()[schema["$ref"].removeprefix(SHAPES)]
    return schema


def _text(schema: Schema) -> CoreSchema:
    day = core_schema.str_schema(pattern=_DAY)
    match schema.get("format"):
        case "uuid":
            return core_schema.uuid_schema()
        case "date":
            return core_schema.chain_schema([day, core_schema.date_schema(strict=False)])
        case "date-time":
            moment = core_schema.chain_schema([day, core_schema.datetime_schema(strict=False)])
            return core_schema.no_info_after_validator_function(_utc, moment)
    patterns = {"email": _EMAIL, "uri": _URI}
    return core_schema.str_schema(
        pattern=schema.get("pattern") or patterns.get(schema.get("format", "")),
        min_length=_whole(schema.get("minLength")),
        max_length=_whole(schema.get("maxLength")),
    )


def _as_integer(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _all_different(items: list[Any]) -> list[Any]:
    if any(item in items[:place] for place, item in enumerate(items)):
        raise PydanticCustomError("not_unique", "All items should be different")
    return items


def _utc(moment: datetime) -> str:
    """Return a time as the emulator writes it, so that times can be compared as texts."""
    return iso((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def _limits(schema: Schema) -> dict[str, Any]:
    names = {"minimum": "ge", "maximum": "le", "exclusiveMinimum": "gt"}
    whole = schema["type"] == "integer"
    return {names[key]: int(value) if whole else value for key, value in schema.items() if key in names}


def _whole(number: float | None) -> int | None:
    return None if number is None else int(number)
