"""How a shared store is asked that may be down: after it has heard of what is owed; and what is noted when it fails."""

import logging
import math
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from monite_auth.errors import MoniteAuthError, StoreReadOnly, StoreUnavailable
from monite_auth.identity import Partner, Principal
from monite_auth.processes.flows import Flow, run
from monite_auth.processes.lifetimes import PerProcess
from monite_auth.processes.running_time import RunningTime
from monite_auth.processes.threads import Threads
from monite_auth.stores.fallback.handover import Handover
from monite_auth.stores.fallback.outage import LEFT_ALONE, Outage
from monite_auth.stores.fallback.owed import Owed
from monite_auth.stores.fallback.owed_operation import OwedOperation
from monite_auth.stores.fallback.parts import Parts
from monite_auth.stores.fallback.trust import Trust
from monite_auth.stores.protocol import Operations
from monite_auth.telemetry import Telemetry

__all__ = ["Asking"]

log = logging.getLogger("monite_auth")

Result = TypeVar("Result")

ASKING = PerProcess(lambda: Threads(32, name="monite_auth endings"))
"""Tell the store of endings, for threads that wait for a moment only. There are many, since each may be stuck for as long as the
store hangs."""


class Asking:
    """Asks `shared`. Has `memory` to fall back on while that is down."""

    def __init__(
        self,
        shared: Operations,
        memory: Operations,
        outage: Outage,
        read_only: Outage,
        parts: Parts,
        owed: Owed,
        handover: Handover,
        trust: Trust,
        telemetry: Telemetry,
        *,
        blocking: bool,
        ends_within: float,
    ) -> None:
        self._shared = shared
        self._memory = memory
        self._outage = outage
        self._read_only = read_only
        self._parts = parts
        self._owed = owed
        self._handover = handover
        self._trust = trust
        self._telemetry = telemetry
        self._blocking = blocking
        self._ends_within = ends_within

    async def _ask(
        self,
        question: Callable[[], Awaitable[Result]],
        *,
        reads_of: str | Partner | None = None,
        writes_of: str | Partner | None = None,
        repeats: bool = True,
    ) -> Result:
        """Ask the shared store, after it has heard of all that is owed.

        `reads_of`: the question only reads, and about this user. A store that takes no writes is asked such questions all the
        same, unless what is owed concerns the user. `writes_of`: it may write, and is about this user. Where a part of the store is
        down, users of the others are asked for all the same. `repeats`: not where the store may hear of this first.

        Raises StoreUnavailable when it does not answer, is left alone, or has not heard of all yet; StoreReadOnly when it
        takes no writes.
        """
        about = reads_of if reads_of is not None else writes_of
        self._outage.check()
        self._parts.check(about)
        if self._owed.is_adoption_due():
            for each in self._owed.adopt():
                await self._hold_here(each, self._owed.seconds_since(each))
        if repeats and self._owed.holds_up(about):
            await self._tell_first(about, is_read=reads_of is not None)
        try:
            answer = await question()
        except StoreUnavailable as error:
            self._note(error, about, is_read=reads_of is not None)
            raise
        if (self._outage.end() or self._parts.end(about)) and self._is_over:
            self._handover.begin()
        if self._handover:
            await self._hand_over()
        if reads_of is not None and self._owed and self._owed.concerns(reads_of):
            # A logout was accepted here while the store was asked, and the store did not know of it: ask once it does.
            return await self._ask(question, reads_of=reads_of)
        return answer

    @property
    def _is_over(self) -> bool:
        """Whether no outage lasts, of whatever kind: nobody reads memory any more."""
        return not (self._outage.lasts or self._read_only.lasts or self._parts)

    def _note(self, error: StoreUnavailable, about: str | Partner | None, *, is_read: bool = False) -> None:
        """Note that the store has failed, or a part of it, or only takes no writes. One that cannot be read is down."""
        if error.part is not None:
            self._outage.end()
            self._parts.begin(error.part, error, about)
        elif isinstance(error, StoreReadOnly) and not is_read:
            self._outage.end()
            self._read_only.begin(error, about)
        else:
            self._outage.begin(error, about)

    async def _tell_first(self, about: str | Partner | None, *, is_read: bool) -> None:
        """Tell the shared store what is owed, unless it takes no writes and that does not matter for a read."""
        is_free_to_read = is_read and about is not None and not self._owed.concerns(about)
        if is_free_to_read and self._read_only.is_on:
            return
        try:
            has_heard = await self._owed.repeat(self._shared, about, self._note)
        except StoreUnavailable as error:
            self._note(error, about)
            if is_free_to_read and isinstance(error, StoreReadOnly):
                return
            raise
        if not has_heard:
            raise StoreUnavailable(
                "The token store is still being told what it missed.", retry_after=LEFT_ALONE
            )

    async def _carry_out(self, operation: OwedOperation, ago: float = 0.0) -> Any:
        """Carry out an operation in the shared store, or owe it; return None if it is owed.

        In an outage it is owed at once. A logout is not the one that finds out whether the store is back. An ending that the
        store refuses is owed, too: there may be nobody who could log out once more.

        It does not repeat what is owed, and waits for none of it but what is about the same user: beginnings and endings may come
        to the store in any order, and the queue would grow for ever where more people log out than one caller can repeat.
        """
        is_stuck = False
        try:
            if not self._outage.is_on and not self._owed.holds_back(operation):
                return await self._for_a_moment(
                    lambda: self._ask(
                        lambda: operation.carry_out(self._shared, ago=ago),
                        writes_of=operation.user,
                        repeats=False,
                    )
                )
        except StoreUnavailable as error:
            operation = operation.left_by(error)
            is_stuck = error.part is not None
        except TimeoutError:
            # Out of patience. Others find out whether the store is down, or a part of it, or this process was late.
            is_stuck = not self._outage.is_on
        except Exception as error:
            # The store is there, and refuses: its settings are wrong, or its answer makes no sense.
            if not operation.must_survive:
                raise
            is_ours = isinstance(error, MoniteAuthError)  # others may name people
            log.error(  # noqa: TRY400 - whoever asks for a token gets the error itself
                "The token store refuses a logout or another change (%s). %s",
                operation.name,
                error if is_ours else type(error).__name__,
            )
        except GeneratorExit:  # its event loop is gone, and nothing may be locked
            self._owed.add_left(operation)
            raise
        except BaseException:  # the caller was cancelled, and the operation perhaps not carried out
            self._owed.add(operation)
            raise
        self._owed.add(operation, is_stuck=is_stuck or self._parts.concern(operation.user))
        journal = self._owed.journal
        await (journal.sync if operation.must_survive else journal.written)(blocking=self._blocking)
        return None

    async def _for_a_moment(self, question: Callable[[], Flow[Result]]) -> Result:
        """Ask, and raise TimeoutError after a moment: whoever logs out does not wait for a store.

        A thread cannot leave a question behind, so it has another one ask.
        """
        if math.isinf(self._ends_within):
            return await question()
        if not self._blocking:
            async with RunningTime(self._ends_within):
                return await question()
        asking = ASKING().submit(lambda: run(question()))
        try:
            return asking.result(self._ends_within)
        finally:
            asking.cancel()

    async def _hold_here(self, operation: OwedOperation, ago: float) -> Any:
        """Have a beginning or an ending hold in this process, and return what memory does.

        What concerns single tokens is the shared store's alone.
        """
        match operation.name, operation.arguments:
            case (("revoke" | "discard" | "commit"), _):
                return None
            case "end_everything", _:  # here nothing is left of it
                self._trust.forget_everything()
                return await self._memory.end_everything(ago=ago)
            case "end_session", (Principal(session_id=None) as principal,):
                self._trust.forget_sessions_without_id(principal.user_id)
            case "end_session", (principal,):
                self._trust.forget_session(principal)
            case "end_user", (user,):
                self._trust.forget_user(user)
        return await operation.carry_out(self._memory, ago=ago)

    async def _note_write(self) -> None:
        """Note that the store has taken a write that needs room."""
        if self._read_only.end() and self._is_over:
            self._handover.begin()
            await self._hand_over()

    async def _hand_over(self) -> None:
        """Hand some tokens of an outage over. The store is down again if it does not take them."""
        try:
            await self._handover.go_on(self._shared)
        except StoreUnavailable as error:
            self._note(error, None)
