"""A heartbeat: writes down when a process got no time, because it was frozen or because the machine was busy.

The judge takes these times off what callers waited. Two things show them: a beat that comes late, and what the kernel says of
each thread: how long it stood in the queue for a processor. The heartbeat is a thread in every worker, also beside an
event loop and gevent's hub: a loop that our own code blocks stands in no queue, and has no excuse.

| event | means |
|---|---|
| `stalled` | between `since` and this event the process got no time for so many `seconds` |
"""

# A thread of the system, also where gevent has replaced the others by greenlets.
from _thread import start_new_thread
from pathlib import Path
from select import select  # the system's, as above
from time import monotonic

from tests.chaos.event_log import EventLog

INTERVAL = 0.1
"""Seconds between two beats. Each costs about half a millisecond."""

NOTED = 0.005
"""Seconds that are worth a line."""

THREADS = Path("/proc/self/task")
"""Linux says here what became of each thread."""


def start_heartbeat(log: EventLog) -> None:
    """Write down from now on when the process was stalled, until it ends."""
    began = monotonic(), time_in_queue()  # here, since the thread may begin late itself

    def beat() -> None:
        before, queued = began
        while True:
            select((), (), (), INTERVAL)  # libfaketime breaks sleep
            now, queued_now = monotonic(), time_in_queue()
            late = now - before - INTERVAL
            in_queue = sum(seconds - queued.get(thread, 0.0) for thread, seconds in queued_now.items())
            stalled = min(now - before, max(late, in_queue))
            if stalled > NOTED:
                log.write("stalled", since=before, seconds=stalled)
            before, queued = now, queued_now

    start_new_thread(beat, ())


def time_in_queue() -> dict[str, float]:
    """Return for how many seconds each thread of this process was ready to run, and got no processor."""
    found = {}
    for thread in THREADS.glob("*"):
        try:
            _ran, queued, _times = (thread / "schedstat").read_text().split()
        except (OSError, ValueError):  # the thread has ended, or the kernel does not count
            continue
        found[thread.name] = int(queued) / 1e9
    return found
