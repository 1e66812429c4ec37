"""Carries out what stands in the application's outbox: endings that it has written in a transaction of its own.

Any process may do it. It deletes a row when the token store has heard of the ending. Two that find the same row at once
both carry it out, which an ending bears. No lock is held in the application's database meanwhile.

*Moments.* An ending happens when its transaction commits, which nobody writes down. A session that began since then goes on, so
the moment is taken to be the row's own. Where this process has looked for rows later than that and found none of it, it had not
been committed by then, so that the moment is not before that look: a session that began while the transaction was open ends.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from monite_auth.outbox.ending import WHAT, Ending, Outbox
from monite_auth.processes.boot_clock import since_boot
from monite_auth.processes.workers import threads_are_allowed
from monite_auth.tokens import Clock

__all__ = ["OutboxWatch"]

log = logging.getLogger("monite_auth")


FIRST_PAUSE, LONGEST_PAUSE = 0.05, 5.0
"""Seconds between two looks for a row that this process has written: each is twice the one before, so that the wait after a commit is
at most as long as the transaction was. What is open for longer, or was rolled back, is left to the sweeps."""


GRACE = 2.0
"""Seconds for which a row is left to its writer, where writers carry rows out themselves: longer than that takes, as a rule."""


class CarryOut(Protocol):
    """Does what an ending asks for, as of `ago` seconds ago."""

    def __call__(self, ending: Ending, *, ago: float) -> None: ...


@dataclass(slots=True)
class _Known:
    """A row that was found. `moment`: when it happened, by this process's clock; `is_done`: whether this process has carried it out."""

    moment: float
    is_done: bool = False


class OutboxWatch:
    """What one process knows of an outbox, and its thread that looks there.

    `owes`: says whether the token store has still to hear of something about a user.
    """

    def __init__(
        self,
        outbox: Outbox,
        account: str,
        carry_out: CarryOut,
        owes: Callable[[str], bool],
        *,
        clock: Clock = since_boot,
    ) -> None:
        self._outbox = outbox
        self._account = account
        self.is_left_to_writers = outbox.is_left_to_writers
        self._carry_out = carry_out
        self._owes = owes
        self._clock = clock
        self._looking = threading.Lock()
        self._known: dict[str, dict[str, _Known]] = {}
        """What was found at the last look, by database and id."""
        self._looked_at: dict[str, float] = {}
        """When the last look of each database began."""
        self._awaited: set[str] = set()
        """Rows that this process has written and not found yet: their transactions are open, or were rolled back."""
        self._has_warned = False
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._wanted = threading.Event()
        self._is_closed = False

    # -- in the background

    def wait_for(self, row: str) -> None:
        """Look for a row that this process has just written, until it is found or seems to be rolled back."""
        self._awaited.add(row)
        self.start()

    def start(self) -> None:
        """Look soon, in a thread; where the server allows none, `monite-auth drain` looks."""
        if not threads_are_allowed():
            return
        with self._starting:
            self._is_closed = False
            self._wanted.set()
            if self._thread is None:
                thread = threading.Thread(target=self._keep_looking, name="monite_auth outbox", daemon=True)
                try:
                    thread.start()
                except RuntimeError:  # there are too many already, or the interpreter is ending
                    return
                self._thread = thread

    def close(self, *, within: float) -> None:
        """Let the thread end, and wait for it. Look once more where this process has written what it has not found yet."""
        with self._starting:
            self._is_closed = True
            self._wanted.set()
            thread = self._thread
        if thread is not None:
            thread.join(within)
        is_stuck = thread is not None and thread.is_alive()  # in a database that does not answer
        if self._awaited and not is_stuck:
            self.look()
        self._awaited.clear()

    def _keep_looking(self) -> None:
        pause = FIRST_PAUSE
        while True:
            self._wanted.clear()
            self.look()
            with self._starting:
                if pause > LONGEST_PAUSE and not self._wanted.is_set():
                    self._awaited.clear()  # a row that is committed later is found by a sweep
                if self._is_closed or not (self._awaited or self._wanted.is_set()):
                    self._thread = None
                    return
            pause = FIRST_PAUSE if self._wanted.wait(pause) else 2 * pause

    # -- one look

    def look(self) -> None:
        """Carry out what is there. Never raises: what fails is tried again at the next look."""
        with self._looking:
            try:
                self._look()
            except Exception as error:  # noqa: BLE001 - the application's database may fail in any way
                self._warn(error)
            else:
                self._has_warned = False

    def _look(self) -> None:
        began = self._clock()
        found = self._outbox.find(self._account)
        now = self._clock()
        done: list[Ending] = []
        for database, rows in found.items():
            endings = [each for each in rows if each.what in WHAT]
            before, since = self._known.get(database, {}), self._looked_at.get(database)
            known = {each.id: before.get(each.id) or _new(each, now, since) for each in endings}
            self._known[database], self._looked_at[database] = known, began
            self._awaited -= known.keys()
            done += [
                each for each in endings if self._is_for_us(each) and self._has_ended(each, known[each.id])
            ]
        if done:
            self._outbox.delete(done)

    def _is_for_us(self, ending: Ending) -> bool:
        # What is dated in the future was written before the database's clock was set back.
        return not (self.is_left_to_writers and 0 <= ending.ago < GRACE)

    def _has_ended(self, ending: Ending, known: _Known) -> bool:
        """Carry an ending out, and say whether the token store has heard of it."""
        if self._owes(ending.user_id):
            return False  # it hears of that before it is asked for anything else, and of this after it
        if not known.is_done:
            try:
                self._carry_out(ending, ago=self._clock() - known.moment)
            except Exception as error:  # noqa: BLE001 - the other rows have to be carried out, whatever this one has
                self._warn(error)
                return False
            known.is_done = not self._owes(ending.user_id)
        return known.is_done

    def settle(self, ending: Ending) -> None:
        """Delete a row that was just carried out, unless the token store has not heard of it. Never raises."""
        if self._owes(ending.user_id):
            return
        try:
            self._outbox.delete([ending])
        except Exception as error:  # noqa: BLE001 - see look
            self._warn(error)

    def _warn(self, error: Exception) -> None:
        if not self._has_warned:
            self._has_warned = True
            log.warning(
                "Endings that stand in the application's outbox cannot be carried out, or not be deleted there (%s: %s). It is tried "
                "again every few seconds; this is said once.",
                type(error).__name__,
                str(error).partition("\n")[0],  # what follows may name people
            )


def _new(ending: Ending, now: float, looked_at: float | None) -> _Known:
    """Return a row that was found first now. `looked_at`: when its database was looked into before."""
    moment = now - max(0.0, ending.ago)
    return _Known(moment if looked_at is None else max(moment, looked_at))
