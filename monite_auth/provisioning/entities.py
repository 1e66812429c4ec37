"""The entity of an EntityProfile: find it, create it where there is none, and refuse it to people that it is not for."""

from typing import NamedTuple

from monite_auth.errors import CredentialsRejected, ProvisioningFailed, RateLimited
from monite_auth.monite_api import paths
from monite_auth.monite_api.records import Record
from monite_auth.provisioning.creation import Creator
from monite_auth.provisioning.ownership import Ownership
from monite_auth.provisioning.profile import EntityProfile

__all__ = ["Entities"]


class Joined(NamedTuple):
    """An entity that the owner may join.

    `is_own`: this store created it for them. Otherwise the application has said that they join it.
    """

    entity: Record
    is_own: bool


class Entities:
    """Finds and creates the entities of one owner."""

    def __init__(self, creator: Creator, ownership: Ownership) -> None:
        self._creator = creator
        self._ownership = ownership

    async def provide(self, company: EntityProfile) -> str | None:
        """Return the id of the company's entity; create it where there is none, or return None in a plan.

        Raises ProvisioningFailed where there is one that is not the owner's, and StoreUnavailable where the store
        cannot say, or cannot note, whose it is.
        """
        doing = f"create the entity, an {company.type}"
        joined = await self._find(company)
        if joined is not None:
            await self._join(joined)
            return str(joined.entity["id"])

        async def find() -> Record | None:
            return await self.find(company)

        async def create() -> Record:
            return await self._create(doing, company)

        created = await self._creator.create(doing, find, create, once=company.place)
        return created["id"] if created is not None else None

    async def find(self, company: EntityProfile) -> Record | None:
        """Return the company's entity, if there is one; raise ProvisioningFailed where it is not the owner's."""
        joined = await self._find(company)
        return joined.entity if joined is not None else None

    async def _find(self, company: EntityProfile) -> Joined | None:
        same = await self._same(company)
        for entity in same:
            if await self._ownership.has(entity, company):
                return Joined(entity, is_own=True)
        if same and not company.join_existing:
            raise self._refusal(same[0]["id"])
        return Joined(same[0], is_own=False) if same else None

    async def _same(self, company: EntityProfile) -> list[Record]:
        """Return the entities that the profile describes, the oldest first."""
        query = {"type": company.type, "email": company.email}
        entities = await self._creator.api.records("look for the entity", paths.ENTITIES, **query)
        alike = [each for each in entities if company.shares_email_with(each)]
        same = [each for each in alike if company.shares_name_with(each)]
        if alike and not same:
            fields = tuple(f"entity.{company.type}.{name}" for name in company.names)
            raise ProvisioningFailed(
                "An entity with this e-mail address has another name in Monite. If it is the same one, give it its new "
                "name there too (PATCH /entities/{id}); if it is another, create it yourself and put its id into the "
                f"profile. Look at {', '.join(fields)} in the profile.",
                fields=fields,
            )
        return same

    async def _join(self, joined: Joined) -> None:
        entity_id = joined.entity["id"]
        why = f"this store created it for this {self._ownership.kind}"
        if not joined.is_own:
            why = "the profile says join_existing"
        if not self._creator.plans(f"join the entity {entity_id}: {why}") and joined.is_own:
            await self._ownership.take(entity_id)

    async def _create(self, doing: str, company: EntityProfile) -> Record:
        await self._ownership.begin(company)
        try:
            created = await self._creator.api.create(doing, paths.ENTITIES, company.to_json())
        except (ProvisioningFailed, CredentialsRejected, RateLimited):
            await self._ownership.give_up(company)
            raise
        await self._ownership.take(created["id"])
        return created

    def _refusal(self, entity_id: str) -> ProvisioningFailed:
        kind = self._ownership.kind
        advice = (
            ""
            if kind == "tenant"
            else " Or give principals of one company the same tenant: they share its entity."
        )
        return ProvisioningFailed(
            f"Monite already has an entity of this type, e-mail address and name, {entity_id}, and this store has not "
            f"noted that it was created for this {kind}. Knowing a company's name and address proves nothing, since "
            f'everybody knows them. If your app has verified that this {kind} belongs to it, give Profile(entity="{entity_id}"), '
            f"or EntityProfile(join_existing=True).{advice}",
            fields=("entity",),
        )
