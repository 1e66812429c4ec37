"""Changes in Monite: made, or, in a plan, written down and not made. And how one of many makes something once."""

from collections.abc import Awaitable, Callable
from uuid import uuid4

from monite_auth.errors import CredentialsRejected, ProvisioningFailed
from monite_auth.identity import PARTNER
from monite_auth.monite_api.wire import Call
from monite_auth.provisioning.calls import Record, checked
from monite_auth.provisioning.partner import PartnerApi
from monite_auth.stores import Claimed, CoolingDown, Lease, Slot

__all__ = ["Create", "Creator", "Look"]

POLL = 0.05
"""Seconds between looks at what somebody else is creating: their request to Monite takes several times as long."""

Look = Callable[[], Awaitable[Record | None]]
Create = Callable[[], Awaitable[Record]]


class Creator:
    """Changes and creates records; `plan`: what would be done is written there, and not done."""

    def __init__(self, api: PartnerApi, plan: list[str] | None) -> None:
        self.api = api
        self._runtime = api.runtime
        self._plan = plan

    def note(self, doing: str) -> bool:
        """Write into the plan, if this is one, and say whether it is."""
        if self._plan is not None:
            self._plan.append(f"{doing[0].upper()}{doing[1:].rstrip('.')}.")
        return self._plan is not None

    async def change(self, doing: str, call: Call) -> None:
        """Send a call that changes something."""
        if not self.note(doing):
            await self.api.ask(doing, call)

    async def post(self, doing: str, path: str, body: Record, entity_id: str | None = None) -> Record:
        """Create a record."""
        return checked(doing, await self.api.ask(doing, Call("POST", path, entity_id, body=body)))

    async def create(
        self, doing: str, look: Look, create: Create, *, once: str | None = None
    ) -> Record | None:
        """Create what `look` did not find, or find what somebody else has created meanwhile; None in a plan.

        `once`: names it among all things, where the store has to see to it that it is created once.
        """
        if self.note(doing):
            return None
        if once is None:
            return await _created(look, create)
        lease = await self._claim(doing, Slot(PARTNER, once, None, "creation"))
        try:
            created = await look() or await _created(look, create)
        except GeneratorExit:  # the event loop is gone: nothing can be awaited, the lease runs out
            raise
        except BaseException:
            await self._runtime.store.abandon(lease)
            raise
        await self._runtime.store.abandon(lease)
        return created

    async def _claim(self, doing: str, slot: Slot) -> Lease:
        """Take the right to create something, and wait while somebody else has it."""
        owner = uuid4().hex
        while True:
            self.api.check_time(doing)
            claim = await self._runtime.store.claim(
                slot, PARTNER, owner=owner, seconds=self.api.longest, min_life=0
            )
            if isinstance(claim, Claimed):
                return claim.lease
            if isinstance(claim, CoolingDown):  # nothing else than refused credentials makes everyone rest
                raise CredentialsRejected(
                    claim.why.message, request_id=claim.why.request_id, retry_after=claim.retry_in
                )
            await self._runtime.sleep(POLL)


async def _created(look: Look, create: Create) -> Record:
    try:
        return await create()
    except ProvisioningFailed:
        if (found := await look()) is None:
            raise
        return found
