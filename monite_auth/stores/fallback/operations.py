"""The operations of a shared store that may be down, each with what is done instead.

Leases and revocations of memory bear a mark, so that they find back to it after the outage.
"""

import logging
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from dataclasses import replace
from typing import Any, TypeVar

from monite_auth.errors import StoreReadOnly, StoreUnavailable
from monite_auth.identity import Partner, Principal, Subject
from monite_auth.processes.running_time import RunningTime
from monite_auth.processes.workers import threads_are_allowed
from monite_auth.stores.budget import Admission, Priority, Ticket
from monite_auth.stores.fallback.outage import LEFT_ALONE, Outage
from monite_auth.stores.fallback.owed import Owed
from monite_auth.stores.fallback.owed_operation import OwedOperation
from monite_auth.stores.fallback.trust import Trust
from monite_auth.stores.memory import MemoryStore
from monite_auth.stores.protocol import Operations
from monite_auth.stores.values import (
    Claim,
    Claimed,
    Committed,
    Cooldown,
    Due,
    Ended,
    Everything,
    Lease,
    Pending,
    SessionState,
    Slot,
    Status,
)
from monite_auth.tokens import AccessToken

__all__ = ["FallbackOperations"]

log = logging.getLogger("monite_auth")

Result = TypeVar("Result")


class FallbackOperations:
    """The operations of `shared`; those of `memory`, which belongs to `memory_store`, while that is down."""

    def __init__(
        self,
        shared: Operations,
        memory: Operations,
        memory_store: MemoryStore,
        outage: Outage,
        read_only: Outage,
        owed: Owed,
        trust: Trust,
        *,
        blocking: bool,
        ends_within: float,
    ) -> None:
        self._shared = shared
        self._memory = memory
        self._memory_store = memory_store
        self._outage = outage
        self._read_only = read_only
        self._owed = owed
        self._trust = trust
        self._blocking = blocking
        self._ends_within = ends_within

    async def _ask(
        self, question: Callable[[], Awaitable[Result]], *, reads_of: str | Partner | None = None
    ) -> Result:
        """Ask the shared store, after it has heard of all that is owed.

        `reads_of`: the question only reads, and about this user. A store that takes no writes is asked such questions all the
        same, unless what is owed concerns the user.

        Raises StoreUnavailable when it does not answer, is left alone, or has not heard of all yet; StoreReadOnly when it
        takes no writes.
        """
        self._outage.check()
        if self._owed.is_adoption_due():
            for each in self._owed.adopt():
                await self._hold_here(each, self._owed.seconds_since(each))
        if self._owed:
            await self._tell_first(reads_of)
        try:
            answer = await question()
        except StoreUnavailable as error:
            self._note(error, is_read=reads_of is not None)
            raise
        if self._outage.end() and not self._read_only.is_on:
            await self._hand_over()
        return answer

    def _note(self, error: StoreUnavailable, *, is_read: bool = False) -> None:
        """Note that the store has failed, or only takes no writes. One that cannot be read is down, whatever it says."""
        if isinstance(error, StoreReadOnly) and not is_read:
            self._outage.end()
            self._read_only.begin(error)
        else:
            self._outage.begin(error)

    async def _tell_first(self, reads_of: str | Partner | None) -> None:
        """Tell the shared store what is owed, unless it takes no writes and that does not matter for a read."""
        is_free_to_read = reads_of is not None and not self._owed.concerns(reads_of)
        if is_free_to_read and self._read_only.is_on:
            return
        try:
            has_heard = await self._owed.repeat(self._shared)
        except StoreUnavailable as error:
            self._note(error)
            if is_free_to_read and isinstance(error, StoreReadOnly):
                return
            raise
        if not has_heard:
            raise StoreUnavailable(
                "The token store is still being told what it missed.", retry_after=LEFT_ALONE
            )

    async def _carry_out(self, operation: OwedOperation, ago: float = 0.0) -> Any:
        """Carry out an operation in the shared store, or owe it; return None if it is owed.

        In an outage it is owed at once. A logout is not the one that finds out whether the store is back.
        """
        try:
            if not self._outage.is_on and not self._owed:
                async with self._patience():
                    return await self._ask(lambda: operation.carry_out(self._shared, ago=ago))
        except (StoreUnavailable, TimeoutError):
            pass  # out of patience: others find out whether the store is down
        except Exception:  # the store is there, and refuses
            raise
        except BaseException:  # the caller was cancelled, and the operation perhaps not carried out
            self._owed.add(operation)
            raise
        self._owed.add(operation)
        if operation.must_survive:
            await self._owed.journal.sync(blocking=self._blocking)
        return None

    def _patience(self) -> AbstractAsyncContextManager[None]:
        """Return how long an operation waits that can be owed. A thread cannot leave it behind, and waits as long as the store."""
        return nullcontext() if self._blocking else RunningTime(self._ends_within)

    async def _hand_over(self) -> None:
        """Make what was minted during the outage pending revocations of the shared store: they outlive us there."""
        kept, taken = self._owed.kept(), self._memory_store.take()
        try:
            while taken:
                await self._shared.commit(Lease.void(taken[-1][0]), taken[-1][1])
                taken.pop()
            self._owed.let_go(kept)
        except BaseException as error:  # it is down again, or the caller was cancelled
            for slot, token in taken:
                await self._memory.commit(Lease.void(slot), token)
            if not isinstance(error, StoreUnavailable):
                raise
            self._note(error)

    # -- tokens

    async def peek(self, slot: Slot, principal: Subject) -> AccessToken | None:
        """See TokenOperations. In an outage, raises StoreUnavailable for sessions that are not trusted."""
        endings = self._trust.endings
        try:
            token = await self._ask(lambda: self._shared.peek(slot, principal), reads_of=slot.user)
        except StoreUnavailable:
            await self._refuse_unless_trusted(principal)
            return await self._memory.peek(slot, principal)
        if token is not None:
            self._trust.note(principal, endings)
            return token
        return await self._peek_here(slot, principal) if self._read_only.is_on else None

    async def _peek_here(self, slot: Slot, principal: Subject) -> AccessToken | None:
        """Return the token that this process keeps since the store takes no writes, if the session goes on."""
        token = await self._memory.peek(slot, principal)
        if token is None or await self._ending_by_reading(principal) is not None:
            return None
        return token

    async def claim(
        self, slot: Slot, principal: Subject, *, owner: str, seconds: float, min_life: float
    ) -> Claim:
        """See TokenOperations. In an outage, raises StoreUnavailable for sessions that are not trusted."""
        endings = self._trust.endings
        try:
            self._read_only.check()
            claim = await self._ask(
                lambda: self._shared.claim(slot, principal, owner=owner, seconds=seconds, min_life=min_life)
            )
        except StoreUnavailable as error:
            if not isinstance(error, StoreReadOnly):
                await self._refuse_unless_trusted(principal)
            elif (ending := await self._ending_by_reading(principal)) is not None:
                return ending
            return await self._claim_here(slot, principal, owner=owner, seconds=seconds, min_life=min_life)
        if isinstance(claim, Claimed) and self._read_only.end():
            await self._hand_over()
        if not isinstance(claim, Ended):
            self._trust.note(principal, endings)
        elif isinstance(principal, Principal):
            self._trust.forget_session(principal)
        return claim

    async def _claim_here(
        self, slot: Slot, principal: Subject, *, owner: str, seconds: float, min_life: float
    ) -> Claim:
        if isinstance(principal, Principal):
            # The shared store knew it: it is judged by its name, and not by its date, if nobody has ended it since.
            await self._memory.begin_session(principal)
        claim = await self._memory.claim(slot, principal, owner=owner, seconds=seconds, min_life=min_life)
        return Claimed(Lease(slot, OURS + claim.lease.id)) if isinstance(claim, Claimed) else claim

    async def _refuse_unless_trusted(self, principal: Subject) -> None:
        """Raise StoreUnavailable for a session of which only the shared store can tell whether it goes on.

        One that has ended here is let through, to be told so by memory.
        """
        if self._trust.includes(principal) or not isinstance(principal, Principal):
            return
        if await self._memory.session_state(principal) is not SessionState.ENDED:
            raise StoreUnavailable(
                f"The token store is down, and this process has not seen this session alive in the last "
                f"{self._trust.seconds:g} s (MONITE_OUTAGE_TRUST): it may have ended elsewhere. Try again when the store is "
                "back.",
                retry_after=LEFT_ALONE,
            )

    async def _ending_by_reading(self, principal: Subject) -> Ended | None:
        """Return how a session has ended, as the store tells that takes no writes; refuse whom it does not know."""
        if not isinstance(principal, Principal):
            return None
        endings = self._trust.endings
        try:
            state = await self._ask(lambda: self._shared.session_state(principal), reads_of=principal.user_id)
        except StoreUnavailable:
            state = SessionState.UNKNOWN
        match state:
            case SessionState.ALIVE:
                self._trust.note(principal, endings)
            case SessionState.UNKNOWN:  # an ending of all the user's sessions would miss it
                await self._refuse_unless_trusted(principal)
            case SessionState.ENDED | SessionState.TOO_OLD:
                self._trust.forget_session(principal)
                return Ended(too_old=state is SessionState.TOO_OLD)
        return None

    async def commit(self, lease: Lease, token: AccessToken) -> Committed:
        """See TokenOperations."""
        if (ours := _ours(lease)) is not None:
            stored = await self._commit_here(ours, token)
            if not (
                self._outage.is_on or self._read_only.is_on
            ):  # it has ended meanwhile, and nobody will look into memory again
                await self._hand_over()
            return stored
        is_sent = False

        async def send() -> Committed:
            nonlocal is_sent
            is_sent = True
            return await self._shared.commit(lease, token)

        try:
            return await self._ask(send)
        except BaseException as error:
            if is_sent:
                # The store may have it although the answer was lost, or the caller cancelled. It must not be handed out.
                self._owed.add(self._owed.new("discard", lease.slot, token.fingerprint))
            if not isinstance(error, StoreUnavailable):
                raise  # whoever commits keeps the token until it is taken
            # Memory does not know the lease: the token is revoked.
            return await self._commit_here(lease, token)

    async def _commit_here(self, lease: Lease, token: AccessToken) -> Committed:
        """Commit a token to memory. If this process dies, another one revokes it."""
        stored = await self._memory.commit(lease, token)
        self._owed.keep(self._owed.new("commit", Lease.void(lease.slot), token))
        return stored

    async def abandon(self, lease: Lease, cooldown: Cooldown | None = None) -> None:
        """See TokenOperations."""
        if (ours := _ours(lease)) is not None:
            await self._memory.abandon(ours, cooldown)
            return
        with suppress(StoreUnavailable):  # the lease runs out
            await self._ask(lambda: self._shared.abandon(lease, cooldown))

    async def discard(self, slot: Slot, fingerprint: str) -> None:
        """See TokenOperations."""
        await self._memory.discard(slot, fingerprint)
        await self._carry_out(self._owed.new("discard", slot, fingerprint))

    # -- sessions: in memory at once, and in the shared store now or as soon as it is back

    async def begin_session(self, principal: Principal) -> None:
        """See SessionOperations."""
        await self._memory.begin_session(principal)
        self._trust.note(principal, self._trust.endings)
        await self._carry_out(self._owed.new("begin_session", principal))

    async def session_state(self, principal: Principal) -> SessionState:
        """See SessionOperations."""
        return await self._ask(lambda: self._shared.session_state(principal), reads_of=principal.user_id)

    async def end_session(self, principal: Principal, *, ago: float = 0.0) -> int:
        """See SessionOperations."""
        return await self._end(self._owed.new("end_session", principal, ago=ago), ago)

    async def end_user(self, user: str, *, ago: float = 0.0) -> int:
        """See SessionOperations."""
        return await self._end(self._owed.new("end_user", user, ago=ago), ago)

    async def relink(self, user: str | Partner) -> int:
        """See SessionOperations."""
        return await self._end(self._owed.new("relink", user))

    async def _end(self, operation: OwedOperation, ago: float = 0.0) -> int:
        here: int = await self._hold_here(operation, ago)
        there: int | None = await self._carry_out(operation, ago)
        if there is not None:
            return here + there
        log.log(
            logging.WARNING if len(self._owed) == 1 else logging.INFO,  # once per outage
            "The token store could not record a logout (%s). It holds in this process, and is repeated as soon as the "
            "store is back%s.",
            operation.name,
            "" if self._owed.journal.is_durable else ", unless this process dies before that",
        )
        if self._blocking and not threads_are_allowed():
            return here  # a drain would run in the caller's thread, and wait for the store
        # Nobody knows how many tokens there are. A drain looks after them soon, and repeats what is owed.
        return here + 1

    async def _hold_here(self, operation: OwedOperation, ago: float) -> Any:
        """Have a beginning or an ending hold in this process, and return what memory does.

        What concerns single tokens is the shared store's alone.
        """
        match operation.name, operation.arguments:
            case (("revoke" | "discard" | "commit"), _):
                return None
            case "end_session", (Principal(session_id=None) as principal,):
                self._trust.forget_sessions_without_id(principal.user_id)
            case "end_session", (principal,):
                self._trust.forget_session(principal)
            case "end_user", (user,):
                self._trust.forget_user(user)
            case "end_everything", ():
                self._trust.forget_everything()
        return await operation.carry_out(self._memory, ago=ago)

    async def end_everything(self, *, ago: float = 0.0) -> Everything:
        """See SessionOperations."""
        operation = self._owed.new("end_everything", ago=ago)
        here: Everything = await self._hold_here(operation, ago)
        there: Everything | None = await self._carry_out(operation, ago)
        if there is None:
            raise StoreUnavailable(
                "Everything has ended in this process only. The token store is down; it is told as soon as it is back"
                + ("." if self._owed.journal.is_durable else ", if this process lives that long.")
                + " Call end_everything again then, to know what has ended.",
                retry_after=LEFT_ALONE,
            )
        return Everything(here.sessions + there.sessions, here.tokens + there.tokens)

    async def revoke(self, token: AccessToken) -> int:
        """See SessionOperations."""
        slots: int | None = await self._carry_out(self._owed.new("revoke", token))
        return slots if slots is not None else await self._memory.revoke(token)

    # -- revocations: of both, those of memory first, since they die with the process

    async def due(self, limit: int, *, seconds: float) -> Due:
        """See RevocationOperations."""
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
            # What is owed keeps the drainer at work, so that it is repeated although nobody else comes.
            there = Due([], 0, LEFT_ALONE if self._owed else None)
        moments = [each.next_in for each in (here, there) if each.next_in is not None]
        return Due(there.batch, here.expired + there.expired, min(moments, default=None))

    async def condemn(self, pending: Pending) -> bool:
        """See RevocationOperations."""
        if (ours := _ours(pending)) is not None:
            return await self._memory.condemn(ours)
        try:
            return await self._ask(lambda: self._shared.condemn(pending))
        except StoreUnavailable:  # it was due, so it is to be revoked
            return True

    async def settle(self, pending: Pending) -> None:
        """See RevocationOperations."""
        if (ours := _ours(pending)) is not None:
            await self._memory.settle(ours)
            return
        with suppress(StoreUnavailable):  # it comes due again, and turns out to be settled
            await self._ask(lambda: self._shared.settle(pending))

    async def postpone(self, pending: Pending, seconds: float) -> None:
        """See RevocationOperations."""
        if (ours := _ours(pending)) is not None:
            await self._memory.postpone(ours, seconds)
            return
        with suppress(StoreUnavailable):  # it comes due again
            await self._ask(lambda: self._shared.postpone(pending, seconds))

    async def status(self, user: str) -> Status:
        """See StatusOperations."""
        return await self._ask(lambda: self._shared.status(user), reads_of=user)

    async def backlog(self) -> int:
        """See StatusOperations."""
        return await self._memory.backlog() + await self._ask(self._shared.backlog)

    # -- notes

    async def put_note(self, user: str, name: str, value: str, *, seconds: float) -> None:
        """See NoteOperations."""
        with suppress(StoreUnavailable):
            await self._ask(lambda: self._shared.put_note(user, name, value, seconds=seconds))

    async def get_note(self, user: str, name: str) -> str | None:
        """See NoteOperations."""
        try:
            return await self._ask(lambda: self._shared.get_note(user, name), reads_of=user)
        except StoreUnavailable:
            return None

    async def delete_note(self, user: str, name: str) -> None:
        """See NoteOperations."""
        await self._ask(lambda: self._shared.delete_note(user, name))

    # -- the request budget

    async def admit(self, priority: Priority, ticket: Ticket | None, *, patience: float) -> Admission:
        """See BudgetOperations."""
        try:
            return await self._ask(lambda: self._shared.admit(priority, ticket, patience=patience))
        except StoreUnavailable:
            return await self._memory.admit(priority, ticket, patience=patience)

    async def hold(self, seconds: float, *, throttled: bool = False) -> None:
        """See BudgetOperations."""
        await self._memory.hold(seconds, throttled=throttled)
        with suppress(StoreUnavailable):
            await self._ask(lambda: self._shared.hold(seconds, throttled=throttled))

    async def lower_limit(self, requests_per_second: float) -> None:
        """See BudgetOperations."""
        await self._memory.lower_limit(requests_per_second)
        with suppress(StoreUnavailable):
            await self._ask(lambda: self._shared.lower_limit(requests_per_second))


OURS = "memory:"
"""What marks the leases and revocations of this process's memory."""

Marked = TypeVar("Marked", Lease, Pending)


def _ours(marked: Marked) -> Marked | None:
    """Return a lease or revocation as memory knows it, if it is memory's."""
    if not marked.id.startswith(OURS):
        return None
    return replace(marked, id=marked.id.removeprefix(OURS))
