"""What is done in Monite for a person, and in which order: first their entity, then their role, then themselves.

Everything is looked for before it is created, so that a run which broke off goes on where it was, whoever runs it.

*Two that create the same.* Logins are unique within an entity: who comes second is refused, looks again, and finds.
Roles and entities may have the same name in Monite, so there the store decides who creates: with a claim on a slot
that nobody mints for. The others wait, and find. A store that is down claims for this process only; then all take the
oldest, and a role that is too many is removed by whoever created it. An entity cannot be removed by Monite's API:
there one may be left over, which nobody uses.
"""

import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from uuid import uuid4

from monite_auth.errors import CredentialsRejected, ProvisioningFailed
from monite_auth.identity import EntityUser
from monite_auth.provisioning.calls import Call, Record, checked
from monite_auth.provisioning.partner import Caller, PartnerApi
from monite_auth.provisioning.profile import EntityProfile, Profile, RoleDefinition
from monite_auth.stores.base import Claimed, Lease, Resting, Slot

__all__ = ["Steps"]

log = logging.getLogger("monite_auth")

POLL = 0.05
"""Seconds between looks at what somebody else is creating: their request to Monite takes several times as long."""

Look = Callable[[], Awaitable[Record | None]]
Create = Callable[[], Awaitable[Record]]


class Steps:
    """The steps for one person. With a `plan`, what would be changed is written there, and not done."""

    def __init__(self, caller: Caller, plan: list[str] | None = None) -> None:
        self._caller = caller
        self._api = PartnerApi(caller)
        self._plan = plan

    async def provide(self, profile: Profile, known: EntityUser | None) -> EntityUser | None:
        """Find the person, or create them; make them what the profile says. `known` is who they were.

        Return who they are; None in a plan for somebody who is not there.
        """
        entity_id = await self._entity(profile.entity)
        role_id = await self._role(entity_id, profile.role)
        wanted = {**profile.fields, "role_id": role_id}

        async def look() -> Record | None:
            return await self._user(entity_id, profile.login, known)

        async def create() -> Record:
            return await self._post(creating, "/entity_users", wanted, entity_id)

        creating = f"create an entity user with the role {profile.role_name!r}"
        user = await look() or await self._create(creating, look, create)
        if user is None:
            return None
        changes = {name: value for name, value in wanted.items() if user.get(name) != value}
        if changes:
            changing = f"change {', '.join(name.removesuffix('_id') for name in changes)} of the entity user"
            await self._change(
                changing, Call("PATCH", f"/entity_users/{user['id']}", entity_id, body=changes)
            )
        return EntityUser(user["id"], str(entity_id))

    async def existing(self, profile: Profile) -> EntityUser | None:
        """Return who the person is in Monite, if they are there."""
        entity = profile.entity
        entity_id = _id(await self._look_for_entity(entity)) if isinstance(entity, EntityProfile) else entity
        user = await self._user(entity_id, profile.login, None)
        return EntityUser(user["id"], str(entity_id)) if user is not None else None

    async def remove(self, person: EntityUser) -> bool:
        """Delete an entity user; say whether there was one."""
        call = Call("DELETE", f"/entity_users/{person.entity_user_id}", person.entity_id)
        return await _unless_absent(self._api.ask("remove the entity user", call)) is not None

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
            created = await self._post(doing, "/roles", definition.to_json(), entity_id)
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
            self._note(f"give the role {name!r}, which the new entity has to come with")
        elif found is None:
            found = await self._create(doing, look, create, once=f"role {entity_id} {name}")
        return _id(found)

    async def _no_such_role(self, entity_id: str, name: str) -> ProvisioningFailed:
        roles = await self._api.records("list the roles", "/roles", entity_id)
        there = ", ".join(sorted({repr(role.get("name")) for role in roles})) or "none"
        return ProvisioningFailed(
            f"The entity has no role {name!r}, and the profile does not define it. Roles that it has: {there}. Name one "
            "of them, or give a monite_auth.rbac.Role, which is created where it is missing.",
            fields=("role",),
        )

    # -- the entity

    async def _entity(self, entity: str | EntityProfile) -> str | None:
        """Return the id of the entity; None in a plan that would create it."""
        if not isinstance(entity, EntityProfile):
            return entity
        doing = f"create the entity, an {entity.type}"

        async def look() -> Record | None:
            return await self._look_for_entity(entity)

        async def create() -> Record:
            created = await self._post(doing, "/entities", entity.to_json())
            oldest = await look() or created
            if oldest["id"] != created["id"]:
                log.warning("An entity was created twice in Monite: %s is left over.", created["id"])
            return oldest

        once = f"entity {entity.type} {entity.email.casefold()}"
        found = await look() or await self._create(doing, look, create, once=once)
        return _id(found)

    async def _look_for_entity(self, entity: EntityProfile) -> Record | None:
        query = {"type": entity.type, "email": entity.email}
        entities = await self._api.records("look for the entity", "/entities", **query)
        alike = [each for each in entities if entity.shares_email_with(each)]
        same = [each for each in alike if entity.shares_name_with(each)]
        if alike and not same:
            fields = tuple(f"entity.{entity.type}.{name}" for name in entity.names)
            raise ProvisioningFailed(
                "An entity with this e-mail address has another name in Monite. If it is the same one, give it its new "
                "name there too (PATCH /entities/{id}); if it is another, create it yourself and put its id into the "
                f"profile. Look at {', '.join(fields)} in the profile.",
                fields=fields,
            )
        return same[0] if same else None

    # -- changes

    def _note(self, doing: str) -> bool:
        """Write into the plan, if this is one, and say whether it is."""
        if self._plan is not None:
            self._plan.append(f"{doing[0].upper()}{doing[1:]}.")
        return self._plan is not None

    async def _change(self, doing: str, call: Call) -> None:
        if not self._note(doing):
            await self._api.ask(doing, call)

    async def _post(self, doing: str, path: str, body: Record, entity_id: str | None = None) -> Record:
        return checked(doing, await self._api.ask(doing, Call("POST", path, entity_id, body=body)))

    async def _create(
        self, doing: str, look: Look, create: Create, *, once: str | None = None
    ) -> Record | None:
        """Create what `look` did not find, or find what somebody else has created meanwhile; None in a plan.

        `once`: names it among all things, where the store has to see to it that it is created once.
        """
        if self._note(doing):
            return None
        if once is None:
            return await _created(look, create)
        lease = await self._claim(doing, Slot(None, once, None, "creation"))
        try:
            created = await look() or await _created(look, create)
        except GeneratorExit:  # the event loop is gone: nothing can be awaited, the lease runs out
            raise
        except BaseException:
            await self._caller.store.abandon(lease)
            raise
        await self._caller.store.abandon(lease)
        return created

    async def _claim(self, doing: str, slot: Slot) -> Lease:
        """Take the right to create something, and wait while somebody else has it."""
        settings = self._caller.settings
        # What is done under the claim ends with the deadline, give or take the last request.
        seconds = settings.deadline + settings.connect_timeout + settings.read_timeout
        owner = uuid4().hex
        while True:
            self._api.time_left(doing)
            claim = await self._caller.store.claim(slot, None, owner=owner, seconds=seconds, min_life=0)
            if isinstance(claim, Claimed):
                return claim.lease
            if isinstance(claim, Resting):  # nothing else than refused credentials makes everyone rest
                raise CredentialsRejected(
                    claim.why.message, request_id=claim.why.request_id, retry_after=claim.retry_in
                )
            await self._caller.sleep(POLL)


def _id(record: Record | None) -> str | None:
    return record["id"] if record is not None else None


async def _created(look: Look, create: Create) -> Record:
    try:
        return await create()
    except ProvisioningFailed:
        if (found := await look()) is None:
            raise
        return found


async def _unless_absent(asked: Awaitable[Record]) -> Record | None:
    try:
        return await asked
    except ProvisioningFailed as error:
        if error.monite_status != 404:
            raise
        return None
