"""The drain: work through the pending revocations, one at a time, behind everybody else.

A revocation is off the list only when its token is known to be dead. Anything else puts it off, until the token
has expired by itself.
"""

import logging
import math
from dataclasses import dataclass

from monite_auth.engine.pace import LONGEST_HOLD, hold, turn
from monite_auth.engine.runtime import Runtime
from monite_auth.monite_api.answers import Fault
from monite_auth.monite_api.outcomes import BadCredentials, Gone, Refused, Revoked, Throttled
from monite_auth.monite_api.requests import revoke_request
from monite_auth.monite_api.revocations import read_revocation
from monite_auth.settings import Settings
from monite_auth.stores import Pending, Priority
from monite_auth.telemetry import Telemetry

__all__ = ["DrainReport", "drain"]

log = logging.getLogger("monite_auth")

FIRST_POSTPONEMENT, LONGEST_POSTPONEMENT = 1.0, 300.0
"""Seconds between tries to revoke, the first and the longest, at random below that: nobody waits for it."""

REST_AFTER_REFUSAL = 30.0
"""Seconds to leave all revocations alone when Monite refuses our credentials."""

LEASE = 30.0
"""Seconds that a drainer has for one revocation before another may take it: longer than any one try."""


@dataclass(frozen=True, slots=True)
class DrainReport:
    """What a drain did: revocations settled, put off until later, and dropped since their token had expired.

    `next_in`: in how many seconds there is more to do; None when nothing is pending.
    """

    settled: int = 0
    postponed: int = 0
    expired: int = 0
    next_in: float | None = None

    def __str__(self) -> str:
        """Say it in one line."""
        more = "" if self.next_in is None else f"; more is due in {math.ceil(self.next_in)} s"
        return f"settled {self.settled}, postponed {self.postponed}, expired {self.expired}{more}"


async def drain(rt: Runtime, settings: Settings, telemetry: Telemetry, *, within: float) -> DrainReport:
    """Work on what is due, for `within` seconds at the most, and say what came of it."""
    until = rt.clock() + within
    settled = postponed = expired = 0
    while True:
        due = await rt.store.due(1, seconds=LEASE)
        expired += due.expired
        if not due.batch:
            return DrainReport(settled, postponed, expired, due.next_in)
        for pending in due.batch:
            try:
                wait = await turn(rt, Priority.REVOCATION, until=until)
                if wait > 0:
                    await rt.store.postpone(pending, wait)
                    return DrainReport(settled, postponed + 1, expired, wait)
                if not await rt.store.condemn(pending):  # another slot hands the same value out
                    continue
                outcome = await _revoke(rt, settings, telemetry, pending)
                if outcome is None:
                    await rt.store.postpone(pending, 0)
                    continue
            except GeneratorExit:  # nothing can be awaited: it is due again when the lease is over
                raise
            except BaseException:  # cancelled, or closed
                await rt.store.postpone(pending, 0)
                raise
            if isinstance(outcome, Revoked | Gone):
                await rt.store.settle(pending)
                settled += 1
                continue
            postponed += 1
            await rt.store.postpone(pending, _put_off(rt, pending, outcome))
            if isinstance(outcome, BadCredentials):  # all the others would be refused alike
                return DrainReport(settled, postponed, expired, REST_AFTER_REFUSAL)


Outcome = Revoked | Gone | BadCredentials | Refused | Throttled | Fault


async def _revoke(rt: Runtime, settings: Settings, telemetry: Telemetry, pending: Pending) -> Outcome | None:
    """Ask Monite once, and tell the log and everybody else what they should know of its answer.

    None: Monite has refused a client secret that has another one in its place by now, so it is worth asking at once.
    """
    request = revoke_request(settings, pending.token)
    answer = await rt.send(request, within=settings.connect_timeout + settings.read_timeout)
    outcome = read_revocation(request, answer, now=rt.clock())
    telemetry.revoked(type(outcome).__name__.lower())
    match outcome:
        case Throttled(retry_after, _) | Fault(_, _, float(retry_after)):
            await hold(rt.store, retry_after)
        case BadCredentials() if settings.credentials.reload(refused=request.secrets[0]):
            return None
        case BadCredentials(message, _):
            log.error(
                "Monite refuses the client ID and secret (401 %r), so tokens of ended sessions stay alive until they "
                "expire. Check MONITE_CLIENT_ID and MONITE_CLIENT_SECRET.",
                message,
            )
        case Refused(status, message, _):
            log.warning("Monite refuses to revoke a token (%d %r); it is tried again later.", status, message)
        case Fault(reason, _):
            log.warning("A token could not be revoked (%s); it is tried again later.", reason)
    return outcome


def _put_off(rt: Runtime, pending: Pending, outcome: Outcome) -> float:
    """Return in how many seconds to try again: exponential, with full jitter, and after what Monite said."""
    ceiling = min(LONGEST_POSTPONEMENT, FIRST_POSTPONEMENT * 2.0 ** min(pending.attempts, 16))
    wait = outcome.retry_after if isinstance(outcome, Throttled | Fault) else None
    return max(ceiling * rt.random(), min(wait or 0.0, LONGEST_HOLD))
