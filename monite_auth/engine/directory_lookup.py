"""The question that a mint asks the application: who its principal is in Monite.

The time that the directory takes counts against the deadline of the mint, and errors say so.
"""

from monite_auth.engine.mint_errors import session_ended, slow_function
from monite_auth.engine.runtime import Overdue, Runtime
from monite_auth.engine.single_flight import Flight
from monite_auth.engine.token_request import TokenRequest
from monite_auth.engine.unlinked import Unlinked
from monite_auth.errors import NotLinked
from monite_auth.identity import PARTNER, Directory, EntityUser, Partner, Principal
from monite_auth.settings import SecurityModel, Settings
from monite_auth.stores import SessionState

__all__ = ["DirectoryLookup"]


class DirectoryLookup:
    """Asks the directory on behalf of one mint. The partner is not looked up: it stands for itself."""

    def __init__(
        self,
        runtime: Runtime,
        flight: Flight,
        request: TokenRequest,
        *,
        settings: Settings,
        directory: Directory,
        unlinked: Unlinked,
    ) -> None:
        self.took = 0.0
        """Seconds of the deadline that the directory has used up."""
        self._runtime = runtime
        self._flight = flight
        self._request = request
        self._settings = settings
        self._directory = directory
        self._unlinked = unlinked

    async def check_link(self) -> None:
        """Raise NotLinked, without a write to the store, for a user who was not linked before and still is not."""
        subject = self._request.subject
        if subject is PARTNER or subject.user_id not in self._unlinked:
            return
        if self._runtime.clock() >= self._request.deadline:
            return
        try:
            await self._find(subject)
        except NotLinked:
            match await self._runtime.store.session_state(subject):
                case SessionState.ENDED | SessionState.TOO_OLD as state:
                    raise session_ended(self._settings, too_old=state is SessionState.TOO_OLD) from None
            raise
        except Exception:  # noqa: BLE001 - it is found out again under the claim, whose cooldown spares others
            self._unlinked.note(subject.user_id, is_linked=True)

    async def find(self) -> EntityUser | Partner:
        """Return who the subject is in Monite.

        Raises NotLinked where the directory knows nobody, MoniteUnavailable where it took too long, and what it raises.
        """
        subject = self._request.subject
        return PARTNER if subject is PARTNER else await self._find(subject)

    async def _find(self, principal: Principal) -> EntityUser:
        asked_at, deadline = self._runtime.clock(), self._request.deadline
        self._flight.waits_for = "the directory"
        is_overdue, found = False, None
        try:
            found = await self._runtime.find(self._directory, principal, within=deadline - asked_at)
        except Overdue:
            is_overdue = True
        now = self._runtime.clock()
        self._flight.waits_for = "Monite"
        self.took += now - asked_at
        if is_overdue or now >= deadline:
            raise slow_function(self._settings, "the directory", self.took)
        needs_person = self._settings.security_model is not SecurityModel.PARTNER_MANAGED
        is_linked = found is not None and (found.entity_user_id is not None or not needs_person)
        self._unlinked.note(principal.user_id, is_linked=is_linked)
        if found is None:
            raise NotLinked("The directory knows no entity user for this principal; link the user to one.")
        if not is_linked:
            raise NotLinked(
                "The directory knows an entity for this principal, and no entity user; in the security model "
                f"{self._settings.security_model} there has to be one. ProvisioningDirectory creates it."
            )
        return found
