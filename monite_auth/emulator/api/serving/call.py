"""One call of the API, after its form has been checked: what it says, who calls, and what they may do."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from monite_auth.emulator.answers.errors import RefusedError
from monite_auth.emulator.specification.facts import Operation
from monite_auth.emulator.specification.validation import InvalidError
from monite_auth.emulator.state.monite import Monite
from monite_auth.emulator.traffic.ledger import Token
from monite_auth.emulator.world.directory import Directory, Entity, EntityUser, Record, Role, Table
from monite_auth.emulator.world.partners import Partner
from monite_auth.emulator.world.permissions import Action, ObjectType, Permission, granted

RecordType = TypeVar("RecordType", bound=Record)


@dataclass(slots=True, eq=False)
class Call:
    """A call, its caller, and the entity that it is about. `user` is None for the partner, who may do everything."""

    monite: Monite
    operation: Operation
    #: The ids in the path, by the name that they have in the operation's path.
    ids: Mapping[str, str]
    query: Mapping[str, Any]
    body: Any
    #: The names of the files in a form, by field. The field itself is the content, in base64.
    files: Mapping[str, str]
    #: Where the caller has found the emulator, such as `http://127.0.0.1:8090`.
    origin: str = ""
    token: Token | None = None
    entity_id: str | None = None
    of_partner: Partner | None = None
    of_entity: Entity | None = None
    user: EntityUser | None = None
    #: The token that the call has minted. The gate records whether its answer reached the client.
    minted: Token | None = None

    @property
    def partner(self) -> Partner:
        assert self.of_partner is not None, "only calls without a token have no partner"
        return self.of_partner

    @property
    def directory(self) -> Directory:
        return self.partner.directory

    @property
    def entity(self) -> Entity:
        assert self.of_entity is not None, "this operation is about no entity"
        return self.of_entity

    @property
    def user_id(self) -> str | None:
        return self.user.id if self.user else None

    @property
    def author_id(self) -> str | None:
        """The id of the caller, where Monite's specification demands one: the partner goes by a client ID."""
        if self.user or self.token is None:
            return self.user_id or next(iter(self.partner.credentials), None)
        return self.token.client_id

    @property
    def role(self) -> Role | None:
        return self.directory.roles.get(self.user.role_id) if self.user else None

    def permission(self, action: Action, object_type: ObjectType) -> Permission:
        if self.user is None:
            return "allowed"
        role = self.role
        return granted(role.permissions, action, object_type) if role else "not_allowed"

    def demand(self, action: Action, object_type: ObjectType, record: Record | None = None) -> None:
        """Check that the caller's role grants `action`: on `record` if there is one, else on the kind of object.

        Raises:
            RefusedError: the role does not grant it (403).

        """
        permission = self.permission(action, object_type)
        if permission == "not_allowed":
            raise RefusedError(
                403, f"Your role does not allow you to {action} objects of type {object_type}."
            )
        if permission == "allowed_for_own" and record and record.created_by != self.user_id:
            raise RefusedError(
                403,
                f"Your role allows you to {action} only those objects of type {object_type} that you created.",
            )

    def visible(self, object_type: ObjectType, records: Iterable[RecordType]) -> list[RecordType]:
        """Return the records that the caller may read.

        Raises:
            RefusedError: the caller's role allows to read none at all (403).

        """
        self.demand("read", object_type)
        own_only = self.permission("read", object_type) == "allowed_for_own"
        return [record for record in records if not own_only or record.created_by == self.user_id]

    def find(
        self,
        table: Table[RecordType],
        record_id: str,
        what: str,
        *,
        action: Action = "read",
        object_type: ObjectType | None = None,
        parent_id: str | None = None,
    ) -> RecordType:
        """Return a record of the entity for an action.

        Raises:
            RefusedError: there is no such record (404), or the role does not allow the action (403).

        """
        if object_type:
            self.demand(action, object_type)
        record = table.get(record_id, self.of_entity.id if self.of_entity else None, parent_id)
        if record is None:
            raise RefusedError(404, f"There is no {what} {record_id}.")
        if object_type:
            self.demand(action, object_type, record)
        return record

    def known(
        self, table: Table[RecordType], record_id: str, what: str, *, place: tuple[str, ...] = ("body",)
    ) -> RecordType:
        """Return a record of the entity that the request names at a place, such as `("query", "counterpart_id")`.

        Raises:
            RefusedError: there is no such record (404, or 400).
            InvalidError: the same (422), where the operation has neither of these statuses.

        """
        record = table.get(record_id, self.entity.id)
        if record is None:
            named = f"{place[1]}: there" if place[1:] else "There"
            raise self.refusal(f"{named} is no {what} {record_id}.", 404, 400, place=place)
        return record

    def check_reference(self, field: str, table: Table[Any], what: str) -> None:
        """Check that a record is there which a field of the body names, if it names one.

        Raises:
            RefusedError, InvalidError: as for `known`.

        """
        if self.body.get(field) is not None:
            self.known(table, self.body[field], what)

    def refusal(
        self, message: str, *statuses: int, place: tuple[str, ...] = ("body",)
    ) -> RefusedError | InvalidError:
        """Return the refusal with the first of these statuses that Monite documents for the operation.

        Every operation documents 422, so a refusal without any of these is that a value at `place` is not valid.
        """
        for status in statuses:
            if str(status) in self.operation.errors:
                return RefusedError(status, message)
        return InvalidError([(place, message, "value_error")])
