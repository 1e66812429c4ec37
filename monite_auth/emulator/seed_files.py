"""Seeds from files: a world in YAML or JSON, in Monite's own words. `schema` describes it as a JSON Schema.

A record is what Monite's API takes when one is made, and it is made by that operation, with all its rules. Beside that, a record may
have `id`, `created_at`, `created_by` (the login of an entity user), and what Monite shows of such a record but does not
take, such as `status`. Its parts stand in it: the `addresses` of a counterpart.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from monite_auth.emulator.api import SERVED
from monite_auth.emulator.api.call import Call
from monite_auth.emulator.api.resource import Resource
from monite_auth.emulator.api.serving import Handler
from monite_auth.emulator.directory import Entity, Record
from monite_auth.emulator.errors import RefusedError
from monite_auth.emulator.monite import Monite
from monite_auth.emulator.partners import Partner
from monite_auth.emulator.permissions import rule
from monite_auth.emulator.specification.facts import Operation, Schema, operations, shapes
from monite_auth.emulator.specification.fitting import fitted
from monite_auth.emulator.specification.validation import InvalidError, Validator, resolved

# What every record may have beside its fields, in the seed file's own words.
_OWN: dict[str, Schema] = {
    "id": {"type": "string", "format": "uuid"},
    "created_at": {"type": "string", "format": "date-time"},
    "created_by": {"type": "string"},
}
# What stands for the id of a role.
_ROLES = {"entities": ("default_role", "default_role_id"), "entity_users": ("role", "role_id")}
_NOT_SHOWN = {"updated_at", "entity_id", "created_by_entity_user_id", "was_created_by_user_id"}
_DAY = re.compile(r"today(?: ?([+-]) ?(\d{1,4}))?")
_MASK = "…"


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
        return {**self.taken, **self.shown, **_OWN, **{word: {} for word in self._role}}

    @property
    def described(self) -> dict[str, Schema]:
        """The fields with all that each may be, in what is taken and in what is shown."""
        assert self.operation.body is not None
        found: dict[str, list[Schema]] = {name: [kind] for name, kind in _OWN.items()}
        for schema in (self.operation.body.schema, self.operation.success[1] or {}):
            for name, kind in (
                (name, kind) for form in _forms(schema) for name, kind in form["properties"].items()
            ):
                if name in self.fields and name not in _OWN and kind not in found.setdefault(name, []):
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
        return _ROLES.get(self.table, ())[:1]


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
            if name not in taken and name not in _OWN and name not in _NOT_SHOWN
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


def read(path: Path) -> Any:
    """Return what a file says.

    Raises:
        ValueError: it is not what its name says it is, or it is YAML and PyYAML is not installed.
        OSError: it cannot be read.

    """
    text = path.read_text("utf-8")
    if path.suffix == ".json":
        try:
            return json.loads(text)
        except ValueError as error:
            raise ValueError(f"{path} is no JSON: {error}") from None
    try:
        yaml = import_module("yaml")
    except ImportError:
        raise ValueError(
            f"{path} is read as YAML, which needs PyYAML: pip install pyyaml. A .json file does not"
        ) from None
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(f"{path} is no YAML: {error}") from None


def sow_file(monite: Monite, seed: Any, demo: Mapping[str, str]) -> None:
    """Fill an emulator that has no partner yet with the world of a seed file.

    Args:
        monite: the emulator.
        seed: what the file says.
        demo: client id and secret of a first partner that has no credentials.

    Raises:
        ValueError: it says something that cannot be. The sentence begins with the place.

    """
    try:
        # YAML has dates, which JSON writes as texts.
        seed = json.loads(json.dumps(seed, default=_written))
    except TypeError as error:
        raise ValueError(f"a seed has what JSON has: {error}") from None
    partners = _list(seed, "", "partners")
    if not partners:
        raise ValueError("partners: there has to be one at least")
    _no_others(seed, "", {"partners"})
    for number, each in enumerate(partners):
        _Sower(monite, monite.new_partner(), f"partners[{number}]").sow(each, demo if number == 0 else {})


class _Sower:
    """Makes the records of one partner."""

    def __init__(self, monite: Monite, partner: Partner, place: str) -> None:
        self._monite = monite
        self._partner = partner
        self._place = place

    def sow(self, seed: Any, demo: Mapping[str, str]) -> None:
        place = self._place
        seed = _object(seed, place)
        _no_others(seed, place, {"credentials", *of_partner()})
        pairs = _list(seed, place, "credentials") or ([demo] if demo else [])
        for number, pair in enumerate(pairs):
            here = f"{place}.credentials[{number}]"
            checked = _checked(_CREDENTIALS, {} if pair is None else pair, here)
            if _MASK in checked["client_secret"]:
                raise ValueError(f"{here}.client_secret: write the secret; an export has masked it")
            try:
                self._monite.add_credentials(
                    checked["client_id"], checked["client_secret"], self._partner, keep_secrets=True
                )
            except ValueError as error:
                raise ValueError(f"{here}: {error}") from None
        for key, kind in of_partner().items():
            for number, row in enumerate(_list(seed, place, key)):
                here = f"{place}.{key}[{number}]"
                if key == "entities":
                    self._sow_entity(kind, row, here)
                else:
                    self._add(kind, row, here)

    def _sow_entity(self, kind: Kind, seed: Any, place: str) -> None:
        seed = _object(seed, place)
        inside = of_entity()
        row = {name: value for name, value in seed.items() if name not in inside}
        default = row.pop("default_role", None)
        if "type" not in row:
            row["type"] = "individual" if "individual" in row else "organization"
        entity = self._add(kind, row, place)
        assert isinstance(entity, Entity)
        directory = self._partner.directory
        roles = _list(seed, place, "roles")
        names = [role.get("name") for role in roles if isinstance(role, dict)]
        if default or "Default" in names:
            directory.roles.remove(*directory.roles.all(entity.id))
        for number, role in enumerate(roles):
            self._add(inside["roles"], _with_permissions(role), f"{place}.roles[{number}]", entity=entity)
        if default or "Default" in names:
            role_id = self._role_id(entity, default or "Default", f"{place}.default_role")
            directory.entities.change(entity, {"default_role_id": role_id})
        for key in ("entity_users", *(key for key in inside if key not in {"roles", "entity_users"})):
            for number, each in enumerate(_list(seed, place, key)):
                self._add(inside[key], each, f"{place}.{key}[{number}]", entity=entity)

    def _add(
        self,
        kind: Kind,
        row: Any,
        place: str,
        *,
        entity: Entity | None = None,
        ids: Mapping[str, str] | None = None,
    ) -> Record:
        row = _object(row, place)
        parts = kind.parts
        row = {name: self._day(value) for name, value in row.items()}
        _no_others(row, place, {*kind.fields, *parts})
        word, field = _ROLES.get(kind.table, ("", ""))
        if entity and word in row:
            row[field] = self._role_id(entity, row.pop(word), f"{place}.{word}")
        own = _checked(_closed(_OWN), {name: row[name] for name in _OWN if name in row}, place)
        ids = dict(ids or {})
        if entity and "{entity_id}" in kind.operation.path:
            ids = {"entity_id": entity.id, **ids}
        record = self._made(kind, row, place, own.get("id"), entity, ids)
        if "created_at" in own:
            record.created_at = datetime.fromisoformat(own["created_at"]).timestamp()
        record.updated_at = record.created_at
        if "created_by" in own and entity:
            record.created_by = self._user_id(entity, own["created_by"], f"{place}.created_by")
        for key, part in parts.items() if kind.key != "entities" else ():
            for number, each in enumerate(_list(row, place, key)):
                part_ids = {**ids, _last_name(part.operation.path): record.id}
                self._add(part, each, f"{place}.{key}[{number}]", entity=entity, ids=part_ids)
        try:
            fitted(kind.operation.success[1] or {}, record.shown())
        except AssertionError as error:
            raise ValueError(f"{place}: something that Monite shows of it is missing ({error})") from None
        return record

    def _made(
        self,
        kind: Kind,
        row: Mapping[str, Any],
        place: str,
        wished_id: str | None,
        entity: Entity | None,
        ids: Mapping[str, str],
    ) -> Record:
        """Make a record as the API does. One that the API shows, but does not take, is added as it is."""
        taken = {name: value for name, value in row.items() if name in kind.taken}
        more = {name: value for name, value in row.items() if name in kind.shown and name not in kind.parts}
        table = self._partner.directory.table(kind.table)
        assert kind.operation.body is not None
        try:
            body = _checked(kind.operation.body.schema, taken, place)
        except ValueError:
            whole = kind.shown_whole
            if entity is None or not (taken.keys() | more.keys()) <= whole.keys():
                raise
            try:
                fields = _checked(_closed(whole), taken | more, place)
            except ValueError:
                fields = None
            if fields is None:
                raise
            parent_id = ids.get(_last_name(kind.operation.path))
            added: Record = table.add(
                wished_id or self._monite.new_id(), fields, entity_id=entity.id, parent_id=parent_id
            )
            return added
        more = _checked(_closed({name: kind.shown[name] for name in more}), more, place)
        call = Call(self._monite, kind.operation, ids, {}, body, {})
        call.of_partner, call.of_entity = self._partner, entity
        call.entity_id = entity.id if entity else None
        self._monite.wish_id(wished_id)
        record: Record | None = _refusing(lambda: table.get(kind.handler(call)["id"]), place)
        self._monite.wish_id(None)
        assert record is not None
        if more:
            table.change(record, more)
        return record

    def _role_id(self, entity: Entity, name: Any, place: str) -> str:
        roles = {role.name: role.id for role in self._partner.directory.roles.all(entity.id)}
        if name not in roles:
            raise ValueError(
                f"{place}: this entity has no role {name!r}; it has {', '.join(map(repr, roles))}"
            )
        return roles[name]

    def _user_id(self, entity: Entity, login: str, place: str) -> str:
        users = {user.login: user.id for user in self._partner.directory.users.all(entity.id)}
        if login not in users:
            raise ValueError(
                f"{place}: this entity has no user {login!r}; it has {', '.join(map(repr, users))}"
            )
        return users[login]

    def _day(self, value: Any) -> Any:
        """Return the day that `today`, `today+14` or `today-3` stands for, or the value itself."""
        if not isinstance(value, str) or not (found := _DAY.fullmatch(value)):
            return value
        days = int((found[1] or "") + (found[2] or "0"))
        today = datetime.fromtimestamp(self._monite.clock.now(), UTC)
        return (today + timedelta(days=days)).date().isoformat()


def exported(monite: Monite, *, secrets: bool = False) -> dict[str, Any]:
    """Return the world as a seed file says it. Secrets are masked, unless they are asked for."""
    with monite.lock:
        partners = [_exported_partner(partner, secrets=secrets) for partner in monite.partners]
        # Nothing of the state itself, and nothing twice.
        exported: dict[str, Any] = json.loads(json.dumps({"partners": partners}))
        return exported


def _exported_partner(partner: Partner, *, secrets: bool) -> dict[str, Any]:
    pairs = [
        {"client_id": client_id, "client_secret": secret if secrets else _MASK}
        for client_id, known in partner.credentials.items()
        for secret in known
    ]
    rows: dict[str, Any] = {"credentials": pairs}
    for key, kind in of_partner().items():
        for record in partner.directory.table(kind.table).all():
            row = _exported(partner, kind, record)
            if key == "entities":
                for inner, inner_kind in of_entity().items():
                    inside = partner.directory.table(inner_kind.table).all(record.id)
                    if inside:
                        row[inner] = [_exported(partner, inner_kind, each) for each in inside]
            rows.setdefault(key, []).append(row)
    return rows


def _exported(partner: Partner, kind: Kind, record: Record) -> dict[str, Any]:
    directory = partner.directory
    shown = record.shown()
    row = {"id": record.id, "created_at": shown["created_at"]}
    author = directory.users.get(record.created_by) if record.created_by else None
    if author:
        row["created_by"] = author.login
    word, field = _ROLES.get(kind.table, ("", ""))
    role = directory.roles.get(shown.get(field) or "")
    if role:
        row[word] = role.name
    for name in kind.fields:
        if name in shown and shown[name] is not None and name not in {*_OWN, field}:
            row[name] = shown[name]
    for key, part in kind.parts.items() if kind.key != "entities" else ():
        inside = directory.table(part.table).all(parent_id=record.id)
        row.pop(key, None)
        if inside:
            row[key] = [_exported(partner, part, each) for each in inside]
    return row


def schema() -> dict[str, Any]:
    """Return the JSON Schema of seed files."""
    entity = _described(kinds()["entities"])
    entity["properties"] |= {key: _list_of(kind) for key, kind in of_entity().items()}
    entity["required"] = [name for name in entity["required"] if name != "type"]
    partner = {key: _list_of(kind) for key, kind in of_partner().items()} | {
        "credentials": {"type": "array", "items": _CREDENTIALS},
        "entities": {"type": "array", "items": entity},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A seed file of the Monite emulator",
        **_closed({"partners": {"type": "array", "items": _closed(partner), "minItems": 1}}),
        "required": ["partners"],
        "$defs": _with_days(shapes()),
    }


def _list_of(kind: Kind) -> Schema:
    return {"type": "array", "items": _described(kind)}


def _described(kind: Kind) -> Schema:
    fields = _with_days({**kind.described, **{key: _list_of(part) for key, part in kind.parts.items()}})
    if kind.table == "roles":
        fields["permissions"] = {"type": "object"}
    return {**_closed(fields), "required": sorted(kind.required)}


def _with_days(value: Any) -> Any:
    """Return a schema where a date may be told from today."""
    if isinstance(value, dict):
        if value == {"type": "string", "format": "date"}:
            return {"type": "string", "pattern": rf"^(\d{{4}}-\d\d-\d\d|{_DAY.pattern})$"}
        return {name: _with_days(each) for name, each in value.items()}
    return [_with_days(each) for each in value] if isinstance(value, list) else value


def _closed(fields: Mapping[str, Schema]) -> dict[str, Any]:
    return {"type": "object", "properties": dict(fields), "required": [], "additionalProperties": False}


_CREDENTIALS = _closed(
    {"client_id": {"type": "string", "format": "uuid"}, "client_secret": {"type": "string", "minLength": 1}}
) | {"required": ["client_id", "client_secret"]}


def _with_permissions(role: Any) -> Any:
    """Return a role whose permissions are Monite's, and not `{payable: [read], tag: {read: allowed_for_own}}`."""
    if not isinstance(role, dict) or not isinstance(role.get("permissions"), dict):
        return role
    given = role["permissions"]
    if "objects" in given:
        return role
    rules = []
    for name, actions in given.items():
        permissions = dict.fromkeys(actions, "allowed") if isinstance(actions, list) else actions
        if not isinstance(permissions, dict):
            return role
        grants = [{"action_name": action, "permission": how} for action, how in permissions.items()]
        rules.append({**rule(name, ()), "actions": grants})
    return {**role, "permissions": {"objects": rules}}


def _last_name(path: str) -> str:
    """Return the name of the last id in a path, or nothing."""
    return path.rpartition("{")[2].partition("}")[0] if "{" in path else ""


def _object(value: Any, place: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{place}: this has to be an object")  # noqa: TRY004 - the seed is wrong, not the code
    return value


def _list(row: Any, place: str, key: str) -> list[Any]:
    """Return a list in an object. One that is not there is empty."""
    found = _object(row, place or "the seed").get(key, [])
    if not isinstance(found, list):
        where = f"{place}.{key}" if place else key
        raise ValueError(f"{where}: this has to be a list")  # noqa: TRY004 - the seed is wrong, not the code
    return found


def _written(value: Any) -> str:
    """Return a date as JSON writes it."""
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{value!r} is nothing that JSON has")


def _no_others(row: Mapping[str, Any], place: str, names: set[str]) -> None:
    for name in row:
        if name not in names:
            where = f"{place}.{name}" if place else str(name)
            raise ValueError(f"{where}: there is no such field; there are {', '.join(sorted(names))}")


def _checked(schema: Schema, value: Any, place: str) -> Any:
    return _refusing(lambda: Validator(schema, "").read(json.dumps(value).encode()), place)


def _refusing(work: Callable[[], Any], place: str) -> Any:
    """Return what `work` does.

    Raises:
        ValueError: the API would refuse it, with the place in the seed file.

    """
    try:
        return work()
    except InvalidError as error:
        steps, sentence, _ = error.complaints[0]
        inner = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps[1:])
        raise ValueError(f"{place}{inner}: {sentence}") from None
    except RefusedError as error:
        raise ValueError(f"{place}: {error.message}") from None
