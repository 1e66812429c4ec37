"""The business data of a partner in memory: tables of records, whose fields are as JSON writes them."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from dataclasses import fields as dataclass_fields
from functools import partial
from typing import Any, Generic, TypeVar

from monite_auth.emulator.world.clock import Clock, iso
from monite_auth.emulator.world.permissions import Permissions


@dataclass(slots=True, kw_only=True, eq=False)
class Record:
    """One object of Monite's. `number` grows with each record of a table, so it gives the order of a list.

    `entity_id` is empty for what belongs to the partner itself. `parent_id` is the record that this one is a part of.
    """

    id: str
    number: int
    entity_id: str
    created_at: float
    updated_at: float
    created_by: str | None = None
    parent_id: str | None = None
    #: Only their table changes them, since it tells who keeps them.
    fields: Mapping[str, Any] = field(default_factory=dict)

    def saved(self) -> dict[str, Any]:
        """Return the record as JSON, to make it again."""
        return {each.name: getattr(self, each.name) for each in dataclass_fields(self)}

    def shown(self) -> dict[str, Any]:
        """Return all that the record says. An answer takes from it what its shape has."""
        author = {name: self.created_by for name in _AUTHOR if self.created_by}
        return {
            "id": self.id,
            "entity_id": self.entity_id,
            "created_at": iso(self.created_at),
            "updated_at": iso(self.updated_at),
            **self.fields,
            **author,
        }


# Monite names the author in several ways.
_AUTHOR = ("created_by_entity_user_id", "was_created_by_user_id", "created_by", "entity_user_id")


class Role(Record):
    """A named set of permissions."""

    @property
    def name(self) -> str:
        return str(self.fields["name"])

    @property
    def permissions(self) -> Permissions:
        permissions: Permissions = self.fields["permissions"]
        return permissions


class Entity(Record):
    """An organization or an individual. Its `entity_id` equals its `id`."""

    @property
    def name(self) -> str:
        return party_name(self.fields) or self.id

    @property
    def country(self) -> str:
        return str(self.fields["address"]["country"])

    @property
    def default_role_id(self) -> str:
        return str(self.fields["default_role_id"])

    @property
    def is_active(self) -> bool:
        return bool(self.fields["status"] == "active")


class EntityUser(Record):
    """A person who works for an entity. `login` is unique within it."""

    @property
    def login(self) -> str:
        return str(self.fields["login"])

    @property
    def role_id(self) -> str:
        return str(self.fields["role_id"])

    @property
    def name(self) -> str:
        return " ".join(filter(None, (self.fields["first_name"], self.fields.get("last_name"))))


class Counterpart(Record):
    """A supplier or a customer."""

    @property
    def name(self) -> str:
        return party_name(self.fields)


class Payable(Record):
    """A bill to pay."""

    @property
    def status(self) -> str:
        return str(self.fields["status"])

    def shown(self) -> dict[str, Any]:
        total, paid = self.fields.get("total_amount"), self.fields["amount_paid"]
        amounts = {} if total is None else {"amount_due": total - paid, "amount_to_pay": total - paid}
        return {**super().shown(), **amounts}


def party_name(fields: Mapping[str, Any]) -> str:
    """Return the name of an organization or an individual, or "" if there is none."""
    organization, individual = fields.get("organization"), fields.get("individual")
    if organization:
        return str(organization["legal_name"])
    return f"{individual['first_name']} {individual['last_name']}" if individual else ""


RecordType = TypeVar("RecordType", bound=Record)


class Table(Generic[RecordType]):
    """Records of one kind, oldest first."""

    def __init__(
        self,
        kind: Callable[..., RecordType],
        clock: Clock,
        lock: threading.RLock,
        changed: Callable[[str, Record, Mapping[str, Any]], object],
        can_be_undone: Callable[[Callable[[], None]], object],
    ) -> None:
        self._kind = kind
        self._changed = changed
        self._can_be_undone = can_be_undone
        self._clock = clock
        self._lock = lock
        self._records: dict[str, RecordType] = {}
        self._number = 0

    def add(
        self,
        record_id: str,
        fields: Mapping[str, Any],
        *,
        entity_id: str = "",
        created_by: str | None = None,
        created_at: float | None = None,
        updated_at: float | None = None,
        parent_id: str | None = None,
    ) -> RecordType:
        with self._lock:
            self._number += 1
            moment = self._clock.now() if created_at is None else created_at
            record = self._kind(
                id=record_id,
                number=self._number,
                entity_id=entity_id,
                created_by=created_by,
                created_at=moment,
                updated_at=moment if updated_at is None else updated_at,
                parent_id=parent_id,
                fields=dict(fields),
            )
            self._records[record_id] = record
            self._can_be_undone(partial(self._take_out, record))
            self._changed("created", record, {})
            return record

    def restore(self, saved: Mapping[str, Any]) -> RecordType:
        """Add a record as `Record.saved` has told it. Nobody is told, since it happened before."""
        with self._lock:
            record = self._kind(**saved)
            self._records[record.id] = record
            self._number = max(self._number, record.number)
            return record

    def get(
        self, record_id: str, entity_id: str | None = None, parent_id: str | None = None
    ) -> RecordType | None:
        """Return the record with that id if it belongs to the entity and to the parent; None means any."""
        with self._lock:
            record = self._records.get(record_id)
        return record if record and _belongs(record, entity_id, parent_id) else None

    def all(self, entity_id: str | None = None, parent_id: str | None = None) -> list[RecordType]:
        """Return the records of an entity and of a parent, oldest first; None means any."""
        with self._lock:
            return [record for record in self._records.values() if _belongs(record, entity_id, parent_id)]

    def change(self, record: RecordType, fields: Mapping[str, Any]) -> None:
        """Replace fields of a record."""
        self._replace("updated", record, fields, self._clock.now())

    def amend(self, record: RecordType, fields: Mapping[str, Any]) -> None:
        """Replace fields of a record that nobody has updated: it is kept like this, and it is no event."""
        self._replace("amended", record, fields, record.updated_at)

    def remove(self, *records: RecordType) -> None:
        with self._lock:
            for record in records:
                if self._records.pop(record.id, None):
                    self._can_be_undone(partial(self._put_back, record, record.fields, record.updated_at))
                    self._changed("deleted", record, record.fields)

    def _replace(self, what: str, record: RecordType, fields: Mapping[str, Any], moment: float) -> None:
        with self._lock:
            before = record.fields
            self._can_be_undone(partial(self._put_back, record, before, record.updated_at))
            record.fields, record.updated_at = {**before, **fields}, moment
            self._changed(what, record, before)

    def _put_back(self, record: RecordType, fields: Mapping[str, Any], moment: float) -> None:
        record.fields, record.updated_at = fields, moment
        if record.id not in self._records:
            rows = sorted([*self._records.values(), record], key=lambda row: row.number)
            self._records = {row.id: row for row in rows}
        self._changed("amended", record, fields)

    def _take_out(self, record: RecordType) -> None:
        if self._records.pop(record.id, None):
            self._changed("withdrawn", record, record.fields)

    def clear(self) -> None:
        with self._lock:
            self._records.clear()


def _belongs(record: Record, entity_id: str | None, parent_id: str | None) -> bool:
    return entity_id in {None, record.entity_id} and parent_id in {None, record.parent_id}


class Directory:
    """Holds all tables of a partner, and answers questions that need several of them."""

    def __init__(self, clock: Clock, lock: threading.RLock) -> None:
        self._clock = clock
        self._lock = lock
        self._tables: dict[str, Table[Any]] = {}
        # How to take back what has happened since the block of `all_or_nothing` began, step by step. None outside of it.
        self._steps_back: list[Callable[[], None]] | None = None
        #: Called with the name of a table, what happened to a record, the record, and the fields that it had before. Not all is
        #: an event: "amended" is a change that nobody has made, and "withdrawn" is the end of a record that never was.
        self.watchers: list[Callable[[str, str, Record, Mapping[str, Any]], object]] = []
        self.entities = self._new_table("entities", Entity)
        self.users = self._new_table("entity_users", EntityUser)
        self.roles = self._new_table("roles", Role)
        self.counterparts = self._new_table("counterparts", Counterpart)
        self.payables = self._new_table("payables", Payable)

    def table(self, name: str) -> Table[Any]:
        """Return the table of one kind of record. A table that nobody has asked for yet is empty."""
        with self._lock:
            return self._tables.get(name) or self._new_table(name, Record)

    def _new_table(self, name: str, kind: type[RecordType]) -> Table[RecordType]:
        def changed(what: str, record: Record, before: Mapping[str, Any]) -> None:
            for watcher in self.watchers:
                watcher(name, what, record, before)

        table = self._tables[name] = Table(kind, self._clock, self._lock, changed, self._can_be_undone)
        return table

    @contextmanager
    def all_or_nothing(self) -> Iterator[None]:
        """Take back what the block has done to the records if it raises: a request that is refused leaves nothing behind.

        What is taken back is no event, and neither is that it is taken back.
        """
        with self._lock:
            self._steps_back = []
            try:
                yield
            except BaseException:
                steps, self._steps_back = self._steps_back, None
                for step in reversed(steps):
                    step()
                raise
            finally:
                self._steps_back = None

    def _can_be_undone(self, step: Callable[[], None]) -> None:
        if self._steps_back is not None:
            self._steps_back.append(step)

    def role_is_in_use(self, role: Role) -> bool:
        """Return whether an entity user has this role, or it is the default role of an entity."""
        holders = self.users.all(role.entity_id)
        return any(user.role_id == role.id for user in holders) or any(
            entity.default_role_id == role.id for entity in self.entities.all(role.entity_id)
        )

    def saved(self) -> Iterator[tuple[str, Record]]:
        """Return every record, with the name of its table."""
        with self._lock:
            for name, table in self._tables.items():
                for record in table.all():
                    yield name, record

    def clear(self) -> None:
        for table in self._tables.values():
            table.clear()
