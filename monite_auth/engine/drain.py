"""The drain: work through the pending revocations, one at a time, behind everybody else.

`Drainer.drain` is one pass over what is due; `Drainer.start` has passes made in the background until nothing is pending;
`Drainer.drain_and_join` is for people, who want to find everything settled that could be.

A revocation is off the list only when its token is known to be dead. Anything else puts it off, until the token
has expired by itself.
"""

import logging
import math
import threading
from dataclasses import dataclass

from monite_auth.engine.asking import LONGEST_HOLD, Turn, send
from monite_auth.engine.runtime import Runtime
from monite_auth.engine.strays import Strays
from monite_auth.engine.surroundings import EventLoop, Surroundings
from monite_auth.monite_api.answers import Fault
from monite_auth.monite_api.outcomes import BadCredentials, Gone, Refused, Revoked, Throttled
from monite_auth.monite_api.requests import revoke_request
from monite_auth.monite_api.revocations import read_revocation
from monite_auth.settings import Settings
from monite_auth.stores import Due, Pending, Priority
from monite_auth.telemetry.facts import RevocationsExpired, RevocationTried

__all__ = ["LEASE", "PAUSE", "DrainReport", "Drainer"]

log = logging.getLogger("monite_auth")

FIRST_POSTPONEMENT, LONGEST_POSTPONEMENT = 1.0, 300.0
"""Seconds between tries to revoke, the first and the longest, at random below that: nobody waits for it."""

PAUSE_AFTER_REFUSAL = 30.0
"""Seconds until the next revocation when Monite refuses our credentials: people have to mend them first."""

LEASE = 3.0
"""Seconds that a drain has for one revocation before another may take it: longer than a try takes, unless Monite hangs. Nobody gives
back what a process had that was killed, or what an event loop was about to get. To revoke a token twice costs a request."""

LONGEST_TRY = 30.0
"""Seconds after which a drain that is at work counts as lost."""

SHORTEST_TRY = 0.1
"""Seconds without which a revocation is left for later: its answer would come too late."""

PAUSE = 0.05
"""Seconds between two checks whether what is pending is revoked, for a caller who waits for others that are at it."""

DRAIN_POLL = 5.0
"""Seconds between two looks at pending revocations, at the most. A pass takes no longer either."""

MOST_DRAINS = 3
"""Background drains per process at the most: enough for some 30 revocations a second, and few enough to leave threads for
renewals."""


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


Outcome = Revoked | Gone | BadCredentials | Refused | Throttled | Fault


@dataclass(eq=False, slots=True)
class _Work:
    """Something that runs in the background. `alive_until`: epoch seconds; what never began tells nobody."""

    alive_until: float

    def is_alive(self, now: float) -> bool:
        """Say whether it runs, or may come to run."""
        return now < self.alive_until


@dataclass(eq=False, slots=True)
class _BackgroundDrain(_Work):
    """A drain. `is_wanted_again`: somebody has called `start` since its pass began, and relies on it to look again."""

    is_wanted_again: bool = False


@dataclass(eq=False, slots=True)
class _Pass:
    """One pass over what is due, on `loop` or in a thread; `pending`: what it is at, or has just done."""

    loop: EventLoop | None
    pending: Pending | None = None


class Drainer:
    """Revokes what is pending, for one broker in one process."""

    def __init__(self, settings: Settings, strays: Strays, surroundings: Surroundings) -> None:
        self.sweep_at = surroundings.first_sweep
        """When a call that passes by starts a drain, epoch seconds: other processes may have died and left something."""
        self._settings = settings
        self._strays = strays
        self._surroundings = surroundings
        self._lock = threading.Lock()
        self._working: set[_BackgroundDrain] = set()
        self._sleeper: _Work | None = None
        """What sleeps until more is due."""
        self._passes: set[_Pass] = set()
        """The passes that are under way, or were left by an event loop that has stopped."""

    # -- one pass

    async def drain(self, runtime: Runtime, *, within: float) -> DrainReport:
        """Work on what is due, for `within` seconds at the most, and say what came of it. Raises StoreUnavailable."""
        await self._strays.hand_over(runtime.store)
        await self._take_back(runtime)
        this = _Pass(self._surroundings.running_loop())
        self._passes.add(this)
        try:
            report = await self._work_on_due(runtime, this, within)
        except GeneratorExit:
            # Its event loop is gone, and nothing can be awaited: the next pass takes back what it had.
            raise
        except BaseException:
            self._passes.discard(this)
            raise
        self._passes.discard(this)
        return report

    async def _take_back(self, runtime: Runtime) -> None:
        """Take back what passes had whose event loops have stopped: do not wait for the leases to run out."""
        with self._lock:
            left = {each for each in self._passes if each.loop is not None and not each.loop.is_running()}
            self._passes -= left
        for each in left:
            if each.pending is not None:
                await runtime.store.postpone(each.pending, 0)

    async def _work_on_due(self, runtime: Runtime, this: _Pass, within: float) -> DrainReport:
        until = runtime.clock() + within
        due = await self._due(runtime)
        if not due.batch:
            return DrainReport(expired=due.expired, next_in=due.next_in)
        with runtime.telemetry.span("drain"):
            return await self._work_on(runtime, this, due, until)

    async def _due(self, runtime: Runtime) -> Due:
        due = await runtime.store.due(1, seconds=LEASE)
        if due.expired:
            runtime.telemetry.tell(RevocationsExpired(due.expired))
        return due

    async def _work_on(self, runtime: Runtime, this: _Pass, due: Due, until: float) -> DrainReport:
        settled, postponed, expired = 0, 0, due.expired
        while due.batch:
            for pending in due.batch:
                this.pending = pending
                try:
                    wait = await Turn(runtime).take(Priority.REVOCATION, until=until)
                    if wait > 0:
                        await runtime.store.postpone(pending, wait)
                        return DrainReport(settled, postponed + 1, expired, wait)
                    left = until - runtime.clock()
                    if left < SHORTEST_TRY:
                        await runtime.store.postpone(pending, 0)
                        return DrainReport(settled, postponed, expired, 0)
                    if not await runtime.store.condemn(pending):  # another slot hands the same value out
                        continue
                    outcome = await self._revoke(runtime, pending, within=left)
                    if outcome is None:
                        await runtime.store.postpone(pending, 0)
                        continue
                except GeneratorExit:  # nothing can be awaited: it is due again when the lease is over
                    raise
                except BaseException:  # cancelled, or closed
                    await runtime.store.postpone(pending, 0)
                    raise
                if isinstance(outcome, Revoked | Gone):
                    await runtime.store.settle(pending)
                    settled += 1
                    continue
                postponed += 1
                await runtime.store.postpone(pending, _pause(runtime, pending, outcome))
                if isinstance(outcome, BadCredentials):  # all the others would be refused alike
                    return DrainReport(settled, postponed, expired, PAUSE_AFTER_REFUSAL)
            due = await self._due(runtime)
            expired += due.expired
        return DrainReport(settled, postponed, expired, due.next_in)

    async def _revoke(self, runtime: Runtime, pending: Pending, *, within: float) -> Outcome | None:
        """Ask Monite once, for `within` seconds at the most, and tell the log and everybody else what they should know.

        Return None where Monite refused a client secret that has been replaced by now, so that it is worth asking at once.
        """
        settings = self._settings
        request = revoke_request(settings, pending.token)
        within = min(settings.connect_timeout + settings.read_timeout, LONGEST_TRY, within)
        with runtime.telemetry.span("revoke"):
            reply = await send(runtime, request, within=within)
        outcome = read_revocation(request, reply.answer, now=runtime.clock())
        runtime.telemetry.tell(RevocationTried.of(outcome, pending.token, reply.request_id))
        match outcome:
            case Fault(_, _, float()):
                pass  # everybody holds, which has been logged
            case BadCredentials() if settings.credentials.reload(refused=request.secrets[0]):
                return None
            case BadCredentials(message, _):
                log.error(
                    "Monite refuses the client ID and secret (401 %r), so tokens of ended sessions stay alive until they "
                    "expire. Check MONITE_CLIENT_ID and MONITE_CLIENT_SECRET.",
                    message,
                )
            case Refused(status, message, _):
                log.warning(
                    "Monite refuses to revoke a token (%d %r); it is tried again later.", status, message
                )
            case Fault(reason, _):
                log.warning("A token could not be revoked (%s); it is tried again later.", reason)
        return outcome

    # -- for a caller who waits

    async def drain_and_join(self, runtime: Runtime, *, within: float) -> DrainReport:
        """Work on what is due, and wait for what other passes of this process are at; see `drain`.

        What the others settle is not in the report.
        """
        until = runtime.clock() + within
        done = await self.drain(runtime, within=within)
        while done.next_in is not None and self._passes and runtime.clock() + PAUSE < until:
            await runtime.sleep(PAUSE)
            more = await self.drain(runtime, within=until - runtime.clock())
            done = DrainReport(
                done.settled + more.settled,
                done.postponed + more.postponed,
                done.expired + more.expired,
                more.next_in,
            )
        return done

    # -- in the background

    def start(self, runtime: Runtime) -> None:
        """Have the pending revocations worked on in the background: in a thread, since an event loop may end at any time."""
        runtime = runtime.of_threads
        now = runtime.clock()
        self.sweep_at = now + self._surroundings.sweep_interval
        with self._lock:
            self._working = {each for each in self._working if each.is_alive(now)}
            for each in self._working:
                each.is_wanted_again = True
            if len(self._working) >= MOST_DRAINS:
                return
            work = _BackgroundDrain(now + 2 * DRAIN_POLL)
            work = self._surroundings.told(self, "begins", work)
            self._working.add(work)
        runtime.spawn(self._keep_draining(runtime, work))

    def sweep_next(self) -> None:
        """Have the next call that passes by start a drain, where this one can do no more."""
        self.sweep_at = 0.0

    async def _keep_draining(self, runtime: Runtime, work: _BackgroundDrain) -> None:
        try:
            while True:
                work.is_wanted_again = False
                work.alive_until = runtime.clock() + DRAIN_POLL + LONGEST_TRY
                report = await self.drain(runtime, within=DRAIN_POLL)
                if report.next_in != 0 and self._ends(work):
                    break
        except BaseException:
            with self._lock:
                self._working.discard(work)
            raise
        if report.next_in is not None:
            self._start_later(runtime, report.next_in)

    def _ends(self, work: _BackgroundDrain) -> bool:
        """Take a drain off the list, unless it is wanted again; say whether it ends."""
        with self._lock:
            if self._surroundings.told(work, "is_wanted_again", work.is_wanted_again):
                return False
            self._working.discard(work)
            return True

    def _start_later(self, runtime: Runtime, seconds: float) -> None:
        """Start again in `seconds`, when something is due, or sooner: others may leave something meanwhile."""
        now = runtime.clock()
        with self._lock:
            if self._sleeper is not None and self._sleeper.is_alive(now):
                return
            self._sleeper = _Work(now + 2 * DRAIN_POLL)
        runtime.spawn(self._sleep_and_start(runtime, min(seconds, DRAIN_POLL)))

    async def _sleep_and_start(self, runtime: Runtime, seconds: float) -> None:
        try:
            await runtime.sleep(seconds)
        finally:
            self._sleeper = None
        self.start(runtime)


def _pause(runtime: Runtime, pending: Pending, outcome: Outcome) -> float:
    """Return in how many seconds to try again: exponential, with full jitter, and after what Monite said."""
    ceiling = min(LONGEST_POSTPONEMENT, FIRST_POSTPONEMENT * 2.0 ** min(pending.attempts, 16))
    wait = outcome.retry_after if isinstance(outcome, Throttled | Fault) else None
    return max(ceiling * runtime.random(), min(wait or 0.0, LONGEST_HOLD))
