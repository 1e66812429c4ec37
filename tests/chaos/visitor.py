"""A visitor: plays the users of an application in one worker process.

| event | means |
|---|---|
| `opened` | a session has begun; it logs out, or stays, even if this worker is killed |
| `got` | a caller that asked at `began` was given `token`; `own`: the token names the caller's entity user; `use`: what for |
| `refused` | a caller that asked at `began` got an error; `why`: its code; `use`: what it wanted the token for |
| `called` | Monite answered a call with `status`; `own`: it took the caller for the right person |
| `ending` | a logout begins |
| `ended` | the logout that began at `began` has returned: it is accepted |
| `checked` | a session that stays was given a token that Monite accepts |
| `failed` | something was raised that is no error of the package |
"""

import hashlib
import time
import traceback

import httpx

from monite_auth.errors import MoniteAuthError
from tests.chaos.client import CallCutOff, Client
from tests.chaos.event_log import EventLog
from tests.chaos.plan import Plan, Session, Use
from tests.chaos.recorder import LENGTH
from tests.chaos.task_queue import TaskKind, TaskQueue

IDLE = 0.03
"""Seconds until an empty queue is read again."""

RETRY_INTERVAL = 0.2
"""Seconds after which a person whose page did not work tries again."""

TRIES = 20
"""Tries of a session that stays, when there are no more faults, before it counts as broken."""

ME = "/entity_users/me"


class Visitor:
    """Plays users: takes one task after the other from the queue, and does it as the user of its session."""

    def __init__(self, plan: Plan, client: Client, tasks: TaskQueue, log: EventLog) -> None:
        self._plan = plan
        self._client = client
        self._tasks = tasks
        self._log = log

    async def work(self) -> None:
        """Do tasks until the process is told to stop."""
        wait = 0.0
        while not await self._client.told_to_stop(within=wait):
            task = self._tasks.take()
            wait = IDLE if task is None else 0.0
            if task is None:
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
        except (MoniteAuthError, httpx.HTTPError, CallCutOff) as error:
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
