"""A worker process: an application with threads, or with event loops, that may be killed at any time.

    python -m tests.chaos.worker PLAN LOG LIFELINE QUEUE_OUT QUEUE_IN threads|tasks|loops

Its visitors take tasks from the queue until SIGTERM. Then it drains and closes its broker, as a server does that is
stopped. It exits at once when the other end of the lifeline closes, so no worker outlives the test.

| event | means |
|---|---|
| `ready` | it works from now on |
| `exhausted` | slow work of the application has taken all threads of the event loop's executor for a while |
| `stopped` | all is drained and closed; `next_in`: when the last drain had more to do, None for never |

What its visitors do is in `visitor`.
"""

import asyncio
import random
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from monite_auth.engine.runtime import run
from tests.chaos.application import Application
from tests.chaos.client import Client, ShortLoopClient, TaskClient, ThreadClient
from tests.chaos.event_log import EventLog
from tests.chaos.visitor import Visitor

DRAINED_WITHIN = 90.0
"""Seconds that a worker has for its drain when it is stopped."""

LOOKS_EVERY = 1.0
"""Seconds after which a main thread that waits looks whether it has been told to stop."""

EXECUTOR_THREADS = 4
"""Threads of an event loop's executor: as few as a small server has."""

EXHAUSTED_EVERY, EXHAUSTED_FOR = (0.5, 3.0), (0.5, 3.0)
"""Seconds between two times in which the executor has no thread left, and of such a time, from and to."""


class VisitorThreads:
    """Visitors in threads of this process, `count` of them, from `start` to `finish`."""

    def __init__(self, application: Application, client: ThreadClient, count: int) -> None:
        self._client = client
        self._log = application.log
        self._threads = [
            threading.Thread(
                target=lambda: run(
                    Visitor(application.plan, client, application.tasks, application.log).work()
                )
            )
            for _ in range(count)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()
        self._log.write("ready")

    def join(self) -> None:
        """Wait for their end. Where a process goes on after SIGSTOP, any thread may be given its SIGTERM: Python's handler
        runs as soon as the main thread does something."""
        for thread in self._threads:
            while thread.is_alive():
                thread.join(LOOKS_EVERY)

    def finish(self) -> None:
        """Let the visitors come to an end, and do what a server does when it is told to stop."""
        self._client.stop()
        self.join()
        run(finish(self._client, self._log))


async def finish(client: Client, log: EventLog) -> None:
    """Do what a server does when it is told to stop; what is still pending has to be gone then."""
    end = time.monotonic() + DRAINED_WITHIN
    while (report := await client.drain()).next_in is not None and time.monotonic() < end:
        await client.pause(min(report.next_in, 0.5))
    await client.close()
    log.write("stopped", next_in=report.next_in)


def serve_with_threads(application: Application, client: ThreadClient) -> None:
    visitors = VisitorThreads(application, client, application.plan.visitors)
    signal.signal(signal.SIGTERM, lambda *_: client.stop())
    visitors.start()
    visitors.join()
    visitors.finish()


async def serve_with_tasks(application: Application) -> None:
    plan, log = application.plan, application.log
    loop = asyncio.get_running_loop()
    client = TaskClient(application.broker)
    loop.add_signal_handler(signal.SIGTERM, client.stop)
    visitors = [Visitor(plan, client, application.tasks, log) for _ in range(plan.visitors)]
    log.write("ready")
    await asyncio.gather(exhaust_executor(application, client), *(visitor.work() for visitor in visitors))
    await finish(client, log)


async def exhaust_executor(application: Application, client: Client) -> None:
    """Now and then, have slow work of the application take all threads of the loop's executor."""
    chance = random.Random(application.plan.seed)
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(EXECUTOR_THREADS))
    while not await client.told_to_stop(within=chance.uniform(*EXHAUSTED_EVERY)):
        work = threading.Event().wait
        seconds = chance.uniform(*EXHAUSTED_FOR)
        await asyncio.gather(*(asyncio.to_thread(work, seconds) for _ in range(EXECUTOR_THREADS)))
        application.log.write("exhausted", seconds=seconds)


def main() -> None:
    *arguments, flavour = sys.argv[1:]
    application = Application(arguments)
    application.begin()
    if flavour == "threads":
        serve_with_threads(application, ThreadClient(application.broker))
    elif flavour == "loops":
        sys.unraisablehook = lambda _: (
            None
        )  # what a loop leaves that is closed too early is no mistake of ours
        chance = random.Random(application.plan.seed)
        serve_with_threads(application, ShortLoopClient(application.broker, chance))
    else:
        asyncio.run(serve_with_tasks(application))


if __name__ == "__main__":
    main()
