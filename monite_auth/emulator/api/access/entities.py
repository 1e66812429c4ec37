"""The partner's customers: `/entities`, and what belongs to each of them."""

from typing import Any

from monite_auth.emulator.answers.errors import RefusedError
from monite_auth.emulator.api.serving.call import Call
from monite_auth.emulator.api.serving.dispatch import serves
from monite_auth.emulator.api.serving.resource import Resource
from monite_auth.emulator.demo.companies import DEFAULT
from monite_auth.emulator.specification.validation import InvalidError
from monite_auth.emulator.world.directory import Entity, Record

PARTS = ("address", "organization", "individual")


class Entities(Resource):
    """Entities, which the partner creates and changes."""

    def list(self, call: Call) -> dict[str, Any]:
        return self.page(call, call.directory.entities.all())

    def filled(self, call: Call) -> dict[str, Any]:
        body = call.body
        described = [kind for kind in ("organization", "individual") if body.get(kind) is not None]
        if described != [body["type"]]:
            sentence = f"type {body['type']} needs the field {body['type']}, and not the other one"
            raise InvalidError([(("body", body["type"]), sentence, "value_error")])
        return {"status": "active", **body}

    def add(self, call: Call, fields: Any, parent_id: str | None = None) -> Record:
        """Add an entity, with the role that its users have by default."""
        entity_id, role_id = call.monite.new_id(), call.monite.new_id()
        call.directory.roles.add(
            role_id, {"name": "Default", "permissions": DEFAULT, "status": "active"}, entity_id=entity_id
        )
        return call.directory.entities.add(
            entity_id, {**fields, "default_role_id": role_id}, entity_id=entity_id, parent_id=parent_id
        )

    def changed(self, call: Call, record: Record) -> dict[str, Any]:
        return changed_entity(call, record)


def changed_entity(call: Call, entity: Record) -> dict[str, Any]:
    """Return what a PATCH changes. Inside an address, an organization or a person, fields that it omits keep their values."""
    changes = dict(call.body)
    for part in PARTS:
        if part in changes:
            # Ignore the part of the other entity type. Ignore null too: it would leave the entity without a description.
            kept, new = entity.fields.get(part), changes.pop(part)
            if kept and new:
                changes[part] = kept | {key: value for key, value in new.items() if value is not None}
    return changes


ENTITIES = Entities("/entities", "entity").serve()


@serves("GET /entity_users/my_entity", caller="user")
def read_my_entity(call: Call) -> dict[str, Any]:
    # Every entity user may read their entity. Changing it needs a permission.
    return call.entity.shown()


@serves("PATCH /entity_users/my_entity", caller="user")
def update_my_entity(call: Call) -> dict[str, Any]:
    call.demand("update", "entity")
    call.directory.entities.change(call.entity, changed_entity(call, call.entity))
    return call.entity.shown()


@serves("POST /entities/{entity_id}/activate")
def activate(call: Call) -> dict[str, Any]:
    return _with_status(call, "active")


@serves("POST /entities/{entity_id}/deactivate")
def deactivate(call: Call) -> dict[str, Any]:
    return _with_status(call, "inactive")


def _with_status(call: Call, status: str) -> dict[str, Any]:
    entity: Entity = call.entity
    if entity.fields["status"] == status:
        raise RefusedError(400, f"The entity is {status} already.")
    call.directory.entities.change(entity, {"status": status})
    return entity.shown()
