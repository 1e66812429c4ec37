"""The people of an entity: `/entity_users`. Under `/me`, an entity user reads and changes their own data."""

from typing import Any

from monite_auth.emulator.answers.errors import RefusedError
from monite_auth.emulator.api.serving.call import Call
from monite_auth.emulator.api.serving.dispatch import serves
from monite_auth.emulator.api.serving.resource import Resource, refuse_taken
from monite_auth.emulator.world.directory import EntityUser, Record


class EntityUsers(Resource):
    """Entity users. Each has a login of their own within the entity, and one of its roles."""

    def filled(self, call: Call) -> dict[str, Any]:
        refuse_taken(self.table(call), call, "login", 400)
        role_id = _known_role(call) or call.entity.default_role_id
        return {"status": "active", **call.body, "role_id": role_id}

    def changed(self, call: Call, record: Record) -> dict[str, Any]:
        refuse_taken(self.table(call), call, "login", 400, other=record)
        _known_role(call)
        # A user keeps what they cannot be without.
        needed = ("first_name", "login", "role_id")
        return {name: value for name, value in call.body.items() if value is not None or name not in needed}

    def remove(self, call: Call, record: Record) -> None:
        assert isinstance(record, EntityUser)
        call.monite.remove_user(record)


def _known_role(call: Call) -> str | None:
    role_id: str | None = call.body.get("role_id")
    if role_id is not None and call.directory.roles.get(role_id, call.entity.id) is None:
        raise RefusedError(400, f"This entity has no role {role_id}.")
    return role_id


def _me(call: Call) -> EntityUser:
    assert call.user is not None, "only entity users may call this"
    return call.user


@serves("GET /entity_users/me", caller="user")
def read_me(call: Call) -> dict[str, Any]:
    return _me(call).shown()


@serves("PATCH /entity_users/me", caller="user")
def update_me(call: Call) -> dict[str, Any]:
    call.directory.users.change(_me(call), ENTITY_USERS.changed(call, _me(call)))
    return _me(call).shown()


@serves("GET /entity_users/my_role", caller="user")
def read_my_role(call: Call) -> dict[str, Any]:
    return call.find(call.directory.roles, _me(call).role_id, "role").shown()


ENTITY_USERS = EntityUsers(
    "/entity_users",
    "entity user",
    object_type="entity_user",
    lookups={"name": lambda _, user: user.name},
)
ENTITY_USERS.serve()
