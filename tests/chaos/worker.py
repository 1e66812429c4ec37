"""A worker process: an application with threads, or with an event loop, that is going to be killed.

    python -m tests.chaos.worker PLAN DIARY threads|tasks LIFELINE AGENDA_OUT AGENDA_IN

Its lanes take tasks from the agenda until SIGTERM. Then it drains and closes its broker, as a server that is stopped
does. It is gone at once when the other end of the lifeline is: no worker outlives the test.

| event | means |
|---|---|
| `ready` | it works from now on |
| `opened` | a session has begun; it logs out, or stays, whatever becomes of this worker |
| `got` | a caller that came at `began` was given `token`; `own`: it says itself that it is the caller's |
| `refused` | a caller that came at `began` was told `why` not |
| `called` | Monite answered a call with a `status`, and as far as it says, to the right person (`own`) |
| `ending` | a logout begins |
| `ended` | the logout that began at `began` is recorded, after so many `failed` ones |
| `checked` | a session that stays was given a token that Monite accepts |
| `failed` | something came up that the package has no word for |
| `stopped` | all is drained and closed; `next_in` is the drain's last word |
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
from monite_auth.errors import MoniteAuthError, StoreUnavailable
from monite_auth.stores import Store
from monite_auth.stores.fallback import FallbackStore
from monite_auth.telemetry import telemetry
from monite_auth.tokens import steady_clock
from tests.chaos.agenda import Agenda, Deed
from tests.chaos.diary import Diary
from tests.chaos.hands import Hands, Tasks, Threads
from tests.chaos.plan import Plan, Session, Visit, entity_user
from tests.chaos.witness import LENGTH, WatchedStore, watch_answers

IDLE = 0.03
"""Seconds between looks at an empty agenda."""

PRESS_AGAIN = 0.2
"""Seconds after which a person presses "Log out" again, when that could not be recorded."""

TRIES = 20
"""How often a session that stays may fail at the end, when all is well again, before it counts as broken."""

DRAINED_WITHIN = 90.0
"""Seconds that a worker has for its drain when it is stopped."""

ME = "/entity_users/me"


class Lane:
    """One user after the other, as their sessions come along."""

    def __init__(self, plan: Plan, hands: Hands, agenda: Agenda, diary: Diary) -> None:
        self._plan = plan
        self._hands = hands
        self._agenda = agenda
        self._diary = diary

    async def work(self, ending: threading.Event) -> None:
        while not ending.is_set():
            task = self._agenda.take()
            if task is None:
                await self._hands.pause(IDLE)
                continue
            deed, number = task
            try:
                await self._do(deed, self._plan.session(number))
            except Exception:  # noqa: BLE001 - the judge wants to hear of it
                self._diary.write("failed", session=number, why=traceback.format_exc())

    async def _do(self, deed: Deed, session: Session) -> None:
        match deed:
            case Deed.OPEN:
                await self._open(session)
            case Deed.END:
                await self._end(session)
            case Deed.HAUNT:
                await self._visit(session, "token")
            case Deed.CHECK:
                await self._check(session)

    async def _open(self, session: Session) -> None:
        self._diary.write("opened", session=session.number)
        for visit in session.visits:
            await self._visit(session, visit)
        if session.stays:
            return
        if session.handed_over:
            self._agenda.put(Deed.END, session.number)
        else:
            await self._end(session)

    async def _end(self, session: Session) -> None:
        if session.races:
            await self._hands.both(self._log_out(session), self._visit(session, "fresh"))
        else:
            await self._log_out(session)
        await self._visit(session, "token")
        if session.haunted:
            self._agenda.put(Deed.HAUNT, session.number)

    async def _log_out(self, session: Session) -> None:
        self._diary.write("ending", session=session.number)
        began = time.monotonic()
        failed = 0
        while True:
            try:
                await self._hands.logout(session.principal)
            except StoreUnavailable:
                failed += 1
                await self._hands.pause(PRESS_AGAIN)
                began = time.monotonic()
            else:
                break
        self._diary.write("ended", session=session.number, began=began, failed=failed)

    async def _visit(self, session: Session, visit: Visit) -> bool:
        """Do what a request of this session does; say whether it worked."""
        began = time.monotonic()
        try:
            if visit == "call":
                return await self._call(session, began)
            min_ttl = self._plan.freshness if visit == "fresh" else 0.0
            token = await self._hands.token(session.principal, min_ttl)
        except (MoniteAuthError, httpx.HTTPError) as error:
            why = error.code if isinstance(error, MoniteAuthError) else type(error).__name__
            self._diary.write("refused", session=session.number, why=why, began=began)
            return False
        self._got(session, token.value.reveal(), began, own=token.entity_user == session.entity_user)
        return True

    async def _call(self, session: Session, began: float) -> bool:
        answer = await self._hands.get(session.principal, ME)
        bearer = answer.request.headers["Authorization"].removeprefix("Bearer ")
        own = answer.status_code != 200 or answer.json()["id"] == session.entity_user.entity_user_id
        self._got(session, bearer, began, own=own)
        self._diary.write("called", session=session.number, status=answer.status_code, own=own)
        return answer.status_code == 200

    def _got(self, session: Session, token: str, began: float, *, own: bool) -> None:
        known_as = hashlib.sha256(token.encode()).hexdigest()[:LENGTH]
        self._diary.write("got", session=session.number, token=known_as, began=began, own=own)

    async def _check(self, session: Session) -> None:
        for _ in range(TRIES):
            if await self._visit(session, "token") and await self._visit(session, "call"):
                self._diary.write("checked", session=session.number)
                return
            await self._hands.pause(PRESS_AGAIN)


async def finish(hands: Hands, diary: Diary) -> None:
    """Do what a server does when it is told to stop; what is still pending has to be gone then."""
    end = time.monotonic() + DRAINED_WITHIN
    while (report := await hands.drain()).next_in is not None and time.monotonic() < end:
        await hands.pause(min(report.next_in, 0.5))
    await hands.close()
    diary.write("stopped", next_in=report.next_in)


def serve_with_threads(plan: Plan, broker: TokenBroker, agenda: Agenda, diary: Diary) -> None:
    ending = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ending.set())
    hands = Threads(broker)
    lanes = [
        threading.Thread(target=lambda: run(Lane(plan, hands, agenda, diary).work(ending)))
        for _ in range(plan.lanes)
    ]
    for lane in lanes:
        lane.start()
    diary.write("ready")
    for lane in lanes:
        lane.join()
    run(finish(hands, diary))


async def serve_with_tasks(plan: Plan, broker: TokenBroker, agenda: Agenda, diary: Diary) -> None:
    ending = threading.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ending.set)
    hands = Tasks(broker)
    diary.write("ready")
    await asyncio.gather(*(Lane(plan, hands, agenda, diary).work(ending) for _ in range(plan.lanes)))
    await finish(hands, diary)


def open_broker(plan: Plan, diary: Diary | None = None) -> TokenBroker:
    """Return a broker as `store_url` makes it, but less patient with its store, and watched by a diary."""
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
    if diary is not None:
        shared = WatchedStore(shared, diary, "shared")
        memory = WatchedStore(memory, diary, "memory")
    store = FallbackStore(shared, memory, clock=steady_clock, telemetry=telemetry())
    people = {f"user-{person}": entity_user(person) for person in range(plan.people)}
    return TokenBroker(settings, people, store=store)


def hurry() -> None:
    """See Plan.hurried."""
    drain.LEASE = Plan.HURRIED_LEASE
    drain.LONGEST_POSTPONEMENT = Plan.HURRIED_POSTPONEMENT


def hang_on(lifeline: int) -> None:
    """End this process when whoever has started it has ended, in whichever way."""

    def wait() -> None:
        os.read(lifeline, 1)
        os._exit(3)

    threading.Thread(target=wait, daemon=True).start()


def main() -> None:
    plan_path, diary_path, form, *files = sys.argv[1:]
    lifeline, agenda_out, agenda_in = map(int, files)
    hang_on(lifeline)
    logging.basicConfig(
        filename=Path(diary_path).with_suffix(".log"), level=logging.WARNING, format="%(asctime)s %(message)s"
    )
    plan = Plan.load(Path(plan_path))
    if plan.hurried:
        hurry()
    diary = Diary(Path(diary_path))
    watch_answers(diary)
    broker = open_broker(plan, diary)
    agenda = Agenda((agenda_out, agenda_in))
    if form == "threads":
        serve_with_threads(plan, broker, agenda, diary)
    else:
        asyncio.run(serve_with_tasks(plan, broker, agenda, diary))


if __name__ == "__main__":
    main()
