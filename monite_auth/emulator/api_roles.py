"""Roles and their permissions: `/v1/roles`."""

import uuid
from typing import Any, Literal

from fastapi import APIRouter

from monite_auth.emulator.access import Access, Workplace, found
from monite_auth.emulator.directory import Role
from monite_auth.emulator.errors import RefusedError
from monite_auth.emulator.pagination import Limit, Page
from monite_auth.emulator.schemas import CreateRole, UpdateRole

router = APIRouter(prefix="/roles")


@router.post("")
async def create_role(body: CreateRole, access: Workplace) -> dict[str, Any]:
    access.demand("create", "role")
    role = access.monite.directory.roles.add(
        Role,
        str(uuid.uuid4()),
        entity_id=access.entity.id,
        created_by=access.user_id,
        name=body.name,
        permissions=body.permissions,
    )
    return role.shown()


@router.get("")
async def list_roles(
    access: Workplace, limit: Limit = 100, pagination_token: str | None = None, name: str | None = None
) -> dict[str, Any]:
    page = Page("roles", limit, pagination_token, {"name": name})
    roles = access.visible("role", access.monite.directory.roles.all(access.entity.id))
    return page.of([role for role in roles if page.filters["name"] in {None, role.name}])


@router.get("/{role_id}")
async def read_role(role_id: uuid.UUID, access: Workplace) -> dict[str, Any]:
    return _role(access, role_id, "read").shown()


@router.patch("/{role_id}")
async def update_role(role_id: uuid.UUID, body: UpdateRole, access: Workplace) -> dict[str, Any]:
    role = _role(access, role_id, "update")
    access.monite.directory.roles.change(role, {}, name=body.name, permissions=body.permissions)
    return role.shown()


@router.delete("/{role_id}", status_code=204)
async def delete_role(role_id: uuid.UUID, access: Workplace) -> None:
    role = _role(access, role_id, "delete")
    if access.monite.directory.role_is_in_use(role):
        raise RefusedError(409, f"The role '{role.name}' is in use.")
    access.monite.directory.roles.remove(role)


def _role(access: Access, role_id: uuid.UUID, action: Literal["read", "update", "delete"]) -> Role:
    access.demand(action, "role")
    role = found(access.monite.directory.roles.get(str(role_id), access.entity.id), "role", role_id)
    access.demand(action, "role", role)
    return role
