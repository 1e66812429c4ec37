"""What is done in Monite for a person, and in which order: first their entity, then their role, then themselves.

Everything is looked for before it is created, so that a run which broke off goes on where it was, whoever runs it.

*Two that create the same.* Logins are unique within an entity: who comes second is refused, looks again, and finds.
Roles and entities may have the same name in Monite, so there the store decides who creates: with a claim on a slot
that nobody mints for. The others wait, and find. A store that is down claims for this process only; then all take the
oldest role, and one that is too many is removed by whoever created it. Monite's API cannot remove an entity: so none is
created while the store is down, when it could not be noted whose it is either.
"""

from collections.abc import Awaitable
from contextlib import suppress

from monite_auth.errors import ProvisioningFailed
from monite_auth.identity import EntityUser
from monite_auth.monite_api.wire import Call
from monite_auth.provisioning.calls import Record, checked
from monite_auth.provisioning.creation import Creator
from monite_auth.provisioning.entities import Entities
from monite_auth.provisioning.ownership import Owner, Ownership
from monite_auth.provisioning.partner import PartnerApi
from monite_auth.provisioning.profile import EntityProfile, Profile, RoleDefinition

__all__ = ["Steps"]


class Steps:
    """The steps for one person, whose entity is `owner`'s.

    With a `plan`, what would be changed is written there, and not done.
    """

    def __init__(self, api: PartnerApi, owner: Owner, plan: list[str] | None = None) -> None:
        self._api = api
        self._creator = Creator(api, plan)
        self._entities = Entities(self._creator, Ownership(api.runtime, owner, longest=api.longest))

    async def provide(self, profile: Profile, known: EntityUser | None) -> EntityUser | None:
        """Find the person, or create them; make them what the profile says. `known` is who they were.

        Return who they are; None in a plan for somebody who is not there, or would be refused.
        """
        try:
            entity_id = await self._entity(profile.entity)
        except ProvisioningFailed as refusal:
            if self._creator.note(f"refuse: {refusal}"):
                return None
            raise
        role_id = await self._role(entity_id, profile.role)
        wanted = {**profile.fields, "role_id": role_id}

        async def look() -> Record | None:
            return await self._user(entity_id, profile.login, known)

        async def create() -> Record:
            return await self._creator.post(creating, "/entity_users", wanted, entity_id)

        creating = f"create an entity user with the role {profile.role_name!r}"
        user = await look() or await self._creator.create(creating, look, create)
        if user is None:
            return None
        changes = {name: value for name, value in wanted.items() if user.get(name) != value}
        if changes:
            changing = f"change {', '.join(name.removesuffix('_id') for name in changes)} of the entity user"
            await self._creator.change(
                changing, Call("PATCH", f"/entity_users/{user['id']}", entity_id, body=changes)
            )
        return EntityUser(user["id"], str(entity_id))

    async def existing(self, profile: Profile) -> EntityUser | None:
        """Return who the person is in Monite, if they are there."""
        entity = profile.entity
        entity_id = _id(await self._entities.find(entity)) if isinstance(entity, EntityProfile) else entity
        user = await self._user(entity_id, profile.login, None)
        return EntityUser(user["id"], str(entity_id)) if user is not None else None

    async def remove(self, person: EntityUser) -> bool:
        """Delete an entity user; say whether there was one."""
        call = Call("DELETE", f"/entity_users/{person.entity_user_id}", person.entity_id)
        return await _unless_absent(self._api.ask("remove the entity user", call)) is not None

    async def _entity(self, entity: str | EntityProfile) -> str | None:
        """Return the id of the entity; None in a plan that would create it."""
        return await self._entities.provide(entity) if isinstance(entity, EntityProfile) else entity

    # -- the person

    async def _user(self, entity_id: str | None, login: str, known: EntityUser | None) -> Record | None:
        """Return the entity user who was known, or has the login."""
        if entity_id is None:
            return None
        doing = "look for the entity user"
        if known is not None and known.entity_id == entity_id and known.entity_user_id is not None:
            call = Call("GET", f"/entity_users/{known.entity_user_id}", entity_id)
            user = await _unless_absent(self._api.ask(doing, call))
            if user is not None and checked(doing, user).get("status") != "deleted":
                return user
        users = await self._api.records(doing, "/entity_users", entity_id, login=login)
        return next((user for user in users if user.get("login") == login), None)

    # -- the role

    async def _role(self, entity_id: str | None, role: str | RoleDefinition) -> str | None:
        """Return the id of the role; None in a plan that would create it."""
        definition = None if isinstance(role, str) else role
        name = role if isinstance(role, str) else role.name
        doing = f"create the role {name!r}"

        async def look() -> Record | None:
            if entity_id is None:
                return None
            roles = await self._api.records(f"look for the role {name!r}", "/roles", entity_id, name=name)
            return next((each for each in roles if each.get("name") == name), None)

        async def create() -> Record:
            assert definition is not None
            created = await self._creator.post(doing, "/roles", definition.to_json(), entity_id)
            oldest = await look() or created
            if oldest["id"] != created["id"]:
                with suppress(ProvisioningFailed):  # somebody has been given it already
                    removing = f"remove the second role {name!r}"
                    await self._api.ask(removing, Call("DELETE", f"/roles/{created['id']}", entity_id))
            return oldest

        found = await look()
        if found is None and definition is None:
            if entity_id is not None:
                raise await self._no_such_role(entity_id, name)
            self._creator.note(f"give the role {name!r}, which the new entity has to come with")
        elif found is None:
            found = await self._creator.create(doing, look, create, once=f"role {entity_id} {name}")
        return _id(found)

    async def _no_such_role(self, entity_id: str, name: str) -> ProvisioningFailed:
        roles = await self._api.records("list the roles", "/roles", entity_id)
        there = ", ".join(sorted({repr(role.get("name")) for role in roles})) or "none"
        return ProvisioningFailed(
            f"The entity has no role {name!r}, and the profile does not define it. Roles that it has: {there}. Name one "
            "of them, or give a monite_auth.rbac.Role, which is created where it is missing.",
            fields=("role",),
        )


def _id(record: Record | None) -> str | None:
    return record["id"] if record is not None else None


async def _unless_absent(asked: Awaitable[Record]) -> Record | None:
    try:
        return await asked
    except ProvisioningFailed as error:
        if error.monite_status != 404:
            raise
        return None
