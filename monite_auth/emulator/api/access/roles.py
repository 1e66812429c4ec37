"""Roles and their permissions: `/roles`."""

from typing import Any

from monite_auth.emulator.answers.errors import RefusedError
from monite_auth.emulator.api.serving.call import Call
from monite_auth.emulator.api.serving.resource import Resource, refuse_taken
from monite_auth.emulator.world.directory import Record


class Roles(Resource):
    """Roles. A name is in ASCII and unique within the entity; a role that somebody has cannot be deleted."""

    def filled(self, call: Call) -> dict[str, Any]:
        self._check_name(call)
        return super().filled(call)

    def changed(self, call: Call, record: Record) -> dict[str, Any]:
        self._check_name(call, record)
        return {name: value for name, value in call.body.items() if value is not None}

    def remove(self, call: Call, record: Record) -> None:
        role = call.directory.roles.get(record.id)
        if role and call.directory.role_is_in_use(role):
            raise RefusedError(409, f"The role '{role.name}' is in use.")
        super().remove(call, record)

    def _check_name(self, call: Call, record: Record | None = None) -> None:
        name = call.body.get("name")
        if name is not None and not name.isascii():
            raise RefusedError(400, "The name of a role has only ASCII characters.")
        refuse_taken(self.table(call), call, "name", 400, other=record)


# The specification says 200, and Monite's release notes of the same version 201.
ROLES = Roles("/roles", "role", object_type="role", defaults={"status": "active"}, created=201)
ROLES.serve()
