"""For whom this store created an entity. An entity is joined by its own people, not by whoever knows its name.

Two notes of the store say so:

*The owner of an entity*, under the entity's id: the tenant for which it was created, or the user, where principals
have no tenant. It is kept for as long as notes can be, and renewed whenever it is read for a new token.

*The creation that was begun*, under the company's type and e-mail address: who is about to send `POST /entities`, and
when. It is written when Monite has no such entity, under the claim that lets one create. So who finds this note of
their own, and an entity of that time, has created it, and died before the first note was written. Who begins after
them writes over it, and is then the only one who can find it.

A note that was lost says nothing. Then nobody is let in, and the error tells how to go on.
"""

import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, NamedTuple

from monite_auth.engine.runtime import Runtime
from monite_auth.errors import StoreUnavailable
from monite_auth.identity import Principal
from monite_auth.provisioning.calls import Record
from monite_auth.provisioning.profile import EntityProfile

__all__ = ["Owner", "Ownership"]

KEPT = 10 * 365 * 24 * 3600.0
"""Seconds for which an owner is remembered, counted from the last time: longer than people stay away."""

CLOCKS_DIFFER = 300.0
"""Seconds by which Monite's clock may be ahead of ours. Machines that keep time are closer than a second; five
minutes is what other protocols, such as Kerberos, allow for the others."""


class Owner(NamedTuple):
    """Who an entity belongs to. `kind`: "tenant", or "user" for principals without a tenant."""

    kind: str
    name: str

    @classmethod
    def of(cls, principal: Principal) -> "Owner":
        """Return the owner of what is created for this principal."""
        return cls("user", principal.user_id) if principal.tenant is None else cls("tenant", principal.tenant)


class Ownership:
    """What the store has noted of one owner's entities. `longest`: seconds that one creation takes at most."""

    def __init__(self, runtime: Runtime, owner: Owner, *, longest: float) -> None:
        self.kind = owner.kind
        self._owner = list(owner)
        self._clock = runtime.clock
        self._store = runtime.store
        self._longest = longest

    async def has(self, entity: Record, company: EntityProfile) -> bool:
        """Say whether the entity of this company was created for the owner, by this store.

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
        """Note that the company's entity is about to be created, where there was none.

        Raises StoreUnavailable if the store cannot keep that: what is created now, nobody would find later.
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
        """Say whether the entity comes from a creation that the owner began, and that did not get to its end."""
        noted = await self._store.get_note(*_creation_note(company))
        if noted is None:
            return False
        owner, key, began = _read(noted)
        latest = began + self._longest + CLOCKS_DIFFER
        return [owner, key] == [self._owner, company.key] and _created_at(entity) <= latest


def _read(note: str) -> list[Any]:
    said: list[Any] = json.loads(note)
    return said


def _owner_note(entity_id: str) -> tuple[str, str]:
    """Return the place of a note, which belongs to no user; no user's notes have this name."""
    return f"entity {entity_id}", "owner"


def _creation_note(company: EntityProfile) -> tuple[str, str]:
    return company.place, "creation"


def _created_at(entity: Record) -> float:
    """Return the time in epoch seconds; without a sensible one: never."""
    try:
        moment = datetime.fromisoformat(entity["created_at"])
    except (KeyError, TypeError, ValueError):
        return float("inf")
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()
