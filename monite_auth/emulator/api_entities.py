"""The partner's customers: `/v1/entities`, for partner tokens only."""

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from monite_auth.emulator.access import CurrentMonite, found, partner
from monite_auth.emulator.directory import Entity, Role
from monite_auth.emulator.monite import Monite
from monite_auth.emulator.pagination import Limit, Page
from monite_auth.emulator.schemas import CreateEntity, UpdateEntity
from monite_auth.emulator.seed import DEFAULT

router = APIRouter(prefix="/entities", dependencies=[Depends(partner)])


@router.post("", status_code=201)
async def create_entity(body: CreateEntity, monite: CurrentMonite) -> dict[str, Any]:
    entity_id, role_id = str(uuid.uuid4()), str(uuid.uuid4())
    monite.directory.roles.add(Role, role_id, entity_id=entity_id, name="Default", permissions=DEFAULT)
    entity = monite.directory.entities.add(
        Entity, entity_id, entity_id=entity_id, default_role_id=role_id, fields=body.given()
    )
    return entity.shown()


@router.get("")
async def list_entities(
    monite: CurrentMonite,
    limit: Limit = 100,
    pagination_token: str | None = None,
    kind: Annotated[str | None, Query(alias="type")] = None,
) -> dict[str, Any]:
    page = Page("entities", limit, pagination_token, {"type": kind})
    wanted = page.filters["type"]
    return page.of(
        [entity for entity in monite.directory.entities.all() if wanted in {None, entity.fields["type"]}]
    )


@router.get("/{entity_id}")
async def read_entity(entity_id: uuid.UUID, monite: CurrentMonite) -> dict[str, Any]:
    return found(monite.directory.entities.get(str(entity_id)), "entity", entity_id).shown()


@router.patch("/{entity_id}")
async def update_entity(entity_id: uuid.UUID, body: UpdateEntity, monite: CurrentMonite) -> dict[str, Any]:
    entity = found(monite.directory.entities.get(str(entity_id)), "entity", entity_id)
    change_entity(monite, entity, body)
    return entity.shown()


def change_entity(monite: Monite, entity: Entity, body: UpdateEntity) -> None:
    """Apply a PATCH. Inside an address, an organization or a person, fields that the body omits keep their values."""
    changes = body.given()
    for part in ("address", "organization", "individual"):
        if part in changes:
            # Ignore the part of the other entity type. Ignore null too: it would leave the entity without a description.
            kept, new = entity.fields.get(part), changes.pop(part)
            if kept and new:
                changes[part] = kept | {key: value for key, value in new.items() if value is not None}
    monite.directory.entities.change(entity, changes)
