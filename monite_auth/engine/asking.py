"""The one way to ask Monite: take a turn in the request budget, send, and have everybody hold where Monite says so.

    turn = Turn(runtime)
    if wait := await turn.take(Priority.USER, until=deadline):
        raise RateLimited(…, retry_after=wait)
    reply = await send(runtime, request, within=8)

These are two steps, because some work belongs between them: a mint renews its claim, and a drain makes sure that nobody
uses the token any more. What an answer means is the caller's matter.
"""

import logging
import math
from typing import NamedTuple

from monite_auth.engine.runtime import Runtime
from monite_auth.monite_api.answers import Fault, Response
from monite_auth.monite_api.limits import named_limit
from monite_auth.monite_api.pauses import requested_pause
from monite_auth.monite_api.requests import Request
from monite_auth.stores import Priority, Ticket

__all__ = ["LONGEST_HOLD", "Reply", "Turn", "send"]

log = logging.getLogger("monite_auth")

TOO_MANY = 429
"""The status of a request that exceeds the limit."""

LONGEST_HOLD = 60.0
"""Seconds for which an account holds at most, whatever `Retry-After` says: after that one request asks again."""


class Turn:
    """A place in the queue of the request budget.

    It survives a break: the caller may do something else before the turn comes, such as renewing a claim, and then take the
    same Turn without losing its place.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._ticket: Ticket | None = None

    async def take(self, priority: Priority, *, until: float, longest_sleep: float = math.inf) -> float:
        """Wait until one request may be sent, and return 0; otherwise return for how many seconds it may not.

        `until`: epoch seconds. A turn that comes later is not waited for.
        `longest_sleep`: seconds. A wait that is longer is left to the caller, who then calls again.
        """
        while True:
            left = until - self._runtime.clock()
            admission = await self._runtime.store.admit(priority, self._ticket, patience=left)
            ticket = admission.ticket
            if admission.admitted and admission.wait <= 0:
                # A user who has to try again has waited already, and does not queue again.
                self._ticket = ticket if priority is Priority.USER else None
                return 0.0
            self._ticket = ticket
            if admission.wait > left or admission.wait > longest_sleep:
                return admission.wait
            await self._runtime.sleep(admission.wait)


class Reply(NamedTuple):
    """What came of a request. `held`: for how many seconds everybody holds because of it; 0 where nobody does."""

    answer: Response | Fault
    held: float


async def send(runtime: Runtime, request: Request, *, within: float, shortest_hold: float = 0.0) -> Reply:
    """Send a request, after its turn; hold everybody who shares the store if the answer asks for a pause.

    `within`: seconds until an answer counts as missing. `shortest_hold`: seconds to hold at least, where the answer asks
    for less.
    """
    answer = await runtime.send(request, within=within)
    now = runtime.clock()
    if isinstance(answer, Response):
        await runtime.limit_watch.heed(runtime.store, named_limit(answer.headers), now=now)
    pause = requested_pause(answer, now=now)
    if pause is None:
        return Reply(answer, 0.0)
    seconds = min(max(pause, shortest_hold), LONGEST_HOLD)
    log.warning("Monite asked for a pause: no request is sent to it for %.1f s.", seconds)
    throttled = isinstance(answer, Response) and answer.status == TOO_MANY
    await runtime.store.hold(seconds, throttled=throttled)
    return Reply(answer, seconds)
