"""The directory that finds people in Monite or creates them there: the public face of this wing, for threads and event loops."""

from collections.abc import Awaitable, Callable

from monite_auth.broker import TokenBroker
from monite_auth.engine.runtime import run
from monite_auth.errors import ConfigurationError
from monite_auth.functions import AppFunction
from monite_auth.identity import EntityUser, Principal
from monite_auth.provisioning.profile import Profile
from monite_auth.provisioning.provisioner import Provisioner

__all__ = ["ProfileFunction", "ProvisioningDirectory"]

ProfileFunction = Callable[[Principal], Awaitable[Profile | None] | Profile | None]
"""The application's function: it returns the profile of a principal, or None for somebody who is nobody in Monite."""


class ProvisioningDirectory:
    """Finds people in Monite by their login, and creates those who are missing, once, however many processes ask.

        directory = ProvisioningDirectory(profile)
        broker = TokenBroker(Settings.from_env(), directory)

    `profile`: a function (`def` or `async def`) from a Principal to a Profile, or None for somebody who is nobody in
    Monite. It is asked for each new token, so a change counts with the next token.

    The broker's store remembers who was found, and Monite is asked again when the profile has changed. All methods raise
    ProvisioningFailed, CredentialsRejected, RateLimited, MoniteUnavailable or StoreUnavailable. The next call finishes
    whatever a failed one has left half done.
    """

    def __init__(self, profile: ProfileFunction) -> None:
        self._profile: AppFunction[Profile | None] = AppFunction("profile", profile)
        self._broker: TokenBroker | None = None

    def bind(self, broker: TokenBroker) -> None:
        """Take the broker whose partner token, runtime and store to use; the broker calls this. The last one counts."""
        self._broker = broker

    def find(self, principal: Principal) -> EntityUser | None:
        """Return the principal's entity user in Monite; create or change it there as their profile says."""
        return run(self._in_thread().find(principal))

    async def afind(self, principal: Principal) -> EntityUser | None:
        """Return the principal's entity user in Monite; see `find`."""
        return await self._on_loop().find(principal)

    def update(self, principal: Principal) -> EntityUser | None:
        """Do as `find` does, and compare with Monite even if the profile has not changed.

        Call it when a user of yours has changed and Monite should know at once, or when somebody has changed or
        deleted the entity user in Monite.
        """
        return run(self._in_thread().find(principal, compare=True))

    async def aupdate(self, principal: Principal) -> EntityUser | None:
        """Compare with Monite; see `update`."""
        return await self._on_loop().find(principal, compare=True)

    def plan(self, principal: Principal) -> list[str]:
        """Return what `find` would change in Monite, a sentence for each change, and change nothing.

        For an EntityProfile it says whether its entity would be created, joined and why, or refused and why.
        """
        return run(self._in_thread().plan(principal))

    async def aplan(self, principal: Principal) -> list[str]:
        """Return what `find` would change in Monite; see `plan`."""
        return await self._on_loop().plan(principal)

    def remove(self, principal: Principal) -> bool:
        """Delete the principal's entity user in Monite, and return whether there was one.

        Their tokens are revoked. Have `profile` return None for them first, or the next call creates them again.
        """
        return run(self._in_thread().remove(principal))

    async def aremove(self, principal: Principal) -> bool:
        """Delete the principal's entity user in Monite; see `remove`."""
        return await self._on_loop().remove(principal)

    def _in_thread(self) -> Provisioner:
        broker = self._bound()
        running = broker.running
        return Provisioner(running.blocking(), broker.settings, running.engine, self._call_profile)

    def _on_loop(self) -> Provisioner:
        broker = self._bound()
        running = broker.running
        return Provisioner(running.on_loop(), broker.settings, running.engine, self._profile.acall)

    async def _call_profile(self, principal: Principal) -> Profile | None:
        return self._profile.call(principal)

    def _bound(self) -> TokenBroker:
        if self._broker is None:
            raise ConfigurationError("ProvisioningDirectory has no broker yet: give it to a TokenBroker.")
        return self._broker
