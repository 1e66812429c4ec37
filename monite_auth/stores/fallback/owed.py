"""What the shared store has still to hear of: operations that this process has accepted and the store has not.

| owed | because |
|---|---|
| `end_session`, `end_user`, `relink`, `end_everything` | a logout is always accepted, and must hold everywhere |
| `begin_session` | a session that began during an outage must not look older than an ending that came before it |
| `revoke` | a leaked token must not be handed out |
| `commit` | a token that a process has minted for itself has to be revoked, if the process dies before it can hand it over |
| `discard` | a token may stand in a slot and must not: Monite rejected it, or nobody heard whether it was stored |

The rules:

1. What is owed is repeated in its order, before anything else is asked of the store. Where a part of the store is down, what is
   owed there is `stuck`, and holds up only those whom it concerns.
2. One caller at a time repeats it. To all others whom it concerns the store counts as down meanwhile: nobody gets a token out of it
   that an owed ending would have taken away, and no ending runs twice at once.
3. An operation leaves the list when the store has carried it out, and not before. A caller that fails or is cancelled
   in the middle loses nothing. An operation may be repeated twice, which each of them bears.
4. An operation that the store refuses, by an error that is not StoreUnavailable, is given up after `MOST_REFUSALS`. Until
   then the store counts as down: one odd error of a client or a connection must not lose a logout.
"""

import logging
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

from monite_auth.errors import ConfigurationError, StoreUnavailable
from monite_auth.identity import PARTNER, Partner
from monite_auth.processes.boot_clock import BOOT, since_boot
from monite_auth.processes.lifetimes import ProcessLock
from monite_auth.stores.fallback.journal import Journal, NoJournal
from monite_auth.stores.fallback.owed_operation import OwedOperation
from monite_auth.stores.fallback.stuck import Stuck
from monite_auth.stores.fallback.turn import Turn
from monite_auth.stores.protocol import Operations
from monite_auth.telemetry import Telemetry
from monite_auth.telemetry.facts import EndingOwed, OwedChanged
from monite_auth.tokens import AccessToken, Clock, steady_clock

__all__ = ["Owed"]

log = logging.getLogger("monite_auth")

REPEATS_FOR = 1.0
"""Seconds for which one caller repeats what is owed. The next caller goes on where it stopped."""

TURN = 30.0
"""Seconds after which a turn is free again, whatever became of its holder: longer than any one operation takes."""

ADOPTION_INTERVAL = 1.0
"""Seconds after which this process looks again for files of processes that have died: it takes some 20 microseconds."""

MOST_REFUSALS = 3
"""Refusals after which an operation is given up: the store will never take it, and must not be kept from everybody for that."""


class Owed:
    """The owed operations of one store in one process, oldest first. Threads and event loops share the list.

    `journal`: where they survive the process.
    """

    def __init__(self, clock: Clock, telemetry: Telemetry, journal: Journal | None = None) -> None:
        self.journal: Journal = journal or NoJournal()
        self._telemetry = telemetry
        self._clock = clock
        self._since_boot = since_boot if clock is steady_clock else clock
        self._adopt_at = 0.0
        self._operations: deque[OwedOperation] = deque()
        self._left: deque[OwedOperation] = deque()
        self._kept: dict[OwedOperation, None] = {}
        """What another process does if this one dies, oldest first."""
        self._lock = ProcessLock()
        self._turn: Turn | None = None
        self._refusals = 0
        """How often the store has refused the first operation."""
        self._stuck = Stuck(clock)

    def __len__(self) -> int:
        return len(self._operations)

    def new(self, name: str, *arguments: Any, ago: float = 0.0) -> OwedOperation:
        """Return an operation that happens now, or happened `ago` seconds ago, and may have to be owed."""
        return OwedOperation(name, arguments, self._since_boot() - ago)

    def seconds_since(self, operation: OwedOperation) -> float:
        """Return how many seconds ago an operation happened; 0 where nobody can tell, since the host was booted again.

        The store then takes it for one of this moment, and may end sessions that began since. None escapes.
        """
        return max(0.0, self._since_boot() - operation.at) if operation.boot == BOOT else 0.0

    def add(self, operation: OwedOperation, *, is_stuck: bool = False) -> None:
        """Owe an operation from now on. `is_stuck`: only a part of the store did not take it."""
        with self._lock:
            self._operations.append(operation)
            if is_stuck:
                self._stuck.add(operation)
            if operation.name == "end_everything":
                self._stuck.forget_ended()
            self.journal.append(operation)
        self.journal.wait()
        self._telemetry.tell(OwedChanged(1))
        self._telemetry.tell(EndingOwed(operation.name))

    def add_left(self, operation: OwedOperation) -> None:
        """Owe an operation from the next question on. It takes no lock: Python may have come upon a flow that its event loop left."""
        self._left.append(operation)

    def concerns(self, user: str | Partner) -> bool:
        """Say whether something is owed that may change what is read of a user."""
        with self._lock:
            return any(self._stuck.concerns(each, user) for each in self._operations)

    def revokes(self, token: AccessToken) -> bool:
        """Say whether the store has still to hear that a token is revoked: it must not be handed out."""
        with self._lock:
            return any(each.revokes(token) for each in self._operations)

    def holds_up(self, user: str | Partner | None) -> bool:
        """Say whether something has to be repeated before anything is asked of the store about a user, or about nobody."""
        if self._left:
            self._add_those_left()
        if not self._operations:
            return False
        with self._lock:
            return any(
                each not in self._stuck or (user is not None and self._stuck.concerns(each, user))
                for each in self._operations
            )

    def _add_those_left(self) -> None:
        with suppress(IndexError):  # another thread was faster
            while self._left:
                self.add(self._left.popleft())

    def holds_back(self, operation: OwedOperation) -> bool:
        """Say whether something about the same user has to be repeated before an operation."""
        with self._lock:
            return any(each.user is not None and each.user == operation.user for each in self._operations)

    def keep(self, operation: OwedOperation) -> None:
        """Have another process carry out an operation, but only if this one dies: it will do better itself."""
        if self.journal.has_files:
            with self._lock:
                self._kept[operation] = None
                self.journal.append(operation)
            self.journal.wait()

    def kept(self) -> list[OwedOperation]:
        """Return what is kept for other processes."""
        with self._lock:
            return list(self._kept)

    def let_go(self, kept: list[OwedOperation]) -> None:
        """Keep these operations no longer."""
        with self._lock:
            for each in kept:
                self._kept.pop(each, None)
                self.journal.settle(each)
        self.journal.wait()

    def is_adoption_due(self) -> bool:
        """Say whether it is time to look for what processes that have died still owed."""
        return self.journal.has_files and self._clock() >= self._adopt_at

    def adopt(self) -> list[OwedOperation]:
        """Owe what processes that have died still owed, and return it: it has to hold in this process, too."""
        self._adopt_at = self._clock() + ADOPTION_INTERVAL
        with self._lock:
            adopted = self.journal.adopt()
            if adopted:
                self._operations = deque(sorted([*adopted, *self._operations], key=_order))
                self._stuck.forget_ended()
        self.journal.wait()
        if adopted:
            self._telemetry.tell(OwedChanged(len(adopted)))
            log.warning(
                "A process died before it could tell the token store of %d logouts and other changes. This process does it now.",
                len(adopted),
            )
        return adopted

    async def repeat(
        self,
        store: Operations,
        about: str | Partner | None = None,
        note: Callable[[StoreUnavailable, str | Partner | None], None] = lambda _error, _user: None,
    ) -> bool:
        """Repeat what is owed. Return True when the store has heard of all, or of all that a part of it can take now.

        `about`: the user whom the caller asks for; then True means that nothing more is owed that concerns them. `note` is told
        of parts that fail.

        Returns False when another caller repeats it already, or when it takes longer than `REPEATS_FOR` seconds. Raises
        StoreUnavailable when the store does not answer.
        """
        turn = self._take_turn()
        operation = None
        if turn is not None:
            try:
                until = self._clock() + REPEATS_FOR
                while (operation := self._next()) is not None and self._clock() < until:
                    await self._repeat(operation, store, note)
            finally:
                turn.end()
        if about is None:
            return turn is not None and operation is None
        return not self.concerns(about) or await self._end_for(about, store)

    def _next(self) -> OwedOperation | None:
        """Return the first operation that is to be tried now."""
        with self._lock:
            return next((each for each in self._operations if not self._stuck.is_left_alone(each)), None)

    async def _end_for(self, user: str | Partner, store: Operations) -> bool:
        """Carry out for one user what is stuck and concerns everybody. Return whether nothing is owed that concerns them now."""
        with self._lock:
            owed = [each for each in self._operations if self._stuck.concerns(each, user)]
            ended = self._stuck.ended
            if any(each.user is not None or each not in self._stuck for each in owed):
                return False
        if owed:
            last = owed[-1]  # which ends all that the earlier ones end
            ending = replace(last, name="relink" if user is PARTNER else "end_user", arguments=(user,))
            await ending.carry_out(store, ago=self.seconds_since(last))
            self._stuck.note_ended(user, ended)
        return True

    def _take_turn(self) -> Turn | None:
        with self._lock:
            now = self._clock()
            if self._turn is not None and self._turn.is_taken(now):
                return None
            self._turn = Turn.begin(until=now + TURN)
            return self._turn

    async def _repeat(
        self,
        operation: OwedOperation,
        store: Operations,
        note: Callable[[StoreUnavailable, str | Partner | None], None],
    ) -> None:
        try:
            await operation.carry_out(store, ago=self.seconds_since(operation))
        except StoreUnavailable as error:
            if error.part is None:
                raise
            note(error, operation.user)
            self._leave(operation, operation.left_by(error))
            return
        except ConfigurationError:
            raise
        except Exception as error:
            if not self._is_refused_for_good(operation):
                raise StoreUnavailable(
                    f"The token store has not taken {operation.name}, which it missed: {type(error).__name__}.",
                    retry_after=1,
                ) from error
            # Without the traceback, whose frames hold the operation: it names people, and may hold a token.
            log.error(  # noqa: TRY400
                "The token store refuses %s, which is given up: %s.", operation.name, type(error).__name__
            )
        with self._lock:
            if operation in self._operations:  # what was adopted meanwhile may stand before it
                self._operations.remove(operation)
                self.journal.settle(operation)
                self._telemetry.tell(OwedChanged(-1))
                self._refusals = 0
            self._stuck.remove(operation)
        self.journal.wait()

    def _leave(self, operation: OwedOperation, left: OwedOperation) -> None:
        """Owe what a part of the store has left of an operation."""
        with self._lock:
            if operation not in self._operations:
                return
            self._stuck.add(left)
            if left is not operation:
                self._operations[self._operations.index(operation)] = left
                self._stuck.remove(operation)
                self.journal.append(left)
                self.journal.settle(operation)
        self.journal.wait()

    def _is_refused_for_good(self, operation: OwedOperation) -> bool:
        """Count a refusal of an operation; return whether it is given up."""
        with self._lock:
            if self._operations and self._operations[0] is operation:
                self._refusals += 1
            return self._refusals >= MOST_REFUSALS


def _order(operation: OwedOperation) -> tuple[bool, float]:
    """Return what operations are sorted by, oldest first."""
    return operation.boot == BOOT, operation.at
