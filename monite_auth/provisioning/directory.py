"""The directory that creates whom it does not find."""

import json
from collections.abc import Awaitable, Callable

from monite_auth.broker import TokenBroker
from monite_auth.engine.engine import Engine
from monite_auth.engine.runtime import Runtime, run
from monite_auth.errors import ConfigurationError
from monite_auth.functions import AppFunction, checked_answer
from monite_auth.identity import EntityUser, Principal
from monite_auth.provisioning.ownership import Owner
from monite_auth.provisioning.partner import PartnerApi
from monite_auth.provisioning.profile import Profile
from monite_auth.provisioning.steps import Steps
from monite_auth.settings import Settings

__all__ = ["ProfileFunction", "ProvisioningDirectory"]

ProfileFunction = Callable[[Principal], Awaitable[Profile | None] | Profile | None]

REMEMBERED = 30 * 24 * 3600.0
"""Seconds for which a link is remembered; then the person is looked for again."""


class ProvisioningDirectory:
    """Finds people in Monite by their login, and creates those who are missing, once, however many ask.

        directory = ProvisioningDirectory(profile)
        broker = TokenBroker(Settings.from_env(), directory)

    `profile`: a function (`def` or `async def`) from a Principal to a Profile, or None for whoever has no business in
    Monite. It is asked for each new token, so what it says is in force with the next one.

    Who was found is remembered in the broker's store, and Monite is asked again when the profile has changed. All
    methods raise ProvisioningFailed, CredentialsRejected, RateLimited, MoniteUnavailable or StoreUnavailable, and leave
    nothing half done that the next call would not finish.
    """

    def __init__(self, profile: ProfileFunction) -> None:
        self._profile: AppFunction[Profile | None] = AppFunction("profile", profile)
        self._broker: TokenBroker | None = None

    def bind(self, broker: TokenBroker) -> None:
        """Take the broker whose partner token and store to use; the broker calls this. The last one counts."""
        self._broker = broker

    def find(self, principal: Principal) -> EntityUser | None:
        """Return who the principal is in Monite, and create or change them there as their profile says."""
        return run(self._find(self._in_threads(), principal))

    async def afind(self, principal: Principal) -> EntityUser | None:
        """Return who the principal is in Monite; see `find`."""
        return await self._find(self._on_loop(), principal)

    def update(self, principal: Principal) -> EntityUser | None:
        """Do as `find` does, and compare with Monite even if the profile has not changed.

        Call it when a user of yours has changed and Monite should know at once, or when somebody has changed or
        deleted the entity user in Monite.
        """
        return run(self._find(self._in_threads(), principal, anew=True))

    async def aupdate(self, principal: Principal) -> EntityUser | None:
        """Compare with Monite; see `update`."""
        return await self._find(self._on_loop(), principal, anew=True)

    def plan(self, principal: Principal) -> list[str]:
        """Return what `find` would change in Monite, a sentence for each change, and change nothing.

        Of an EntityProfile it says whether its entity would be created, joined and why, or refused and why.
        """
        return run(self._planned(self._in_threads(), principal))

    async def aplan(self, principal: Principal) -> list[str]:
        """Return what `find` would change in Monite; see `plan`."""
        return await self._planned(self._on_loop(), principal)

    def remove(self, principal: Principal) -> bool:
        """Delete the principal's entity user in Monite, if there is one, and say whether there was.

        Their tokens are revoked. Have `profile` return None for them first, or the next call creates them anew.
        """
        return run(self._remove(self._in_threads(), principal))

    async def aremove(self, principal: Principal) -> bool:
        """Delete the principal's entity user in Monite; see `remove`."""
        return await self._remove(self._on_loop(), principal)

    def _bound(self) -> TokenBroker:
        if self._broker is None:
            raise ConfigurationError("ProvisioningDirectory has no broker yet: give it to a TokenBroker.")
        return self._broker

    def _in_threads(self) -> "_Visit":
        broker = self._bound()
        running = broker.running
        return _Visit(running.blocking(), broker.settings, running.engine, self._profile_now)

    def _on_loop(self) -> "_Visit":
        broker = self._bound()
        running = broker.running
        return _Visit(running.on_loop(), broker.settings, running.engine, self._profile.acall)

    async def _profile_now(self, principal: Principal) -> Profile | None:
        return self._profile.call(principal)

    async def _find(self, visit: "_Visit", principal: Principal, *, anew: bool = False) -> EntityUser | None:
        profile = await visit.profile(principal)
        if profile is None:
            return None
        known, digest = await visit.recall(principal)
        if known is not None and digest == profile.digest and not anew:
            return known
        found = await visit.steps(principal).provide(profile, known)
        assert found is not None, "only a plan leaves somebody out"
        note = json.dumps([found.entity_user_id, found.entity_id, profile.digest])
        await visit.store.put_note(principal.user_id, _link(principal), note, seconds=REMEMBERED)
        if known not in (None, found):
            await visit.relink(principal.user_id)
        return found

    async def _planned(self, visit: "_Visit", principal: Principal) -> list[str]:
        sentences: list[str] = []
        profile = await visit.profile(principal)
        known, digest = await visit.recall(principal)
        if profile is not None and digest != profile.digest:
            await visit.steps(principal, sentences).provide(profile, known)
        return sentences

    async def _remove(self, visit: "_Visit", principal: Principal) -> bool:
        steps = visit.steps(principal)
        person, _ = await visit.recall(principal)
        if person is None and (profile := await visit.profile(principal)) is not None:
            person = await steps.existing(profile)
        removed = person is not None and await steps.remove(person)
        # In this order: whoever breaks off in between can be called again.
        await visit.store.delete_note(principal.user_id, _link(principal))
        await visit.relink(principal.user_id)
        return removed


class _Visit:
    """What one call of a directory works with: the broker's runtime and engine, and the application's `profile`."""

    def __init__(
        self,
        runtime: Runtime,
        settings: Settings,
        engine: Engine,
        ask_profile: Callable[[Principal], Awaitable[Profile | None]],
    ) -> None:
        self.store = runtime.store
        self._runtime = runtime
        self._settings = settings
        self._engine = engine
        self._ask_profile = ask_profile

    async def profile(self, principal: Principal) -> Profile | None:
        """Return what the application says about the principal."""
        return checked_answer("profile", await self._ask_profile(principal), Profile, "a Profile")

    def steps(self, principal: Principal, plan: list[str] | None = None) -> Steps:
        """Return the steps for the principal; their deadline begins now."""
        api = PartnerApi(self._runtime, self._settings, self._engine.tokens)
        return Steps(api, Owner.of(principal), plan)

    async def recall(self, principal: Principal) -> tuple[EntityUser | None, str | None]:
        """Return the entity user that the principal was linked to, and the digest of the profile at that time."""
        note = await self.store.get_note(principal.user_id, _link(principal))
        if note is None:
            return None, None
        entity_user_id, entity_id, digest = json.loads(note)
        return EntityUser(entity_user_id, entity_id), digest

    async def relink(self, user_id: str) -> None:
        """Take away the tokens of a user whose entity user has changed."""
        await self._engine.endings.relink(self._runtime, user_id)


def _link(principal: Principal) -> str:
    """Return the name of the note that says who the principal is in Monite."""
    return "link" if principal.tenant is None else f"link:{principal.tenant}"
