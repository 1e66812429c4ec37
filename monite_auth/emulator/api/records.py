"""What a record has to say to be one of the API's. It matters where records come from elsewhere: from a snapshot, or an export.

What Monite shows of it must have Monite's shape, and it has the fields that the emulator's own code relies on: `Resource.kept`.
"""

import json
from collections.abc import Iterator, Mapping
from functools import cache

from monite_auth.emulator.api.payables.history import TABLE as PAYABLE_HISTORY
from monite_auth.emulator.api.payables.validations import TABLE as PAYABLE_VALIDATIONS
from monite_auth.emulator.api.serving.dispatch import SERVED
from monite_auth.emulator.api.serving.resource import Resource
from monite_auth.emulator.specification.facts import Operation, Schema, operations
from monite_auth.emulator.specification.fitting import fitted
from monite_auth.emulator.specification.validation import InvalidError, Validator, resolved
from monite_auth.emulator.world.directory import Directory, Entity, EntityUser, Record
from monite_auth.emulator.world.partners import SETTINGS


def complaint(table: str, record: Record) -> str | None:
    """Return what is wrong with a record of a table: `.status: Input should be …`; None if nothing is."""
    if table not in _tables():
        return ": there are no such records"
    shape, shown, kept = _tables()[table]
    try:
        kept.read(json.dumps(dict(record.fields)).encode())
        shown.read(json.dumps(fitted(shape, record.shown())).encode())
    except InvalidError as error:
        # A record with a wrong value is not filled either, so what is missing is told last.
        steps, sentence, _ = min(error.complaints, key=lambda each: each[1] == "Field required")
        return f"{''.join(f'[{step}]' if isinstance(step, int) else f'.{step}' for step in steps[1:])}: {sentence}"
    except AssertionError as error:
        return f": something that Monite shows of it is missing ({error})"
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        return f": it cannot be shown ({type(error).__name__}: {error})"
    return None


def missing(record: Record, directory: Directory) -> str | None:
    """Return what a record of a directory relies on and does not find there; None if all is there.

    Only the entity stays as long as its records do. Other ids may name what was deleted since, by a request or in Python:
    the code asks for it and goes on without it.
    """
    if isinstance(record, Entity) and "default_role_id" not in record.fields:
        return ".default_role_id: Field required"
    owned = record.entity_id or isinstance(record, EntityUser)
    if owned and directory.entities.get(record.entity_id) is None:
        return f".entity_id: there is no entity {record.entity_id!r}; add it to the records, or take out this one"
    return None


@cache
def _tables() -> Mapping[str, tuple[Schema, Validator, Validator]]:
    """Return the shape in which Monite shows the records of each table, and what checks it and the fields beside it."""
    found = {}
    for table, shape, kept in _shapes():
        closed = {"type": "object", "properties": dict(kept), "required": [*kept]}
        found[table] = shape, Validator(shape, ""), Validator(closed, "")
    return found


def _shapes() -> Iterator[tuple[str, Schema, Mapping[str, Schema]]]:
    known = {(each.method, each.path): each for each in operations()}
    resources = {getattr(each.handler, "__self__", None) for each in SERVED.values()}
    for resource in resources:
        if isinstance(resource, Resource):
            yield resource.table_name, _shape(resource, known), resource.kept
    history = known["GET", "/payables/{payable_id}/history"]
    yield PAYABLE_HISTORY, _item(history), {}
    validations = known["PUT", "/payables/validations"].body
    assert validations is not None
    yield PAYABLE_VALIDATIONS, validations.schema, {}
    yield SETTINGS, known["GET", "/settings"].success[1] or {}, {}


def _shape(resource: Resource, known: Mapping[tuple[str, str], Operation]) -> Schema:
    """Return the shape of one record: as it is read, or else as it stands in the list."""
    own = f"{resource.path}/{{"
    for (method, path), operation in known.items():
        if method == "GET" and path.startswith(own) and "/" not in path.removeprefix(own):
            return operation.success[1] or {}
    return _item(known["GET", resource.path])


def _item(operation: Operation) -> Schema:
    item: Schema = resolved(operation.success[1] or {})["properties"]["data"]["items"]
    return item
