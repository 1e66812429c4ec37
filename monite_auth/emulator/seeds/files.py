"""Seeds from files: a world in YAML or JSON, in Monite's own words. `kinds.schema` describes it as a JSON Schema.

A record is what Monite's API takes when one is made, and it is made by that operation, with all its rules. Beside that, a record may
have `id`, `created_at`, `created_by` (the login of an entity user), and what Monite shows of such a record but does not
take, such as `status`. Its parts stand in it: the `addresses` of a counterpart.
"""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

from monite_auth.emulator.answers.errors import RefusedError
from monite_auth.emulator.api.records import complaint, missing
from monite_auth.emulator.api.serving.call import Call
from monite_auth.emulator.seeds.export import MASK
from monite_auth.emulator.seeds.kinds import (
    CREDENTIALS,
    DAY,
    OWN,
    ROLES,
    Kind,
    closed,
    of_entity,
    of_partner,
)
from monite_auth.emulator.specification.facts import Schema
from monite_auth.emulator.specification.fitting import fitted
from monite_auth.emulator.specification.validation import InvalidError, Validator
from monite_auth.emulator.state.monite import Monite
from monite_auth.emulator.state.snapshots import checked_record
from monite_auth.emulator.world.directory import Entity, Record
from monite_auth.emulator.world.partners import SETTINGS, Partner
from monite_auth.emulator.world.permissions import rule


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
        # Who made a record, by login. Roles are made before the people who have them.
        self._authors: list[tuple[Record, str, str]] = []

    def sow(self, seed: Any, demo: Mapping[str, str]) -> None:
        place = self._place
        seed = _object(seed, place)
        _no_others(seed, place, {"credentials", "kept", *of_partner()})
        pairs = _list(seed, place, "credentials") or ([demo] if demo else [])
        for number, pair in enumerate(pairs):
            here = f"{place}.credentials[{number}]"
            checked = _checked(CREDENTIALS, {} if pair is None else pair, here)
            if MASK in checked["client_secret"]:
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
        for table in _object(seed.get("kept", {}), f"{place}.kept"):
            for number, saved in enumerate(_list(seed["kept"], f"{place}.kept", table)):
                self._keep(table, saved, f"{place}.kept.{table}[{number}]")
        for table, record in self._partner.directory.saved():
            if wrong := missing(record, self._partner.directory):
                raise ValueError(f"{place} ({table} {record.id}){wrong}")

    def _refuse_taken(self, table: str, record_id: str, place: str) -> None:
        if any(each.directory.table(table).get(record_id) for each in self._monite.partners):
            raise ValueError(f"{place}.id: there is another of the {table} with the id {record_id}")

    def _keep(self, table: str, saved: Any, place: str) -> None:
        """Add a record that has no list of its own in a seed file, such as a file or a line of a history."""
        try:
            row = checked_record(saved)
        except ValueError as error:
            raise ValueError(f"{place}{error}") from None
        del row["number"]
        if table != SETTINGS:
            # A partner's settings are one record, whose id is no id of Monite's.
            self._refuse_taken(table, row["id"], place)
        self._put(table, row.pop("id"), place, **row)

    def _put(self, table: str, record_id: str, place: str, **whole: Any) -> Record:
        """Add a record as it is."""
        record: Record = self._partner.directory.table(table).add(record_id, **whole)
        if wrong := complaint(table, record):
            raise ValueError(f"{place}{wrong}")
        return record

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
        if default or ("Default" in names and "updated_at" not in row):
            role_id = self._role_id(entity, default or "Default", f"{place}.default_role")
            directory.entities.amend(entity, {"default_role_id": role_id})
        # These are about the other records.
        last = ("approval_requests", "comments")
        others = (key for key in inside if key not in {"roles", "entity_users", *last})
        for key in ("entity_users", *others, *last):
            for number, each in enumerate(_list(seed, place, key)):
                self._add(inside[key], each, f"{place}.{key}[{number}]", entity=entity)
        for record, login, where in self._authors:
            record.created_by = self._user_id(entity, login, where)
        self._authors.clear()

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
        word, field = ROLES.get(kind.table, ("", ""))
        if entity and word in row:
            row[field] = self._role_id(entity, row.pop(word), f"{place}.{word}")
        own = _checked(closed(OWN), {name: row[name] for name in OWN if name in row}, place)
        ids = dict(ids or {})
        if entity and "{entity_id}" in kind.operation.path:
            ids = {"entity_id": entity.id, **ids}
        if wished := own.get("id"):
            self._refuse_taken(kind.table, wished, place)
        moments = {
            name: datetime.fromisoformat(own[name]).timestamp()
            for name in ("created_at", "updated_at")
            if name in own
        }
        if "updated_at" in own:
            fields = {name: row[name] for name in row if name not in {*OWN, *parts}} | own.get("kept", {})
            record_id = wished or self._monite.new_id()
            whose = entity.id if entity else record_id if kind.key == "entities" else ""
            parent = _last_name(kind.operation.path)
            parent_id = ids.get(parent) if parent != "entity_id" else None
            record = self._put(
                kind.table, record_id, place, fields=fields, entity_id=whose, parent_id=parent_id, **moments
            )
        else:
            record = self._made(kind, row, place, wished, entity, ids)
            record.created_at = moments.get("created_at", record.created_at)
            record.updated_at = record.created_at
        if "created_by" in own and entity:
            self._authors.append((record, own["created_by"], f"{place}.created_by"))
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
                fields = _checked(closed(whole), taken | more, place)
            except ValueError:
                fields = None
            if fields is None:
                raise
            parent_id = ids.get(_last_name(kind.operation.path))
            added: Record = table.add(
                wished_id or self._monite.new_id(), fields, entity_id=entity.id, parent_id=parent_id
            )
            return added
        more = _checked(closed({name: kind.shown[name] for name in more}), more, place)
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
        if not isinstance(name, str) or name not in roles:
            raise ValueError(
                f"{place}: this entity has no role {name!r}; it has {', '.join(map(repr, roles))}"
            )
        return roles[name]

    def _user_id(self, entity: Entity, login: str, place: str) -> str:
        """Return who has a login. An export names by the id who is no longer there."""
        if _is_id(login):
            return login
        users = {user.login: user.id for user in self._partner.directory.users.all(entity.id)}
        if login not in users:
            raise ValueError(
                f"{place}: this entity has no user {login!r}; it has {', '.join(map(repr, users))}"
            )
        return users[login]

    def _day(self, value: Any) -> Any:
        """Return the day that `today`, `today+14` or `today-3` stands for, or the value itself."""
        if not isinstance(value, str) or not (found := DAY.fullmatch(value)):
            return value
        days = int((found[1] or "") + (found[2] or "0"))
        today = datetime.fromtimestamp(self._monite.clock.now(), UTC)
        return (today + timedelta(days=days)).date().isoformat()


def _with_permissions(role: Any) -> Any:
    """Return a role whose permissions are Monite's, and not `{payable: [read], tag: {read: allowed_for_own}}`."""
    if not isinstance(role, dict) or not isinstance(role.get("permissions"), dict):
        return role
    given = role["permissions"]
    if "objects" in given:
        return role
    rules = []
    for name, actions in given.items():
        if isinstance(actions, list):
            pairs = [(action, "allowed") for action in actions]
        elif isinstance(actions, dict):
            pairs = list(actions.items())
        else:
            return role
        grants = [{"action_name": action, "permission": how} for action, how in pairs]
        rules.append({**rule(name, ()), "actions": grants})
    return {**role, "permissions": {"objects": rules}}


def _is_id(text: str) -> bool:
    with suppress(InvalidError):
        Validator(OWN["id"], "").read(json.dumps(text).encode())
        return True
    return False


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
