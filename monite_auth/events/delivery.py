"""Brings events to a sink: a bounded queue, and a thread that comes when there is something in it.

Whoever records an event waits for nothing. What finds no room is counted, and the sink is told how much is missing, so that a gap is
never silent. Each process has a queue and a thread of its own; a forked child leaves its parent's events to the parent.
"""

import atexit
import collections
import logging
import threading
import time
from collections.abc import Callable
from weakref import WeakSet

from monite_auth.events.event import Event, Sink
from monite_auth.processes.lifetimes import PerProcess
from monite_auth.processes.workers import threads_are_allowed

__all__ = ["Delivery"]

log = logging.getLogger("monite_auth")

ROOM = 10_000
"""Events that wait at most, for each sink: a few megabytes, and five minutes of mints at 30 a second."""

PAUSES = (0.2, 1.0, 3.0, 10.0)
"""Seconds before an event is given to a sink again that has raised. A database that is restarted is back by then; after the last
one the event is given up and counted, so that one that a sink can never take does not hold up all that follow."""

IDLE = 10.0
"""Seconds that the thread waits for more."""

FLUSH_AT_EXIT = 3.0
"""Seconds that a process which exits waits for its sinks, all together."""


class Delivery:
    """Delivers events to one sink. `note_dropped` is told of each event that is lost; `dropped` makes the event that says so."""

    def __init__(
        self,
        sink: Sink,
        *,
        note_dropped: Callable[[int], None],
        dropped: Callable[[int], Event],
        room: int = ROOM,
        pauses: tuple[float, ...] = PAUSES,
    ) -> None:
        self._here = PerProcess(lambda: _Queue(sink, note_dropped, dropped, room, pauses))
        _deliveries.add(self)

    def put(self, event: Event) -> None:
        """Have the sink get an event soon. It never waits, and never raises."""
        self._here().put(event)

    @property
    def is_idle(self) -> bool:
        """Whether the sink of this process has everything."""
        here = self._here.existing()
        return here is None or here.is_idle

    def flush(self, *, within: float) -> bool:
        """Wait until the sink has everything, `within` seconds at the most, and say whether it has."""
        here = self._here.existing()
        return here is None or here.flush(within)

    @property
    def waiting(self) -> int:
        """How many events the sink of this process has still to get."""
        here = self._here.existing()
        return 0 if here is None else here.waiting


class _Queue:
    """What waits in one process."""

    def __init__(
        self,
        sink: Sink,
        note_dropped: Callable[[int], None],
        dropped: Callable[[int], Event],
        room: int,
        pauses: tuple[float, ...],
    ) -> None:
        self._sink = sink
        self._note_dropped = note_dropped
        self._dropped = dropped
        self._room = room
        self._pauses = pauses
        self._waiting: collections.deque[Event] = collections.deque()
        self._changed = threading.Condition()
        self._has_thread = False
        self._is_busy = False
        self._missing = 0
        """Events that were lost since the sink was told of a gap."""
        self._fails = False

    def put(self, event: Event) -> None:
        if not threads_are_allowed():
            self._deliver(event, pauses=())  # there is nobody else to do it
            return
        with self._changed:
            has_room = len(self._waiting) < self._room
            if has_room:
                self._waiting.append(event)
                if not self._has_thread:
                    self._start()
                self._changed.notify_all()
            else:
                self._missing += 1
        if not has_room:
            self._note_dropped(1)

    @property
    def waiting(self) -> int:
        return len(self._waiting) + self._is_busy

    @property
    def is_idle(self) -> bool:
        return self.waiting == 0

    def flush(self, within: float) -> bool:
        until = time.monotonic() + within
        with self._changed:
            if not self._has_thread and self._waiting:
                self._start()
            if self._has_thread or not self._waiting:
                return self._changed.wait_for(lambda: self.is_idle, timeout=max(0.0, within))
        # There can be no thread: Python 3.12 starts none while it exits. So whoever waits delivers.
        while time.monotonic() < until and (event := self._next(within=0)) is not None:
            self._deliver(event, pauses=())
        return self.is_idle

    def _start(self) -> None:
        thread = threading.Thread(target=self._serve, name="monite_auth events", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            # There are too many already, or the interpreter is ending. The next event tries again.
            return
        self._has_thread = True

    def _serve(self) -> None:
        while (event := self._next(within=IDLE)) is not None:
            self._deliver(event, self._pauses)

    def _next(self, *, within: float) -> Event | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting, timeout=within)
            if not self._waiting:
                self._has_thread = False
                return None
            self._is_busy = True
            return self._waiting.popleft()

    def _deliver(self, event: Event, pauses: tuple[float, ...]) -> None:
        """Tell the sink of a gap, if there is one, and give it an event; count the event where that does not help."""
        try:
            with self._changed:
                missing, self._missing = self._missing, 0
            if missing:
                log.error("%d events for auditors were lost: a sink could not take them in time.", missing)
            took_gap = not missing or self._hand_over(self._dropped(missing), pauses)
            took_event = self._hand_over(event, pauses)
            with self._changed:
                self._missing += (0 if took_gap else missing) + (not took_event)
            if not took_event:
                self._note_dropped(1)
        finally:
            with self._changed:
                self._is_busy = False
                self._changed.notify_all()

    def _hand_over(self, event: Event, pauses: tuple[float, ...]) -> bool:
        """Give an event to the sink, again after each pause, and say whether it has taken it."""
        for pause in (*pauses, None):
            try:
                self._sink(event)
            except BaseException as error:  # whatever a sink raises, the application goes on
                if isinstance(error, KeyboardInterrupt | SystemExit) and _is_main_thread():
                    raise  # by the user or the server, who want the process to end
                self._note_failure(error)
            else:
                self._fails = False
                return True
            if pause is not None:
                time.sleep(pause)
        return False

    def _note_failure(self, error: BaseException) -> None:
        """Log that the sink fails, once until it works again, and without its words: they may name people."""
        if not self._fails:
            self._fails = True
            log.error("A sink of events fails (%s); it is tried again.", type(error).__name__)


def _is_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


_deliveries: "WeakSet[Delivery]" = WeakSet()


@atexit.register
def _flush_all() -> None:
    until = time.monotonic() + FLUSH_AT_EXIT
    for each in list(_deliveries):
        if not each.flush(within=until - time.monotonic()):
            log.error("%d events for auditors had not reached a sink when the process ended.", each.waiting)
