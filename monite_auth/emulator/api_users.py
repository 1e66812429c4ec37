"""The people of an entity: `/v1/entity_users`. Under `/me`, an entity user reads and changes their own data."""

import uuid
from typing import Any, Literal

from fastapi import APIRouter

from monite_auth.emulator.access import Access, Person, Workplace, found
from monite_auth.emulator.api_entities import change_entity
from monite_auth.emulator.directory import EntityUser
from monite_auth.emulator.errors import RefusedError
from monite_auth.emulator.pagination import Limit, Page
from monite_auth.emulator.schemas import CreateEntityUser, UpdateEntity, UpdateEntityUser, UpdateMe

router = APIRouter(prefix="/entity_users")


# Every entity user may read and change their own data and read their entity. Changing the entity needs a permission.
@router.get("/me")
async def read_me(person: Person) -> dict[str, Any]:
    return _me(person).shown()


@router.patch("/me")
async def update_me(body: UpdateMe, person: Person) -> dict[str, Any]:
    return _changed(person, _me(person), body)


@router.get("/my_entity")
async def read_my_entity(person: Person) -> dict[str, Any]:
    return person.entity.shown()


@router.patch("/my_entity")
async def update_my_entity(body: UpdateEntity, person: Person) -> dict[str, Any]:
    person.demand("update", "entity")
    change_entity(person.monite, person.entity, body)
    return person.entity.shown()


@router.get("/my_role")
async def read_my_role(person: Person) -> dict[str, Any]:
    return found(person.role, "role", uuid.UUID(_me(person).role_id)).shown()


@router.post("")
async def create_entity_user(body: CreateEntityUser, access: Workplace) -> dict[str, Any]:
    access.demand("create", "entity_user")
    fields = body.given()
    role_id = _known_role(access, fields.pop("role_id", None)) or access.entity.default_role_id
    user = access.monite.directory.users.add(
        EntityUser,
        str(uuid.uuid4()),
        entity_id=access.entity.id,
        created_by=access.user_id,
        login=_free_login(access, fields.pop("login")),
        role_id=role_id,
        fields=fields,
    )
    return user.shown()


@router.get("")
async def list_entity_users(
    access: Workplace,
    limit: Limit = 100,
    pagination_token: str | None = None,
    login: str | None = None,
    role_id: uuid.UUID | None = None,
) -> dict[str, Any]:
    page = Page("entity_users", limit, pagination_token, {"login": login, "role_id": role_id})
    users = access.visible("entity_user", access.monite.directory.users.all(access.entity.id))
    return page.of(
        [
            user
            for user in users
            if page.filters["login"] in {None, user.login} and page.filters["role_id"] in {None, user.role_id}
        ]
    )


@router.get("/{entity_user_id}")
async def read_entity_user(entity_user_id: uuid.UUID, access: Workplace) -> dict[str, Any]:
    return _user(access, entity_user_id, "read").shown()


@router.patch("/{entity_user_id}")
async def update_entity_user(
    entity_user_id: uuid.UUID, body: UpdateEntityUser, access: Workplace
) -> dict[str, Any]:
    return _changed(access, _user(access, entity_user_id, "update"), body)


@router.delete("/{entity_user_id}", status_code=204)
async def delete_entity_user(entity_user_id: uuid.UUID, access: Workplace) -> None:
    access.monite.remove_user(_user(access, entity_user_id, "delete"))


def _me(person: Access) -> EntityUser:
    assert person.user is not None, "the dependency lets only entity users through"
    return person.user


def _user(access: Access, user_id: uuid.UUID, action: Literal["read", "update", "delete"]) -> EntityUser:
    access.demand(action, "entity_user")
    user = found(access.monite.directory.users.get(str(user_id), access.entity.id), "entity user", user_id)
    access.demand(action, "entity_user", user)
    return user


def _changed(access: Access, user: EntityUser, body: UpdateMe) -> dict[str, Any]:
    fields = body.given()
    login, role_id = fields.pop("login", None), fields.pop("role_id", None)
    if login is not None:
        _free_login(access, login, user)
    if fields.get("first_name", "") is None:
        del fields["first_name"]
    access.monite.directory.users.change(user, fields, login=login, role_id=_known_role(access, role_id))
    return user.shown()


def _free_login(access: Access, login: str, user: EntityUser | None = None) -> str:
    if access.monite.directory.login_is_taken(access.entity.id, login, by_other_than=user):
        raise RefusedError(409, f"The login '{login}' is taken by another user of this entity.")
    return login


def _known_role(access: Access, role_id: str | None) -> str | None:
    if role_id is not None and access.monite.directory.roles.get(role_id, access.entity.id) is None:
        raise RefusedError(400, f"This entity has no role {role_id}.")
    return role_id
