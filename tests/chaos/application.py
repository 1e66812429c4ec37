"""What a worker process works with: its broker, and what the experiment has handed to it.

A server makes it before it forks. Each process that comes of that has logs of its own.
"""

import faulthandler
import logging
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from monite_auth import MemoryStore, TokenBroker
from monite_auth.engine import drain
from monite_auth.stores import Store
from monite_auth.stores.fallback import FallbackStore, parts
from monite_auth.telemetry import Silence
from monite_auth.tokens import steady_clock
from tests.chaos.event_log import EventLog
from tests.chaos.heartbeat import start_heartbeat
from tests.chaos.plan import Plan, entity_user
from tests.chaos.recorder import RecordedStore, record_answers
from tests.chaos.task_queue import TaskQueue

if "FAKETIME_TIMESTAMP_FILE" in os.environ:
    # libfaketime adds the wall clock's offset also to deadlines of the monotonic clock, by which time.sleep sleeps.
    time.sleep = lambda seconds: threading.Event().wait(seconds)  # type: ignore[assignment,arg-type]


class Application:
    """The broker, the tasks and the event log. `arguments`: PLAN LOG LIFELINE QUEUE_OUT QUEUE_IN."""

    def __init__(self, arguments: Sequence[str]) -> None:
        plan, log, *files = arguments
        self._lifeline, queue_out, queue_in = map(int, files)
        self.plan = Plan.load(Path(plan))
        if self.plan.short_drains:
            drain.LONGEST_POSTPONEMENT = Plan.SHORT_POSTPONEMENT
            parts.QUIET = Plan.SHORT_QUIET
        self.log = EventLog(Path(log))
        record_answers(self.log)
        self.broker = open_broker(self.plan, self.log)
        self.tasks = TaskQueue((queue_out, queue_in))

    def begin(self) -> None:
        """Begin the work of this process: it ends with the test, and what goes wrong is written down.

        SIGUSR1 has it write to stderr where its threads are.
        """
        faulthandler.register(signal.SIGUSR1)
        threading.Thread(target=self._end_with_test, daemon=True).start()
        start_heartbeat(self.log)
        logging.basicConfig(
            filename=self.log.path.with_suffix(".log"),
            level=logging.WARNING,
            format="%(asctime)s %(message)s",
            force=True,
        )

    def begin_in_fork(self) -> None:
        """Begin the work of a process that a server has forked. Its logs have its process id in their names."""
        self.log.move_to(self.log.path.with_suffix(f".{os.getpid()}.events"))
        with self.log.path.with_suffix(".err").open("wb") as errors:
            os.dup2(errors.fileno(), sys.stderr.fileno())
        self.begin()

    def _end_with_test(self) -> None:
        """End this process and its master when the other end of the lifeline closes, in whichever way."""
        select.select([self._lifeline], [], [])  # under gevent others go on meanwhile
        os.killpg(0, signal.SIGKILL)


def open_broker(plan: Plan, log: EventLog | None = None) -> TokenBroker:
    """Return a broker as `store_url` makes it, but with shorter timeouts of its store, and recorded in `log`."""
    settings = plan.settings
    rate = settings.requests_per_second
    keys = settings.sealing_keys
    shared: Store
    if settings.store_url.startswith("sqlite:"):
        from monite_auth.stores.sqlite import SQLiteStore

        path = settings.store_url.removeprefix("sqlite:///")
        shared = SQLiteStore(path, keys=keys, requests_per_second=rate, busy_timeout=plan.store_patience)
    elif settings.store_url.startswith("postgresql:"):
        from monite_auth.stores.postgres import PostgresStore

        shared = PostgresStore(
            settings.store_url, keys=keys, requests_per_second=rate, timeout=plan.store_patience
        )
    else:
        from monite_auth.stores.redis import RedisStore

        shared = RedisStore(
            settings.store_url, keys=keys, requests_per_second=rate, timeout=plan.store_patience
        )
    memory: Any = MemoryStore(requests_per_second=rate)
    if log is not None:
        shared = RecordedStore(shared, log, "shared")
        memory = RecordedStore(memory, log, "memory")
    store = FallbackStore(
        shared, memory, clock=steady_clock, telemetry=Silence(), outage_trust=settings.outage_trust
    )
    people = {f"user-{person}": entity_user(person) for person in range(plan.people)}
    return TokenBroker(settings, people, store=store)
