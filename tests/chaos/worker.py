"""A worker process: an application with threads, or with an event loop, that may be killed at any time.

    python -m tests.chaos.worker PLAN LOG threads|tasks LIFELINE QUEUE_OUT QUEUE_IN

Its visitors take tasks from the queue until SIGTERM. Then it drains and closes its broker, as a server does that is
stopped. It exits at once when the other end of the lifeline closes, so no worker outlives the test.

| event | means |
|---|---|
| `ready` | it works from now on |
| `opened` | a session has begun; it logs out, or stays, even if this worker is killed |
| `got` | a caller that asked at `began` was given `token`; `own`: the token names the caller's entity user; `use`: what for |
| `refused` | a caller that asked at `began` got an error; `why`: its code; `use`: what it wanted the token for |
| `called` | Monite answered a call with `status`; `own`: it took the caller for the right person |
| `ending` | a logout begins |
| `ended` | the logout that began at `began` has returned: it is accepted |
| `checked` | a session that stays was given a token that Monite accepts |
| `failed` | something was raised that is no error of the package |
| `stopped` | all is drained and closed; `next_in`: when the last drain had more to do, None for never |
"""

import asyncio
import hashlib
import logging
import os
import signal
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any

import httpx

from monite_auth import MemoryStore, TokenBroker
from monite_auth.engine import drain
from monite_auth.engine.runtime import run
from monite_auth.errors import MoniteAuthError
from monite_auth.stores import Store
from monite_auth.stores.fallback import FallbackStore, parts
from monite_auth.telemetry import telemetry
from monite_auth.tokens import steady_clock
from tests.chaos.client import Client, TaskClient, ThreadClient
from tests.chaos.event_log import EventLog
from tests.chaos.heartbeat import start_heartbeat
from tests.chaos.plan import Plan, Session, Use, entity_user
from tests.chaos.recorder import LENGTH, RecordedStore, record_answers
from tests.chaos.task_queue import TaskKind, TaskQueue

IDLE = 0.03
"""Seconds until an empty queue is read again."""

RETRY_INTERVAL = 0.2
"""Seconds after which a person presses "Log out" again, when that could not be recorded."""

TRIES = 20
"""Tries of a session that stays, when there are no more faults, before it counts as broken."""

DRAINED_WITHIN = 90.0
"""Seconds that a worker has for its drain when it is stopped."""

ME = "/entity_users/me"


class Visitor:
    """Plays users: takes one task after the other from the queue, and does it as the user of its session."""

    def __init__(self, plan: Plan, client: Client, tasks: TaskQueue, log: EventLog) -> None:
        self._plan = plan
        self._client = client
        self._tasks = tasks
        self._log = log

    async def work(self, ending: threading.Event) -> None:
        while not ending.is_set():
            task = self._tasks.take()
            if task is None:
                await self._client.pause(IDLE)
                continue
            kind, number = task
            try:
                await self._do(kind, self._plan.session(number))
            except Exception:  # noqa: BLE001 - it is recorded for the judge
                self._log.write("failed", session=number, why=traceback.format_exc())

    async def _do(self, kind: TaskKind, session: Session) -> None:
        match kind:
            case TaskKind.OPEN:
                await self._open(session)
            case TaskKind.END:
                await self._end(session)
            case TaskKind.USE_AFTER_END:
                await self._use(session, "token")
            case TaskKind.CHECK:
                await self._check(session)

    async def _open(self, session: Session) -> None:
        self._log.write("opened", session=session.number)
        for use in session.uses:
            await self._use(session, use)
        if session.stays:
            return
        if session.handed_over:
            self._tasks.put(TaskKind.END, session.number)
        else:
            await self._end(session)

    async def _end(self, session: Session) -> None:
        if session.races:
            await self._client.both(self._log_out(session), self._use(session, "fresh"))
        else:
            await self._log_out(session)
        await self._use(session, "token")
        if session.used_after_end:
            self._tasks.put(TaskKind.USE_AFTER_END, session.number)

    async def _log_out(self, session: Session) -> None:
        self._log.write("ending", session=session.number)
        began = time.monotonic()
        await self._client.logout(session.principal)
        self._log.write("ended", session=session.number, began=began)

    async def _use(self, session: Session, use: Use) -> bool:
        """Use the broker as a request of this session does; return whether it worked."""
        began = time.monotonic()
        try:
            if use == "call":
                return await self._call(session, began)
            min_ttl = self._plan.freshness if use == "fresh" else 0.0
            token = await self._client.token(session.principal, min_ttl)
        except (MoniteAuthError, httpx.HTTPError) as error:
            why = error.code if isinstance(error, MoniteAuthError) else type(error).__name__
            self._log.write("refused", session=session.number, why=why, began=began, use=use)
            return False
        self._got(session, token.value.reveal(), began, use, own=token.entity_user == session.entity_user)
        return True

    async def _call(self, session: Session, began: float) -> bool:
        answer = await self._client.get(session.principal, ME)
        bearer = answer.request.headers["Authorization"].removeprefix("Bearer ")
        own = answer.status_code != 200 or answer.json()["id"] == session.entity_user.entity_user_id
        self._got(session, bearer, began, "call", own=own)
        self._log.write("called", session=session.number, status=answer.status_code, own=own)
        return answer.status_code == 200

    def _got(self, session: Session, token: str, began: float, use: Use, *, own: bool) -> None:
        known_as = hashlib.sha256(token.encode()).hexdigest()[:LENGTH]
        self._log.write("got", session=session.number, token=known_as, began=began, use=use, own=own)

    async def _check(self, session: Session) -> None:
        for _ in range(TRIES):
            if await self._use(session, "token") and await self._use(session, "call"):
                self._log.write("checked", session=session.number)
                return
            await self._client.pause(RETRY_INTERVAL)


async def finish(client: Client, log: EventLog) -> None:
    """Do what a server does when it is told to stop; what is still pending has to be gone then."""
    end = time.monotonic() + DRAINED_WITHIN
    while (report := await client.drain()).next_in is not None and time.monotonic() < end:
        await client.pause(min(report.next_in, 0.5))
    await client.close()
    log.write("stopped", next_in=report.next_in)


def serve_with_threads(plan: Plan, broker: TokenBroker, tasks: TaskQueue, log: EventLog) -> None:
    ending = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ending.set())
    client = ThreadClient(broker)
    visitors = [
        threading.Thread(target=lambda: run(Visitor(plan, client, tasks, log).work(ending)))
        for _ in range(plan.visitors)
    ]
    for visitor in visitors:
        visitor.start()
    log.write("ready")
    for visitor in visitors:
        visitor.join()
    run(finish(client, log))


async def serve_with_tasks(plan: Plan, broker: TokenBroker, tasks: TaskQueue, log: EventLog) -> None:
    ending = threading.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ending.set)
    client = TaskClient(broker)
    log.write("ready")
    await asyncio.gather(*(Visitor(plan, client, tasks, log).work(ending) for _ in range(plan.visitors)))
    await finish(client, log)


def open_broker(plan: Plan, log: EventLog | None = None) -> TokenBroker:
    """Return a broker as `store_url` makes it, but with shorter timeouts of its store, and recorded in `log`."""
    settings = plan.settings
    rate = settings.requests_per_second
    shared: Store
    if settings.store_url.startswith("sqlite:"):
        from monite_auth.stores.sqlite import SQLiteStore

        path = settings.store_url.removeprefix("sqlite:///")
        keys = settings.sealing_keys
        shared = SQLiteStore(path, keys=keys, requests_per_second=rate, busy_timeout=plan.store_patience)
    else:
        from monite_auth.stores.redis import RedisStore

        keys = settings.sealing_keys
        shared = RedisStore(
            settings.store_url, keys=keys, requests_per_second=rate, timeout=plan.store_patience
        )
    memory: Any = MemoryStore(requests_per_second=rate)
    if log is not None:
        shared = RecordedStore(shared, log, "shared")
        memory = RecordedStore(memory, log, "memory")
    store = FallbackStore(
        shared, memory, clock=steady_clock, telemetry=telemetry(), outage_trust=settings.outage_trust
    )
    people = {f"user-{person}": entity_user(person) for person in range(plan.people)}
    return TokenBroker(settings, people, store=store)


def shorten_drains() -> None:
    """Shorten the waits of drains; see Plan.short_drains."""
    drain.LONGEST_POSTPONEMENT = Plan.SHORT_POSTPONEMENT
    parts.QUIET = Plan.SHORT_QUIET


def exit_with(lifeline: int) -> None:
    """Exit when the process that holds the other end of the lifeline has ended, in whichever way."""

    def wait() -> None:
        os.read(lifeline, 1)
        os._exit(3)

    threading.Thread(target=wait, daemon=True).start()


def main() -> None:
    plan_path, log_path, flavour, *files = sys.argv[1:]
    lifeline, queue_out, queue_in = map(int, files)
    exit_with(lifeline)
    logging.basicConfig(
        filename=Path(log_path).with_suffix(".log"), level=logging.WARNING, format="%(asctime)s %(message)s"
    )
    plan = Plan.load(Path(plan_path))
    if plan.short_drains:
        shorten_drains()
    log = EventLog(Path(log_path))
    start_heartbeat(log)
    record_answers(log)
    broker = open_broker(plan, log)
    tasks = TaskQueue((queue_out, queue_in))
    if flavour == "threads":
        serve_with_threads(plan, broker, tasks, log)
    else:
        asyncio.run(serve_with_tasks(plan, broker, tasks, log))


if __name__ == "__main__":
    main()
