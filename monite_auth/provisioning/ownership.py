"""The notes that say for whom this store created an entity: its own people may join it, not everybody who knows its name.

| note | under | says |
|---|---|---|
| owner of an entity | the entity's id | the tenant that it was created for, or the user where principals have no tenant |
| creation that has begun | the company's type and e-mail address | who is about to send `POST /entities`, and when |

The owner's note is kept as long as notes can be, and renewed whenever it is read for a new token.

The second note is for a process that dies between `POST /entities` and the first note. It is written under the claim that lets
only one process create, when Monite has no such entity yet. If an owner finds their own note, and
an entity from that time, they have created that entity. A later creation overwrites the note, so that it has one reader.

If a note is lost, nobody is let in, and the error says how to go on.
"""

import json
from contextlib import suppress
from typing import Any, NamedTuple

from monite_auth.engine.runtime import Runtime
from monite_auth.errors import StoreUnavailable
from monite_auth.identity import Principal
from monite_auth.monite_api.records import Record, created_at
from monite_auth.provisioning.profile import EntityProfile

__all__ = ["Owner", "Ownership"]

KEPT = 10 * 365 * 24 * 3600.0
"""Seconds for which an owner is noted, counted from the last use: longer than people stay away."""

CLOCKS_DIFFER = 300.0
"""Seconds by which Monite's clock may be ahead of ours. Machines that keep time are closer than a second; five
minutes is what other protocols, such as Kerberos, allow for the others."""


class Owner(NamedTuple):
    """The owner of an entity. `kind`: "tenant", or "user" for principals without a tenant."""

    kind: str
    name: str

    @classmethod
    def of(cls, principal: Principal) -> "Owner":
        """Return the owner of an entity that is created for this principal."""
        return cls("user", principal.user_id) if principal.tenant is None else cls("tenant", principal.tenant)


class Ownership:
    """The store's notes on one owner's entities. `longest`: seconds that one creation takes at most."""

    def __init__(self, runtime: Runtime, owner: Owner, *, longest: float) -> None:
        self.kind = owner.kind
        self._owner = list(owner)
        self._clock = runtime.clock
        self._store = runtime.store
        self._longest = longest

    async def has(self, entity: Record, company: EntityProfile) -> bool:
        """Return whether this store created the company's entity for the owner.

        Raises StoreUnavailable if there is no note and the store is down, which looks the same from here.
        """
        noted = await self._store.get_note(*_owner_note(entity["id"]))
        if noted is not None:
            return _read(noted) == self._owner
        if await self._began(entity, company):
            return True
        await self._store.status(entity["id"])  # raises, where `get_note` has only found nothing
        return False

    async def take(self, entity_id: str) -> None:
        """Note that the entity is the owner's."""
        await self._store.put_note(*_owner_note(entity_id), json.dumps(self._owner), seconds=KEPT)

    async def begin(self, company: EntityProfile) -> None:
        """Note that the company's entity is about to be created.

        Raises StoreUnavailable if the store cannot keep the note: then nobody could join the entity later.
        """
        note = json.dumps([self._owner, company.key, self._clock()])
        await self._store.put_note(*_creation_note(company), note, seconds=KEPT)
        if await self._store.get_note(*_creation_note(company)) != note:
            raise StoreUnavailable(
                "The token store cannot note whose entity this is, so none is created in Monite now.",
                retry_after=1,
            )

    async def give_up(self, company: EntityProfile) -> None:
        """Take the note of `begin` back: Monite has not created anything."""
        with suppress(StoreUnavailable):
            await self._store.delete_note(*_creation_note(company))

    async def _began(self, entity: Record, company: EntityProfile) -> bool:
        """Return whether the entity comes from a creation that the owner began and that did not get to its end."""
        noted = await self._store.get_note(*_creation_note(company))
        if noted is None:
            return False
        owner, key, began = _read(noted)
        latest = began + self._longest + CLOCKS_DIFFER
        return [owner, key] == [self._owner, company.key] and created_at(entity) <= latest


def _read(note: str) -> list[Any]:
    said: list[Any] = json.loads(note)
    return said


def _owner_note(entity_id: str) -> tuple[str, str]:
    """Return the place of a note, which belongs to no user; no user's notes have this name."""
    return f"entity {entity_id}", "owner"


def _creation_note(company: EntityProfile) -> tuple[str, str]:
    return company.place, "creation"
