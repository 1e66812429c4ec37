"""The steps in Monite for one person, in order: their entity, their role, and then their entity user.

Each step looks before it creates. So a run that was broken off goes on where it was, in whichever process.

Two processes may want to create the same thing:

| what | what keeps it from being created twice |
|---|---|
| entity user | Monite: logins are unique within an entity. The second one is refused, looks again, and finds the first. |
| role, entity | The store: Monite takes two of the same name. One process claims a slot that nobody mints for; the others wait. |

While the store is down, a claim holds in its own process only. Then everybody takes the oldest role, and whoever created
another one removes it. Entities are not created at all then: Monite's API cannot remove them, and the store could not note
whose they are.
"""

from collections.abc import Awaitable
from contextlib import suppress

from monite_auth.errors import ProvisioningFailed
from monite_auth.identity import EntityUser
from monite_auth.monite_api import paths
from monite_auth.monite_api.records import Record, is_deleted
from monite_auth.monite_api.requests import Call
from monite_auth.provisioning.answers import checked
from monite_auth.provisioning.creation import Creator
from monite_auth.provisioning.entities import Entities
from monite_auth.provisioning.ownership import Owner, Ownership
from monite_auth.provisioning.partner import PartnerApi
from monite_auth.provisioning.profile import EntityProfile, Profile, RoleDefinition

__all__ = ["Steps"]


class Steps:
    """The steps for one person, whose entity is `owner`'s.

    With a `plan`, changes are written there, and not made.
    """

    def __init__(self, api: PartnerApi, owner: Owner, plan: list[str] | None = None) -> None:
        self._api = api
        self._creator = Creator(api, plan)
        self._entities = Entities(self._creator, Ownership(api.runtime, owner, longest=api.longest))

    async def provide(self, profile: Profile, known: EntityUser | None) -> EntityUser | None:
        """Find or create the person's entity user, change it to what the profile says, and return it.

        `known`: the entity user that the person had so far. Return None in a plan for somebody who is not there yet, or who
        would be refused. Raises ProvisioningFailed, CredentialsRejected, RateLimited, MoniteUnavailable, StoreUnavailable.
        """
        try:
            entity_id = await self._entity(profile.entity)
        except ProvisioningFailed as refusal:
            if self._creator.plans(f"refuse: {refusal}"):
                return None
            raise
        role_id = await self._role(entity_id, profile.role)
        wanted = {**profile.fields, "role_id": role_id}

        async def find() -> Record | None:
            return await self._user(entity_id, profile.login, known)

        async def create() -> Record:
            return await self._api.create(creating, paths.ENTITY_USERS, wanted, entity_id)

        creating = f"create an entity user with the role {profile.role_name!r}"
        user = await find() or await self._creator.create(creating, find, create)
        if user is None:
            return None
        changes = {name: value for name, value in wanted.items() if user.get(name) != value}
        if changes:
            changing = f"change {', '.join(name.removesuffix('_id') for name in changes)} of the entity user"
            await self._creator.change(
                changing, Call("PATCH", paths.entity_user(user["id"]), entity_id, body=changes)
            )
        return EntityUser(user["id"], str(entity_id))

    async def existing(self, profile: Profile) -> EntityUser | None:
        """Return the person's entity user, or None if Monite has none."""
        entity = profile.entity
        entity_id = _id(await self._entities.find(entity)) if isinstance(entity, EntityProfile) else entity
        user = await self._user(entity_id, profile.login, None)
        return EntityUser(user["id"], str(entity_id)) if user is not None else None

    async def remove(self, person: EntityUser) -> bool:
        """Delete an entity user; return whether there was one."""
        if person.entity_user_id is None:
            return False
        call = Call("DELETE", paths.entity_user(person.entity_user_id), person.entity_id)
        return await _unless_absent(self._api.ask("remove the entity user", call)) is not None

    async def _entity(self, entity: str | EntityProfile) -> str | None:
        """Return the id of the entity; None in a plan that would create it."""
        return await self._entities.provide(entity) if isinstance(entity, EntityProfile) else entity

    # -- the person

    async def _user(self, entity_id: str | None, login: str, known: EntityUser | None) -> Record | None:
        """Return the entity user that the person had so far, or the one with the login; None where there is neither."""
        if entity_id is None:
            return None
        doing = "look for the entity user"
        if known is not None and known.entity_id == entity_id and known.entity_user_id is not None:
            call = Call("GET", paths.entity_user(known.entity_user_id), entity_id)
            user = await _unless_absent(self._api.ask(doing, call))
            if user is not None and not is_deleted(checked(doing, user)):
                return user
        users = await self._api.records(doing, paths.ENTITY_USERS, entity_id, login=login)
        return next((user for user in users if user.get("login") == login), None)

    # -- the role

    async def _role(self, entity_id: str | None, role: str | RoleDefinition) -> str | None:
        """Return the id of the role; None in a plan that would create it."""
        definition = None if isinstance(role, str) else role
        name = role if isinstance(role, str) else role.name
        doing = f"create the role {name!r}"

        async def find() -> Record | None:
            if entity_id is None:
                return None
            roles = await self._api.records(f"look for the role {name!r}", paths.ROLES, entity_id, name=name)
            return next((each for each in roles if each.get("name") == name), None)

        async def create() -> Record:
            assert definition is not None
            created = await self._api.create(doing, paths.ROLES, definition.to_json(), entity_id)
            oldest = await find() or created
            if oldest["id"] != created["id"]:
                with suppress(ProvisioningFailed):  # somebody has been given it already
                    removing = f"remove the second role {name!r}"
                    await self._api.ask(removing, Call("DELETE", paths.role(created["id"]), entity_id))
            return oldest

        found = await find()
        if found is None and definition is None:
            if entity_id is not None:
                raise await self._no_such_role(entity_id, name)
            self._creator.plans(f"give the role {name!r}, which the new entity has to come with")
        elif found is None:
            found = await self._creator.create(doing, find, create, once=f"role {entity_id} {name}")
        return _id(found)

    async def _no_such_role(self, entity_id: str, name: str) -> ProvisioningFailed:
        roles = await self._api.records("list the roles", paths.ROLES, entity_id)
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
