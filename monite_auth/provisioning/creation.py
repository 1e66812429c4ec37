"""Changes in Monite, made once among many that want the same; or, in a plan, written down and not made."""

from collections.abc import Awaitable, Callable
from uuid import uuid4

from monite_auth.errors import CredentialsRejected, ProvisioningFailed
from monite_auth.identity import PARTNER
from monite_auth.monite_api.records import Record
from monite_auth.monite_api.requests import Call
from monite_auth.provisioning.partner import PartnerApi
from monite_auth.stores import Claimed, CoolingDown, Lease, Slot

__all__ = ["Create", "Creator", "Find"]

POLL = 0.05
"""Seconds between checks whether another process has finished creating: its request to Monite takes several times as long."""

Find = Callable[[], Awaitable[Record | None]]
Create = Callable[[], Awaitable[Record]]


class Creator:
    """Changes and creates records. With a `plan`, it writes there what it would do, and does nothing."""

    def __init__(self, api: PartnerApi, plan: list[str] | None) -> None:
        self.api = api
        self._runtime = api.runtime
        self._plan = plan

    def plans(self, doing: str) -> bool:
        """Return whether this is only a plan; then write `doing` into it."""
        if self._plan is not None:
            self._plan.append(f"{doing[0].upper()}{doing[1:].rstrip('.')}.")
        return self._plan is not None

    async def change(self, doing: str, call: Call) -> None:
        """Send a call that changes something; raises what `PartnerApi.ask` does."""
        if not self.plans(doing):
            await self.api.ask(doing, call)

    async def create(
        self, doing: str, find: Find, create: Create, *, once: str | None = None
    ) -> Record | None:
        """Create what `find` did not find, or find what somebody else has created meanwhile; None in a plan.

        `once`: a name of the record among all things. It is needed where Monite takes two that are alike; then the store lets
        one caller create and the others wait.
        Raises what `PartnerApi.ask` does.
        """
        if self.plans(doing):
            return None
        if once is None:
            return await _created(find, create)
        lease = await self._claim(doing, Slot(PARTNER, once, None, "creation"))
        try:
            created = await find() or await _created(find, create)
        except GeneratorExit:  # the event loop is gone: nothing can be awaited, the lease runs out
            raise
        except BaseException:
            await self._runtime.store.abandon(lease)
            raise
        await self._runtime.store.abandon(lease)
        return created

    async def _claim(self, doing: str, slot: Slot) -> Lease:
        """Take the right to create something; wait while somebody else has it."""
        owner = uuid4().hex
        while True:
            self.api.check_time(doing)
            claim = await self._runtime.store.claim(
                slot, PARTNER, owner=owner, seconds=self.api.longest, min_life=0
            )
            if isinstance(claim, Claimed):
                return claim.lease
            # Only refused credentials cool down every slot, and so this one.
            if isinstance(claim, CoolingDown):
                raise CredentialsRejected(
                    claim.why.message, request_id=claim.why.request_id, retry_after=claim.retry_in
                )
            await self._runtime.sleep(POLL)


async def _created(find: Find, create: Create) -> Record:
    try:
        return await create()
    except ProvisioningFailed:
        if (found := await find()) is None:
            raise
        return found
