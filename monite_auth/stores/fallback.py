"""A store that may be down, and what a process does meanwhile.

While the shared store does not answer, tokens live in this process's memory: users go on, each process mints for
itself, and an error in the log says so once. When the store is back, those tokens become pending revocations there,
since no other process knows of them, and new ones are minted.

What cannot be done without the shared store is a logout that everybody hears of. It is carried out in this process
and raises StoreUnavailable, so that the application can say so. Notes are not kept meanwhile: whoever left them can
find out again. To delete one raises StoreUnavailable too, since it would be there again afterwards.
"""

import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from typing import TypeVar

from monite_auth.errors import StoreUnavailable
from monite_auth.identity import Partner, Principal, Subject
from monite_auth.stores.budget import Admission, Priority, Ticket
from monite_auth.stores.memory import MemoryStore
from monite_auth.stores.protocol import Operations, Store
from monite_auth.stores.values import (
    Claim,
    Claimed,
    Committed,
    Cooldown,
    Due,
    Everything,
    Lease,
    Pending,
    Slot,
    Status,
)
from monite_auth.telemetry import Telemetry
from monite_auth.tokens import AccessToken, Clock

__all__ = ["FallbackStore"]

log = logging.getLogger("monite_auth")

Result = TypeVar("Result")

LEFT_ALONE = 1.0
"""Seconds for which a store that failed is not asked: each try may cost its whole timeout."""


class FallbackStore:
    """Keeps tokens in `shared`, and in `memory` while that is down."""

    def __init__(self, shared: Store, memory: MemoryStore, *, clock: Clock, telemetry: Telemetry) -> None:
        self.shared = shared
        self.memory = memory
        self._clock = clock
        self._telemetry = telemetry
        self._outage = _Outage(clock, telemetry)

    def of(self, account: str) -> "FallbackStore":
        """See Store."""
        shared, memory = self.shared.of(account), self.memory.of(account)
        if shared is self.shared and memory is self.memory:
            return self
        return FallbackStore(shared, memory, clock=self._clock, telemetry=self._telemetry)

    def operations(self, *, blocking: bool) -> Operations:
        """Return the operations for threads, or for the running event loop."""
        shared, memory = self.shared.operations(blocking=blocking), self.memory.operations(blocking=blocking)
        return _Operations(shared, memory, self.memory.take, self._outage)

    def reopen(self) -> None:
        """Have the shared store opened again."""
        self.shared.reopen()

    def close(self) -> None:
        """Close the shared store."""
        self.shared.close()

    async def aclose(self) -> None:
        """Close the shared store."""
        await self.shared.aclose()


class _Outage:
    """Whether the shared store is down, as far as this process knows, and what is to be put right afterwards."""

    def __init__(self, clock: Clock, telemetry: Telemetry) -> None:
        self.is_on = False
        self.doubtful: list[tuple[Slot, str]] = []
        """Slots, and fingerprints of tokens that may stand there and must not."""
        self.unrevoked: list[AccessToken] = []
        """Tokens that were taken away, and that the shared store may still hand out."""
        self._ask_again_at = 0.0
        self._clock = clock
        self._telemetry = telemetry

    def may_ask(self) -> bool:
        return not self.is_on or self._clock() >= self._ask_again_at

    def begins(self, error: StoreUnavailable) -> None:
        if not self.is_on:
            log.error(
                "The token store is down. Until it is back, this process keeps tokens for itself, and a logout is not "
                "heard of elsewhere. %s",
                error,
            )
        self.is_on = True
        self._ask_again_at = self._clock() + LEFT_ALONE
        self._telemetry.store_failed()


class _Operations:
    """The operations, each with its way out."""

    def __init__(
        self,
        shared: Operations,
        memory: Operations,
        take: Callable[[], Awaitable[list[tuple[Slot, AccessToken]]]],
        outage: _Outage,
    ) -> None:
        self._shared = shared
        self._memory = memory
        self._take = take
        self._outage = outage

    async def _ask(self, question: Callable[[], Awaitable[Result]]) -> Result:
        """Ask the shared store, unless it is down; raise StoreUnavailable."""
        if not self._outage.may_ask():
            raise StoreUnavailable("The token store did not answer a moment ago.", retry_after=LEFT_ALONE)
        try:
            while self._outage.doubtful:  # before anything is asked for that may be among them
                await self._discard_doubtful()
            while self._outage.unrevoked:
                await self._revoke_unrevoked()
            answer = await question()
        except StoreUnavailable as error:
            self._outage.begins(error)
            raise
        if self._outage.is_on:
            self._outage.is_on = False
            log.warning("The token store is back.")
            await self._hand_over()
        return answer

    async def _discard_doubtful(self) -> None:
        doubtful = self._outage.doubtful.pop()
        try:
            await self._shared.discard(*doubtful)
        except BaseException:
            self._outage.doubtful.append(doubtful)
            raise

    async def _revoke_unrevoked(self) -> None:
        token = self._outage.unrevoked.pop()
        try:
            await self._shared.revoke(token)
        except BaseException:
            self._outage.unrevoked.append(token)
            raise

    async def _hand_over(self) -> None:
        """Make what was minted during the outage pending revocations of the shared store: they outlive us there."""
        taken = await self._take()
        try:
            while taken:
                await self._shared.commit(Lease.void(taken[-1][0]), taken[-1][1])
                taken.pop()
        except BaseException as error:  # it is down again, or the caller was cancelled
            for slot, token in taken:
                await self._memory.commit(Lease.void(slot), token)
            if not isinstance(error, StoreUnavailable):
                raise
            self._outage.begins(error)

    # -- tokens

    async def peek(self, slot: Slot, principal: Subject) -> AccessToken | None:
        """See Operations."""
        try:
            return await self._ask(lambda: self._shared.peek(slot, principal))
        except StoreUnavailable:
            return await self._memory.peek(slot, principal)

    async def claim(
        self, slot: Slot, principal: Subject, *, owner: str, seconds: float, min_life: float
    ) -> Claim:
        """See Operations."""
        try:
            return await self._ask(
                lambda: self._shared.claim(slot, principal, owner=owner, seconds=seconds, min_life=min_life)
            )
        except StoreUnavailable:
            claim = await self._memory.claim(slot, principal, owner=owner, seconds=seconds, min_life=min_life)
        return Claimed(Lease(slot, OURS + claim.lease.id)) if isinstance(claim, Claimed) else claim

    async def commit(self, lease: Lease, token: AccessToken) -> Committed:
        """See Operations."""
        if (ours := _ours(lease)) is not None:
            stored = await self._memory.commit(ours, token)
            if not self._outage.is_on:  # it has ended meanwhile, and nobody will look into memory again
                await self._hand_over()
            return stored
        try:
            return await self._ask(lambda: self._shared.commit(lease, token))
        except BaseException as error:  # the store is down, or the caller was cancelled
            # Perhaps it was stored and only the answer was lost. The token is revoked, and taken out of there later.
            self._outage.doubtful.append((lease.slot, token.fingerprint))
            if not isinstance(error, StoreUnavailable):
                raise  # whoever commits keeps the token until it is taken
            return await self._memory.commit(lease, token)  # a lease that memory does not know is void

    async def abandon(self, lease: Lease, cooldown: Cooldown | None = None) -> None:
        """See Operations."""
        if (ours := _ours(lease)) is not None:
            await self._memory.abandon(ours, cooldown)
            return
        with suppress(StoreUnavailable):  # the lease runs out
            await self._ask(lambda: self._shared.abandon(lease, cooldown))

    async def discard(self, slot: Slot, fingerprint: str) -> None:
        """See Operations."""
        await self._memory.discard(slot, fingerprint)
        try:
            await self._ask(lambda: self._shared.discard(slot, fingerprint))
        except StoreUnavailable:
            self._outage.doubtful.append((slot, fingerprint))

    async def begin_session(self, principal: Principal) -> None:
        """See Operations."""
        await self._memory.begin_session(principal)
        await self._ask(lambda: self._shared.begin_session(principal))

    # -- endings: in memory at once, and with everybody else or not at all

    async def end_session(self, principal: Principal) -> int:
        """See Operations."""
        here = await self._memory.end_session(principal)
        return here + await self._ask(lambda: self._shared.end_session(principal))

    async def end_user(self, user: str) -> int:
        """See Operations."""
        here = await self._memory.end_user(user)
        return here + await self._ask(lambda: self._shared.end_user(user))

    async def relink(self, user: str | Partner) -> int:
        """See Operations."""
        here = await self._memory.relink(user)
        return here + await self._ask(lambda: self._shared.relink(user))

    async def end_everything(self) -> Everything:
        """See Operations."""
        here = await self._memory.end_everything()
        there = await self._ask(self._shared.end_everything)
        return Everything(here.sessions + there.sessions, here.tokens + there.tokens)

    async def revoke(self, token: AccessToken) -> int:
        """See Operations."""
        try:
            return await self._ask(lambda: self._shared.revoke(token))
        except StoreUnavailable:
            # It is revoked all the same, and the store hears of it as soon as it is back.
            self._outage.unrevoked.append(token)
            return await self._memory.revoke(token)

    # -- revocations: of both, those of memory first, since they die with the process

    async def due(self, limit: int, *, seconds: float) -> Due:
        """See Operations."""
        here = await self._memory.due(limit, seconds=seconds)
        if here.batch:
            batch = [replace(pending, id=OURS + pending.id) for pending in here.batch]
            return Due(batch, here.expired, here.next_in)
        was_out = self._outage.is_on
        try:
            there = await self._ask(lambda: self._shared.due(limit, seconds=seconds))
            if was_out and not there.batch:  # what memory had has been handed over since
                there = await self._ask(lambda: self._shared.due(limit, seconds=seconds))
        except StoreUnavailable:
            return here
        moments = [each.next_in for each in (here, there) if each.next_in is not None]
        return Due(there.batch, here.expired + there.expired, min(moments, default=None))

    async def condemn(self, pending: Pending) -> bool:
        """See Operations."""
        if (ours := _ours(pending)) is not None:
            return await self._memory.condemn(ours)
        try:
            return await self._ask(lambda: self._shared.condemn(pending))
        except StoreUnavailable:  # it was due, so it is to be revoked
            return True

    async def settle(self, pending: Pending) -> None:
        """See Operations."""
        if (ours := _ours(pending)) is not None:
            await self._memory.settle(ours)
            return
        with suppress(StoreUnavailable):  # it comes due again, and turns out to be settled
            await self._ask(lambda: self._shared.settle(pending))

    async def postpone(self, pending: Pending, seconds: float) -> None:
        """See Operations."""
        if (ours := _ours(pending)) is not None:
            await self._memory.postpone(ours, seconds)
            return
        with suppress(StoreUnavailable):  # it comes due again
            await self._ask(lambda: self._shared.postpone(pending, seconds))

    async def status(self, user: str) -> Status:
        """See Operations."""
        return await self._ask(lambda: self._shared.status(user))

    async def backlog(self) -> int:
        """See Operations."""
        return await self._memory.backlog() + await self._ask(self._shared.backlog)

    # -- notes

    async def put_note(self, user: str, name: str, value: str, *, seconds: float) -> None:
        """See Operations."""
        with suppress(StoreUnavailable):
            await self._ask(lambda: self._shared.put_note(user, name, value, seconds=seconds))

    async def get_note(self, user: str, name: str) -> str | None:
        """See Operations."""
        try:
            return await self._ask(lambda: self._shared.get_note(user, name))
        except StoreUnavailable:
            return None

    async def delete_note(self, user: str, name: str) -> None:
        """See Operations."""
        await self._ask(lambda: self._shared.delete_note(user, name))

    # -- the request budget

    async def admit(self, priority: Priority, ticket: Ticket | None, *, patience: float) -> Admission:
        """See Operations."""
        try:
            return await self._ask(lambda: self._shared.admit(priority, ticket, patience=patience))
        except StoreUnavailable:
            return await self._memory.admit(priority, ticket, patience=patience)

    async def hold(self, seconds: float) -> None:
        """See Operations."""
        await self._memory.hold(seconds)
        with suppress(StoreUnavailable):
            await self._ask(lambda: self._shared.hold(seconds))


OURS = "memory:"
"""What marks the leases and revocations of this process's memory."""

Marked = TypeVar("Marked", Lease, Pending)


def _ours(marked: Marked) -> Marked | None:
    """Return a lease or revocation as memory knows it, if it is memory's."""
    if not marked.id.startswith(OURS):
        return None
    return replace(marked, id=marked.id.removeprefix(OURS))
