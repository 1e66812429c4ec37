"""The one way to ask Monite: take a turn in the request budget, send, and have everybody hold where Monite says so.

    turn = Turn(runtime)
    if wait := await turn.take(Priority.USER, until=deadline):
        raise rate_limited(settings, wait)
    reply = await send(runtime, request, within=8)

These are two steps, because some work belongs between them: a mint renews its claim, and a drain makes sure that nobody
uses the token any more. What an answer means is the caller's matter. An application's calls are sent by an HTTP client of its
own, so they take a turn, and `heed` the answer.
"""

import logging
import math
from typing import NamedTuple

from monite_auth.engine.runtime import Runtime
from monite_auth.errors import RateLimited
from monite_auth.monite_api.answers import Fault, Response, request_id_of
from monite_auth.monite_api.limits import named_limit
from monite_auth.monite_api.pauses import requested_pause
from monite_auth.monite_api.requests import Request
from monite_auth.settings import Settings
from monite_auth.stores import Admission, Priority, Ticket
from monite_auth.telemetry.facts import Held, TurnTaken

__all__ = ["LONGEST_HOLD", "Reply", "Turn", "heed", "heed_limit", "rate_limited", "send"]

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

    def __init__(self, runtime: Runtime, admission: Admission | None = None) -> None:
        """`admission`: what the store has said of this turn already."""
        self._runtime = runtime
        self._admission = admission
        self._ticket: Ticket | None = None

    async def take(self, priority: Priority, *, until: float, longest_sleep: float = math.inf) -> float:
        """Wait until one request may be sent, and return 0; otherwise return for how many seconds it may not.

        `until`: epoch seconds. A turn that comes later is not waited for.
        `longest_sleep`: seconds. A wait that is longer is left to the caller, who then calls again.
        """
        began = self._runtime.clock()
        while True:
            left = until - self._runtime.clock()
            admission, self._admission = self._admission, None
            if admission is None:
                admission = await self._runtime.store.admit(priority, self._ticket, patience=left)
            ticket = admission.ticket
            if admission.admitted and admission.wait <= 0:
                # A user who has to try again has waited already, and does not queue again.
                self._ticket = ticket if priority is Priority.USER else None
                self._tell(priority, began)
                return 0.0
            self._ticket = ticket
            if admission.wait > left or admission.wait > longest_sleep:
                return admission.wait
            await self._runtime.sleep(admission.wait)

    def _tell(self, priority: Priority, began: float) -> None:
        waited = self._runtime.clock() - began
        if waited > 0:
            self._runtime.telemetry.tell(TurnTaken(priority.name.lower(), waited))


def rate_limited(settings: Settings, wait: float) -> RateLimited:
    """Return the error for a turn that comes in `wait` seconds only."""
    return RateLimited(
        f"No request may go to Monite for the next {wait:.1f} s, longer than this call may wait: "
        f"the limit of {settings.requests_per_second:g} requests/s, or less where Monite says so, is "
        "used up, or Monite has asked to be left alone.",
        retry_after=wait,
    )


class Reply(NamedTuple):
    """What came of a request. `held`: for how many seconds everybody holds because of it; 0 where nobody does."""

    answer: Response | Fault
    held: float

    @property
    def request_id(self) -> str | None:
        """The request id that Monite gave the answer; None where there is none."""
        return request_id_of(self.answer) if isinstance(self.answer, Response) else None


async def send(runtime: Runtime, request: Request, *, within: float, shortest_hold: float = 0.0) -> Reply:
    """Send a request, after its turn; hold everybody who shares the store if the answer asks for a pause.

    `within`: seconds until an answer counts as missing. `shortest_hold`: seconds to hold at least, where the answer asks
    for less.
    """
    answer = await runtime.send(request, within=within)
    return Reply(answer, await heed(runtime, answer, shortest_hold=shortest_hold))


async def heed(runtime: Runtime, answer: Response | Fault, *, shortest_hold: float = 0.0) -> float:
    """Keep everybody who shares the store to the pace that an answer asks for: a lower limit, or a pause.

    Return for how many seconds everybody holds because of it; see `send`.
    """
    if isinstance(answer, Response):
        await heed_limit(runtime, answer)
    pause = requested_pause(answer, now=runtime.clock())
    if pause is None:
        return 0.0
    seconds = min(max(pause, shortest_hold), LONGEST_HOLD)
    log.warning("Monite asked for a pause: no request is sent to it for %.1f s.", seconds)
    throttled = isinstance(answer, Response) and answer.status == TOO_MANY
    await runtime.store.hold(seconds, throttled=throttled)
    runtime.telemetry.tell(Held("throttled" if throttled else "asked", seconds))
    return seconds


async def heed_limit(runtime: Runtime, answer: Response) -> None:
    """Keep everybody who shares the store to the limit that an answer names, if it is lower than the settings'."""
    await runtime.limit_watch.heed(runtime.store, named_limit(answer.headers), now=runtime.clock())
