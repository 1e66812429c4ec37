"""FastAPI dependencies that tell the endpoints who is calling and what they may do. The gate has checked the token."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Literal, TypeVar
from uuid import UUID

from fastapi import Depends, Header, Request

from monite_auth.emulator.directory import Entity, EntityUser, Record, Role
from monite_auth.emulator.errors import DEAD_TOKEN, RefusedError
from monite_auth.emulator.ledger import Token
from monite_auth.emulator.monite import Monite
from monite_auth.emulator.permissions import CommonObject, PayableAction, Permission

RecordType = TypeVar("RecordType", bound=Record)
ObjectType = CommonObject | Literal["payable"]


async def monite_of(request: Request) -> Monite:
    monite = request.app.state.monite
    assert isinstance(monite, Monite)
    return monite


CurrentMonite = Annotated[Monite, Depends(monite_of)]


async def partner(request: Request) -> None:
    """Refuse every token but the partner's with 403."""
    token: Token = request.state.token
    if token.entity_user_id is not None:
        raise RefusedError(403, "Only a partner token may do this; this is an entity-user token.")


@dataclass(frozen=True, slots=True)
class Access:
    """A caller and the entity that the call is about. `user` is None for the partner, who may do everything."""

    monite: Monite
    entity: Entity
    user: EntityUser | None

    @property
    def user_id(self) -> str | None:
        return self.user.id if self.user else None

    @property
    def role(self) -> Role | None:
        return self.monite.directory.roles.get(self.user.role_id) if self.user else None

    def permission(self, action: PayableAction, object_type: ObjectType) -> Permission:
        if self.user is None:
            return "allowed"
        role = self.role
        return role.permissions.granted(action, object_type) if role else "not_allowed"

    def demand(self, action: PayableAction, object_type: ObjectType, record: Record | None = None) -> None:
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


async def person(request: Request, monite: CurrentMonite) -> Access:
    """Return the access of an entity user. The token alone tells the user and the entity; a partner token gets a 403."""
    token: Token = request.state.token
    if token.entity_user_id is None:
        raise RefusedError(403, "Only an entity-user token may do this; this is a partner token.")
    user = monite.directory.users.get(token.entity_user_id)
    entity = monite.directory.entities.get(user.entity_id) if user else None
    if user is None or entity is None:
        raise RefusedError(monite.dead_token_status, DEAD_TOKEN)
    return Access(monite, entity, user)


async def workplace(
    request: Request, monite: CurrentMonite, x_monite_entity_id: Annotated[UUID, Header()]
) -> Access:
    """Return the access to the entity in `x-monite-entity-id`, for either kind of token."""
    entity_id = str(x_monite_entity_id)
    token: Token = request.state.token
    if token.entity_user_id is not None:
        access = await person(request, monite)
        if access.entity.id != entity_id:
            raise RefusedError(
                403, "This token belongs to a user of another entity than x-monite-entity-id names."
            )
        return access
    entity = monite.directory.entities.get(entity_id)
    if entity is None:
        raise RefusedError(404, f"There is no entity {entity_id}.")
    request.state.entity_id = entity.id
    return Access(monite, entity, user=None)


Person = Annotated[Access, Depends(person)]
Workplace = Annotated[Access, Depends(workplace)]


def found(record: RecordType | None, what: str, record_id: UUID) -> RecordType:
    """Return `record`.

    Raises:
        RefusedError: `record` is None (404). The message names it by `what` and `record_id`.

    """
    if record is None:
        raise RefusedError(404, f"There is no {what} {record_id}.")
    return record
