"""The business data in memory: entities, entity users, roles, counterparts and payables. Permissions are checked in access.py."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from monite_auth.emulator.clock import Clock, iso
from monite_auth.emulator.permissions import Permissions


@dataclass(slots=True, kw_only=True, eq=False)
class Record:
    """The fields that all kinds share. `number` grows with each record, so it gives the order of a list."""

    id: str
    number: int
    entity_id: str
    created_at: float
    updated_at: float
    created_by: str | None
    fields: dict[str, Any] = field(default_factory=dict)

    def shown(self) -> dict[str, Any]:
        """Return the record as Monite's API shows it."""
        return {
            "id": self.id,
            "created_at": iso(self.created_at),
            "updated_at": iso(self.updated_at),
            **self.fields,
        }


@dataclass(slots=True, kw_only=True, eq=False)
class Role(Record):
    """A named set of permissions."""

    name: str
    permissions: Permissions

    def shown(self) -> dict[str, Any]:
        return {
            **super(Role, self).shown(),
            "name": self.name,
            "permissions": self.permissions.model_dump(),
            "status": "active",
        }


@dataclass(slots=True, kw_only=True, eq=False)
class Entity(Record):
    """An organization or an individual. Its `entity_id` equals its `id`."""

    default_role_id: str

    @property
    def name(self) -> str:
        organization, individual = self.fields.get("organization"), self.fields.get("individual")
        if organization:
            return str(organization["legal_name"])
        return f"{individual['first_name']} {individual['last_name']}" if individual else self.id

    def shown(self) -> dict[str, Any]:
        return {**super(Entity, self).shown(), "status": "active"}


@dataclass(slots=True, kw_only=True, eq=False)
class EntityUser(Record):
    """A person who works for an entity. `login` is unique within it."""

    login: str
    role_id: str

    @property
    def name(self) -> str:
        return " ".join(filter(None, (self.fields["first_name"], self.fields.get("last_name"))))

    def shown(self) -> dict[str, Any]:
        return {
            **super(EntityUser, self).shown(),
            "login": self.login,
            "role_id": self.role_id,
            "status": "active",
        }


@dataclass(slots=True, kw_only=True, eq=False)
class Counterpart(Record):
    """A supplier or a customer, with one address. Its schema has no nulls."""

    address: dict[str, str]

    @property
    def type(self) -> str:
        return str(self.fields["type"])

    @property
    def party(self) -> dict[str, Any]:
        """The fields of the organization, or of the individual."""
        party: dict[str, Any] = self.fields[self.type]
        return party

    @property
    def name(self) -> str:
        party = self.party
        return str(party.get("legal_name") or f"{party['first_name']} {party['last_name']}")

    def shown(self) -> dict[str, Any]:
        author = {} if self.created_by is None else {"created_by_entity_user_id": self.created_by}
        return {**super(Counterpart, self).shown(), **author}


@dataclass(slots=True, kw_only=True, eq=False)
class Payable(Record):
    """A bill to pay. Its schema has no nulls, so fields without a value are omitted."""

    status: str
    amount_paid: int = 0

    def shown(self) -> dict[str, Any]:
        total = self.fields.get("total_amount")
        amounts = (
            {} if total is None else {"amount_due": total - self.amount_paid, "amount_paid": self.amount_paid}
        )
        author = {} if self.created_by is None else {"was_created_by_user_id": self.created_by}
        return {
            **super(Payable, self).shown(),
            **amounts,
            **author,
            "credit_notes": [],
            "entity_id": self.entity_id,
            "payable_origin": "upload",
            "source_of_payable_data": "user_specified",
            "status": self.status,
            "tags": [],
        }


RecordType = TypeVar("RecordType", bound=Record)


class Table(Generic[RecordType]):
    """Records of one kind, oldest first."""

    def __init__(self, clock: Clock, lock: threading.RLock) -> None:
        self._clock = clock
        self._lock = lock
        self._records: dict[str, RecordType] = {}
        self._number = 0

    def add(
        self,
        kind: Callable[..., RecordType],
        record_id: str,
        *,
        entity_id: str,
        created_by: str | None = None,
        created_at: float | None = None,
        **attributes: Any,
    ) -> RecordType:
        with self._lock:
            self._number += 1
            moment = self._clock.now() if created_at is None else created_at
            record = kind(
                id=record_id,
                number=self._number,
                entity_id=entity_id,
                created_by=created_by,
                created_at=moment,
                updated_at=moment,
                **attributes,
            )
            self._records[record_id] = record
            return record

    def get(self, record_id: str, entity_id: str | None = None) -> RecordType | None:
        """Return the record with that id if it belongs to `entity_id`; None means any entity."""
        with self._lock:
            record = self._records.get(record_id)
        return record if record and entity_id in {None, record.entity_id} else None

    def all(self, entity_id: str | None = None) -> list[RecordType]:
        with self._lock:
            return [record for record in self._records.values() if entity_id in {None, record.entity_id}]

    def change(self, record: RecordType, fields: Mapping[str, Any], **attributes: Any) -> None:
        """Replace fields and attributes of a record. Attributes given as None keep their values."""
        with self._lock:
            record.fields |= fields
            for name, value in attributes.items():
                if value is not None:
                    setattr(record, name, value)
            record.updated_at = self._clock.now()

    def remove(self, record: RecordType) -> None:
        with self._lock:
            self._records.pop(record.id, None)

    def clear(self) -> None:
        with self._lock:
            self._records.clear()


class Directory:
    """Holds all tables, and answers questions that need several of them."""

    def __init__(self, clock: Clock, lock: threading.RLock) -> None:
        self.entities: Table[Entity] = Table(clock, lock)
        self.users: Table[EntityUser] = Table(clock, lock)
        self.roles: Table[Role] = Table(clock, lock)
        self.counterparts: Table[Counterpart] = Table(clock, lock)
        self.payables: Table[Payable] = Table(clock, lock)

    def login_is_taken(self, entity_id: str, login: str, *, by_other_than: EntityUser | None = None) -> bool:
        return any(user.login == login and user is not by_other_than for user in self.users.all(entity_id))

    def role_is_in_use(self, role: Role) -> bool:
        """Return whether an entity user has this role, or it is the default role of an entity."""
        holders = self.users.all(role.entity_id)
        return any(user.role_id == role.id for user in holders) or any(
            entity.default_role_id == role.id for entity in self.entities.all(role.entity_id)
        )

    def clear(self) -> None:
        for table in (self.entities, self.users, self.roles, self.counterparts, self.payables):
            table.clear()
