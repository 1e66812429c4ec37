"""A heartbeat: writes down when a process got no time, because it was frozen or because the machine was busy.

The judge takes these times off what callers waited. It is a thread in every worker, also beside an event loop: a loop that
our own code blocks is late, and has no excuse.

| event | means |
|---|---|
| `stalled` | the process got no time from `since` until the moment of this event |
"""

import threading
import time

from tests.chaos.event_log import EventLog

INTERVAL = 0.05
"""Seconds between two beats."""

LATE = 0.02
"""Seconds that a beat may come late before it is written down: more than threads of one process wait for each other."""


def start_heartbeat(log: EventLog) -> None:
    """Write down from now on when the process was stalled, until it ends."""

    def beat() -> None:
        pause = threading.Event()  # never set: it is there to wait for
        while True:
            due = time.monotonic() + INTERVAL
            pause.wait(INTERVAL)
            if time.monotonic() > due + LATE:
                log.write("stalled", since=due)

    threading.Thread(target=beat, daemon=True, name="heartbeat").start()
