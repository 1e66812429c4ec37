"""The kinds of records that a seed file has, found in the operations that the emulator serves, and the JSON Schema of such files."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from monite_auth.emulator.api import SERVED
from monite_auth.emulator.api.serving.dispatch import Handler
from monite_auth.emulator.api.serving.resource import Resource
from monite_auth.emulator.specification.facts import Operation, Schema, operations, shapes
from monite_auth.emulator.specification.validation import resolved

# What every record may have beside its fields, in the seed file's own words.
OWN: dict[str, Schema] = {
    "id": {"type": "string", "format": "uuid"},
    "created_at": {"type": "string", "format": "date-time"},
    "created_by": {"type": "string"},
    # A record that says when it was updated was there before, and is put back as it is.
    "updated_at": {"type": "string", "format": "date-time"},
    # What the emulator knows of it beside what Monite shows.
    "kept": {"type": "object"},
}
#: The tables of what has happened. It is told of no new world.
PAST = frozenset({"events", "webhook_deliveries"})
# What stands for the id of a role.
ROLES = {"entities": ("default_role", "default_role_id"), "entity_users": ("role", "role_id")}
_NOT_SHOWN = {"updated_at", "entity_id", "created_by_entity_user_id", "was_created_by_user_id"}
#: A day that is told from today.
DAY = re.compile(r"today(?: ?([+-]) ?(\d{1,4}))?")


@dataclass(frozen=True)
class Kind:
    """A kind of record: what makes one, and its fields."""

    key: str
    table: str
    operation: Operation
    handler: Handler
    #: What the operation takes, and what Monite shows beside that.
    taken: Mapping[str, Schema]
    shown: Mapping[str, Schema]
    required: frozenset[str]

    @property
    def shown_whole(self) -> dict[str, Schema]:
        """All that Monite shows of such a record."""
        return {
            name: field
            for form in _forms(self.operation.success[1] or {})
            for name, field in form["properties"].items()
        }

    @property
    def fields(self) -> dict[str, Schema]:
        return {**self.taken, **self.shown, **OWN, **{word: {} for word in self._role}}

    @property
    def described(self) -> dict[str, Schema]:
        """The fields with all that each may be, in what is taken and in what is shown."""
        assert self.operation.body is not None
        found: dict[str, list[Schema]] = {name: [kind] for name, kind in OWN.items()}
        for schema in (self.operation.body.schema, self.operation.success[1] or {}):
            for name, kind in (
                (name, kind) for form in _forms(schema) for name, kind in form["properties"].items()
            ):
                if name in self.fields and name not in OWN and kind not in found.setdefault(name, []):
                    found[name].append(kind)
        found |= {word: [{"type": "string"}] for word in self._role}
        return {name: some[0] if len(some) == 1 else {"anyOf": some} for name, some in found.items()}

    @property
    def parts(self) -> "dict[str, Kind]":
        """The kinds of records that are parts of one of these, by the key under which they stand."""
        return {
            kind.key: kind
            for kind in kinds().values()
            if kind.operation.path.rpartition("/")[0].rpartition("/")[0] == self.operation.path
            and kind.key not in self.taken
        }

    @property
    def _role(self) -> tuple[str, ...]:
        return ROLES.get(self.table, ())[:1]


@cache
def kinds() -> dict[str, Kind]:
    """Return the kinds of records that the emulator lets clients make, by the name of their table."""
    found = {}
    for operation in operations():
        served = SERVED.get((operation.method, operation.path))
        resource = getattr(served.handler, "__self__", None) if served else None
        is_creation = operation.method == "POST" and operation.body and not operation.body.is_form
        if not served or not is_creation or not isinstance(resource, Resource):
            continue
        if operation.path != resource.path:
            continue
        assert operation.body is not None
        forms = list(_forms(operation.body.schema))
        taken = {name: kind for form in forms for name, kind in form["properties"].items()}
        shown = {
            name: kind
            for form in _forms(operation.success[1] or {})
            for name, kind in form["properties"].items()
            if name not in taken and name not in OWN and name not in _NOT_SHOWN
        }
        needed = frozenset.intersection(*(frozenset(form["required"]) for form in forms))
        key = operation.path.rpartition("/")[2]
        found[resource.table_name] = Kind(
            key, resource.table_name, operation, served.handler, taken, shown, needed
        )
    return found


def _forms(schema: Schema) -> Iterator[Schema]:
    """Return the objects that a schema may mean."""
    schema = resolved(schema)
    for part in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        yield from _forms(part)
    if "properties" in schema:
        yield schema


def of_entity() -> dict[str, Kind]:
    """Return the kinds that stand in an entity, by their key."""
    return {
        kind.key: kind
        for kind in kinds().values()
        if ("x-monite-entity-id" in kind.operation.required_headers and "{" not in kind.operation.path)
        or kind in kinds()["entities"].parts.values()
    }


def of_partner() -> dict[str, Kind]:
    """Return the kinds that stand in a partner, by their key."""
    return {
        kind.key: kind
        for kind in kinds().values()
        if "x-monite-entity-id" not in kind.operation.required_headers and "{" not in kind.operation.path
    }


def schema() -> dict[str, Any]:
    """Return the JSON Schema of seed files."""
    entity = _described(kinds()["entities"])
    entity["properties"] |= {key: _list_of(kind) for key, kind in of_entity().items()}
    entity["required"] = [name for name in entity["required"] if name != "type"]
    partner = {key: _list_of(kind) for key, kind in of_partner().items()} | {
        "credentials": {"type": "array", "items": CREDENTIALS},
        "entities": {"type": "array", "items": _or_put_back(entity)},
        "kept": {"type": "object"},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A seed file of the Monite emulator",
        **closed({"partners": {"type": "array", "items": closed(partner), "minItems": 1}}),
        "required": ["partners"],
        "$defs": _with_days(shapes()),
    }


def _list_of(kind: Kind) -> Schema:
    return {"type": "array", "items": _or_put_back(_described(kind))}


def _or_put_back(described: Schema) -> Schema:
    """Return what a row may be: a new record, or one that is put back as it is, which the emulator checks on its own."""
    return {"anyOf": [described, {"type": "object", "required": ["id", "updated_at"]}]}


def _described(kind: Kind) -> Schema:
    fields = _with_days({**kind.described, **{key: _list_of(part) for key, part in kind.parts.items()}})
    if kind.table == "roles":
        fields["permissions"] = {"type": "object"}
    return {**closed(fields), "required": sorted(kind.required)}


def _with_days(value: Any) -> Any:
    """Return a schema where a date may be told from today."""
    if isinstance(value, dict):
        if value == {"type": "string", "format": "date"}:
            return {"type": "string", "pattern": rf"^(\d{{4}}-\d\d-\d\d|{DAY.pattern})$"}
        return {name: _with_days(each) for name, each in value.items()}
    return [_with_days(each) for each in value] if isinstance(value, list) else value


def closed(fields: Mapping[str, Schema]) -> dict[str, Any]:
    return {"type": "object", "properties": dict(fields), "required": [], "additionalProperties": False}


CREDENTIALS = closed(
    {"client_id": {"type": "string", "format": "uuid"}, "client_secret": {"type": "string", "minLength": 1}}
) | {"required": ["client_id", "client_secret"]}
