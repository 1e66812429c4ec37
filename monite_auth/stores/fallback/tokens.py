"""Tokens and leases of a shared store that may be down, and who gets tokens of memory meanwhile."""

from contextlib import suppress

from monite_auth.errors import StoreReadOnly, StoreUnavailable
from monite_auth.identity import Principal, Subject
from monite_auth.stores.fallback.asking import Asking
from monite_auth.stores.fallback.marks import OURS, of_memory
from monite_auth.stores.fallback.outage import LEFT_ALONE
from monite_auth.stores.values import (
    Claim,
    Claimed,
    Committed,
    Cooldown,
    Ended,
    Hit,
    Lease,
    SessionState,
    Slot,
)
from monite_auth.telemetry.facts import AnsweredInOutage
from monite_auth.tokens import AccessToken

__all__ = ["FallbackTokens"]


class FallbackTokens(Asking):
    """See TokenOperations."""

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
            return None if self._owed and self._owed.revokes(token) else token
        return await self._peek_here(slot, principal) if self._read_only.is_on else None

    async def _peek_here(self, slot: Slot, principal: Subject) -> AccessToken | None:
        """Return the token that this process keeps since the store takes no writes, if the session goes on."""
        if await self._memory.peek(slot, principal) is None:
            return None
        if await self._ending_by_reading(principal) is not None:
            return None
        # Once more: it may have been logged out here meanwhile.
        return await self._memory.peek(slot, principal)

    async def claim(
        self, slot: Slot, principal: Subject, *, owner: str, seconds: float, min_life: float
    ) -> Claim:
        """See TokenOperations. In an outage, raises StoreUnavailable for sessions that are not trusted."""
        endings = self._trust.endings
        try:
            self._read_only.check()
            claim = await self._ask(
                lambda: self._claim_there(slot, principal, owner=owner, seconds=seconds, min_life=min_life),
                writes_of=slot.user,
            )
        except StoreUnavailable as error:
            if not isinstance(error, StoreReadOnly):
                await self._refuse_unless_trusted(principal)
            elif (ending := await self._ending_by_reading(principal)) is not None:
                return ending
            return await self._claim_here(slot, principal, owner=owner, seconds=seconds, min_life=min_life)
        if isinstance(claim, Claimed):
            await self._note_write()
        if not isinstance(claim, Ended):
            self._trust.note(principal, endings)
        elif isinstance(principal, Principal):
            self._trust.forget_session(principal)
        return claim

    async def _claim_there(
        self, slot: Slot, principal: Subject, *, owner: str, seconds: float, min_life: float
    ) -> Claim:
        while True:
            claim = await self._shared.claim(slot, principal, owner=owner, seconds=seconds, min_life=min_life)
            if not (isinstance(claim, Hit) and self._owed and self._owed.revokes(claim.token)):
                return claim
            # It was revoked here, and the part of the store is down that knows who has it.
            await self._shared.discard(slot, claim.token.fingerprint)

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
            self._telemetry.tell(AnsweredInOutage(principal, is_served=True))
            return
        if await self._memory.session_state(principal) is not SessionState.ENDED:
            self._telemetry.tell(AnsweredInOutage(principal, is_served=False))
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
        if (ours := of_memory(lease)) is not None:
            stored = await self._commit_here(ours, token)
            if self._is_over:
                self._handover.begin()  # it has ended meanwhile, and nobody will read memory again
                await self._hand_over()
            return stored
        if self._owed and self._owed.revokes(token):
            return Committed.DOOMED  # Monite has given it again
        is_sent = False

        async def send() -> Committed:
            nonlocal is_sent
            is_sent = True
            return await self._shared.commit(lease, token)

        try:
            return await self._ask(send, writes_of=lease.slot.user)
        except GeneratorExit:  # its event loop is gone, and nothing may be locked
            raise
        except BaseException as error:
            if is_sent:
                # The store may have it although the answer was lost, or the caller cancelled. It must not be handed out.
                self._owed.add(self._owed.new("discard", lease.slot, token.fingerprint))
            if not isinstance(error, StoreUnavailable):
                raise  # whoever commits keeps the token until it is taken
            if is_sent and not isinstance(error, StoreReadOnly):
                # Nobody may revoke it before that: other processes may be handing it out.
                self._owed.add(self._owed.new("commit", Lease.void(lease.slot), token))
                await self._owed.journal.written(blocking=self._blocking)
                return Committed.FENCED
            # Memory does not know the lease: the token is revoked.
            return await self._commit_here(lease, token)

    async def _commit_here(self, lease: Lease, token: AccessToken) -> Committed:
        """Commit a token to memory. If this process dies, another one revokes it."""
        stored = await self._memory.commit(lease, token)
        self._owed.keep(self._owed.new("commit", Lease.void(lease.slot), token))
        await self._owed.journal.written(blocking=self._blocking)
        return stored

    async def abandon(self, lease: Lease, cooldown: Cooldown | None = None) -> None:
        """See TokenOperations."""
        if (ours := of_memory(lease)) is not None:
            await self._memory.abandon(ours, cooldown)
            return
        with suppress(StoreUnavailable):  # the lease runs out
            await self._ask(lambda: self._shared.abandon(lease, cooldown), writes_of=lease.slot.user)

    async def discard(self, slot: Slot, fingerprint: str) -> None:
        """See TokenOperations."""
        await self._memory.discard(slot, fingerprint)
        await self._carry_out(self._owed.new("discard", slot, fingerprint))
