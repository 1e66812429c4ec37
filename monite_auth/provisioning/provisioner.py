"""What a ProvisioningDirectory does: one async logic over a runtime of the broker, which threads and event loops drive alike."""

import json
from collections.abc import Awaitable, Callable

from monite_auth.engine.engine import Engine
from monite_auth.engine.runtime import Runtime
from monite_auth.functions import checked_answer
from monite_auth.identity import EntityUser, Principal
from monite_auth.provisioning.ownership import Owner
from monite_auth.provisioning.partner import PartnerApi
from monite_auth.provisioning.profile import Profile
from monite_auth.provisioning.steps import Steps
from monite_auth.settings import Settings

__all__ = ["Provisioner"]

LINK_TTL = 30 * 24 * 3600.0
"""Seconds for which a link is remembered; then the person is looked for again."""

RELINKING = "relinking"
"""Stands in a link in place of the profile's digest while tokens of the former entity user are being taken away."""


class Provisioner:
    """Links principals to entity users for one call of the directory.

    `ask_profile`: asks the application's `profile`. All methods raise ProvisioningFailed, CredentialsRejected, RateLimited,
    MoniteUnavailable or StoreUnavailable.
    """

    def __init__(
        self,
        runtime: Runtime,
        settings: Settings,
        engine: Engine,
        ask_profile: Callable[[Principal], Awaitable[Profile | None]],
    ) -> None:
        self._runtime = runtime
        self._settings = settings
        self._engine = engine
        self._ask_profile = ask_profile

    async def find(self, principal: Principal, *, compare: bool = False) -> EntityUser | None:
        """Return the principal's entity user, found, created or changed as the profile says; None without a profile.

        `compare`: compare with Monite even if the profile has not changed.
        """
        profile = await self._profile(principal)
        if profile is None:
            return None
        linked, digest = await self._linked(principal)
        if linked is not None and digest == profile.digest and not compare:
            return linked
        found = await self._steps(principal).provide(profile, linked)
        assert found is not None, "only a plan leaves somebody out"
        if linked not in (None, found) or digest == RELINKING:
            # Noted first, so that no mint that comes after the relink is for the former one; and to be finished by the next call.
            await self._note(principal, found, RELINKING)
            await self._engine.endings.relink(self._runtime, principal.user_id)
        await self._note(principal, found, profile.digest)
        return found

    async def plan(self, principal: Principal) -> list[str]:
        """Return what `find` would change, a sentence for each change, and change nothing."""
        sentences: list[str] = []
        profile = await self._profile(principal)
        linked, digest = await self._linked(principal)
        if profile is not None and digest != profile.digest:
            await self._steps(principal, sentences).provide(profile, linked)
        return sentences

    async def remove(self, principal: Principal) -> bool:
        """Delete the principal's entity user, forget the link, and revoke their tokens; return whether there was one."""
        steps = self._steps(principal)
        person, _ = await self._linked(principal)
        if person is None and (profile := await self._profile(principal)) is not None:
            person = await steps.existing(profile)
        removed = person is not None and await steps.remove(person)
        # In this order, a removal that breaks off in between can be called again.
        await self._runtime.store.delete_note(*_link(principal))
        await self._engine.endings.relink(self._runtime, principal.user_id)
        return removed

    def _steps(self, principal: Principal, plan: list[str] | None = None) -> Steps:
        """Return the steps for the principal; their deadline begins now."""
        api = PartnerApi(self._runtime, self._settings, self._engine.tokens)
        return Steps(api, Owner.of(principal), plan)

    async def _profile(self, principal: Principal) -> Profile | None:
        return checked_answer("profile", await self._ask_profile(principal), Profile, "a Profile")

    async def _note(self, principal: Principal, person: EntityUser, digest: str) -> None:
        """Note whom the principal is linked to, and by which profile."""
        note = json.dumps([person.entity_user_id, person.entity_id, digest])
        await self._runtime.store.put_note(*_link(principal), note, seconds=LINK_TTL)

    async def _linked(self, principal: Principal) -> tuple[EntityUser | None, str | None]:
        """Return the entity user that the principal was linked to, and the digest of the profile at that time."""
        note = await self._runtime.store.get_note(*_link(principal))
        if note is None:
            return None, None
        entity_user_id, entity_id, digest = json.loads(note)
        return EntityUser(entity_user_id, entity_id), digest


def _link(principal: Principal) -> tuple[str, str]:
    """Return the user and the name of the note that says who the principal is in Monite."""
    return principal.user_id, "link" if principal.tenant is None else f"link:{principal.tenant}"
