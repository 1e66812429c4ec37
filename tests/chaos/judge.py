"""The judge: compares the emulator's ledger with what the workers recorded.

*What is promised.* A logout is always accepted. When `logout` has returned, it holds in its own process. In all others
it holds as soon as the store has recorded it; the process repeats it until then. With `token_scope="user"` a logout ends
every token of the user, whichever session it was minted for; with `"session"`, those of that session. So a token is
*condemned*

- when a logout began after it was minted,
- when it was handed to a session that has logged out since, or
- when the user has no session left.

When everything is drained, no condemned token may be alive, except those that nobody could have revoked. These are told
apart by evidence:

| a token that is alive | evidence | verdict |
|---|---|---|
| never arrived | no process has read it, and the ledger says that the answer was cut or spoiled | *lost on the way* |
| came too late | no process has read it: its caller had given up, or was killed | *missed* |
| died with its process | a process read it and was killed before a store said that it had it | *died with a process* |
| was minted without the store | it was in the memory of a process, as the store was down, and the process was killed | *orphan of an outage* |
| is not condemned | | *of sessions that stay* |
| anything else | a store had it, or a process that ended well | **violation** |

A logout that was accepted while the store was down stands in the journal of its process. If that is killed before the store is
back, another one tells the store.

*Other violations.*

- A caller that came after its logout was given a token.
- A caller was given somebody else's token.
- A caller was refused as logged out, and was not.
- A caller was given a token that was condemned, or known to be dead, before it asked.
- A session that stays does not work at the end.
- The store never heard of a logout that was accepted.
- A worker failed in another way, such as by a logout that raised.
- A caller was late (`callers`).

*During an outage* a process that cannot reach the store keeps tokens in its own memory, and hears of no logout but its
own. Tokens that it hands out after a logout elsewhere are counted and are no violation; they are revoked when the store is
back. The event log shows it: the token was committed to `memory` by the process that handed it out. Other processes may hand
out tokens of the store until it has recorded the logout; those are counted, too.

*An interrupted commit* is counted in the same way: its process revokes the token, and others may be given it until the
store has heard of that.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from tests.chaos.callers import Callers, Wait
from tests.chaos.event_log import Event
from tests.chaos.evidence import Entry, Logout, Trace
from tests.chaos.plan import Plan

STAYING = "of sessions that stay"
LOST, MISSED, DIED, ORPHANED = "lost on the way", "missed", "died with a process", "orphans of an outage"
VIOLATION = "of ended sessions"
"""What a token that is alive at the end can be; see above."""


@dataclass(slots=True)
class Verdict:
    """The outcome. `violations` are sentences; `live` counts by class the tokens that are alive at the end.

    `handed_out`: tokens that callers got, all of them looked at. `mixed_up`: those that were of another principal, and calls answered
    as one. `during_outage`: tokens handed out by a process that could not know of a logout. `interrupted`: tokens handed out, dead,
    after an interrupted commit. `late`: callers beyond their time. `slowest`: the longest wait of each kind of caller.
    """

    violations: list[str] = field(default_factory=list)
    live: Counter[str] = field(default_factory=Counter)
    handed_out: int = 0
    mixed_up: int = 0
    during_outage: int = 0
    interrupted: int = 0
    late: int = 0
    slowest: dict[str, Wait] = field(default_factory=dict)


class Judge:
    """Judges one experiment. `now`: when the ledger was read; `killed`: the names of the processes that were."""

    def __init__(
        self, plan: Plan, events: Iterable[Event], ledger: Iterable[Entry], killed: set[str], now: float
    ) -> None:
        self._plan = plan
        self._ledger = {entry.token: entry for entry in ledger}
        self._killed = killed
        self._now = now
        self._traces: dict[str, Trace] = {}
        self._logouts: dict[int, Logout] = {}
        self._by_user: dict[str | None, list[Logout]] = {}
        self._opened: set[int] = set()
        self._ending: dict[int, float] = {}  # when the first try to log out began
        self._checked: set[int] = set()
        self._refused: list[Event] = []
        self._failed: list[Event] = []
        self._mistaken: list[Event] = []
        self._recorded: dict[int, list[float]] = {}
        self._callers = Callers(plan)
        for event in events:
            self._take_down(event)
            self._callers.take_down(event)
        for logout in self._logouts.values():
            recorded = self._recorded.get(logout.session, [])
            logout.recorded = min(recorded, default=math.inf)
            logout.recorded_anew = min((at for at in recorded if at >= logout.began), default=math.inf)
            self._by_user.setdefault(self._holder(logout.session), []).append(logout)

    def _take_down(self, event: Event) -> None:
        facts = event.facts
        match event.kind:
            case "opened":
                self._opened.add(facts["session"])
            case "checked":
                self._checked.add(facts["session"])
            case "ending":
                first_try = self._ending.get(facts["session"], event.at)
                self._ending[facts["session"]] = min(first_try, event.at)
            case "read":
                self._trace(facts["token"]).read_by = event.process
            case "committing":
                self._trace(facts["token"]).slot_session = facts["session"]
                if facts["where"] == "memory":
                    self._trace(facts["token"]).kept_by = event.process
            case "committed" if facts["where"] == "shared":
                self._trace(facts["token"]).committed = True
            case "got" | "called":
                if event.kind == "got":
                    self._trace(facts["token"]).handed_out.append(event)
                if not facts["own"]:
                    self._mistaken.append(event)
            case "ended":
                first = self._logouts.get(facts["session"])
                if first is None or event.at < first.returned:
                    self._logouts[facts["session"]] = Logout(
                        facts["session"], event.process, facts["began"], event.at
                    )
            case "recorded":
                self._recorded.setdefault(facts["session"], []).append(event.at)
            case "refused" if facts["why"] == "session_ended":
                self._refused.append(event)
            case "failed":
                self._failed.append(event)
            case "stopped" if facts["next_in"] is not None and event.process not in self._killed:
                # One whose server was killed stops amid the faults, with what others have to do now.
                self._failed.append(event)

    def _trace(self, token: str) -> Trace:
        return self._traces.setdefault(token, Trace())

    def _holder(self, session: int) -> str | None:
        return self._plan.session(session).entity_user.entity_user_id

    @property
    def logouts(self) -> list[tuple[float, float]]:
        """When each logout began and returned."""
        return [(logout.began, logout.returned) for logout in self._logouts.values()]

    # -- the trial

    def verdict(self) -> Verdict:
        verdict = Verdict()
        verdict.violations += self._worker_trouble()
        mix_ups = list(self._mix_ups())
        verdict.mixed_up = len(mix_ups)
        verdict.violations += mix_ups
        verdict.violations += self._refusals()
        verdict.violations += self._broken_sessions()
        verdict.violations += self._unrecorded_logouts()
        for trace in self._traces.values():
            verdict.handed_out += len(trace.handed_out)
            for event in trace.handed_out:
                self._weigh(event, trace, verdict)
        for wanted, wait in self._callers.waits():
            self._time(wanted, wait, verdict)
        for entry in self._ledger.values():
            if entry.revoked_at is None and not entry.is_expired(self._now):
                self._classify(entry, verdict)
        return verdict

    def _worker_trouble(self) -> Iterator[str]:
        for event in self._failed:
            if event.kind == "stopped":
                yield f"{event.process} was stopped, and its drain still had work: {event.facts}"
            else:
                yield f"{event.process} ran into {event.facts['why']}"

    def _mix_ups(self) -> Iterator[str]:
        for event in self._mistaken:
            yield f"{event.process}: session {event.facts['session']} was served as somebody else"
        for token, trace in self._traces.items():
            for event in trace.handed_out:
                holder = self._holder(event.facts["session"])
                if token in self._ledger and self._ledger[token].entity_user_id != holder:
                    yield f"{event.process}: session {event.facts['session']} got {token}, which is not its user's"
                elif token not in self._ledger:
                    yield f"{event.process}: session {event.facts['session']} got {token}, which Monite never minted"
                elif trace.slot_session not in (None, f"session-{event.facts['session']}"):
                    yield f"{event.process}: session {event.facts['session']} got {token}, of {trace.slot_session}"

    def _refusals(self) -> Iterator[str]:
        for event in self._refused:
            session = event.facts["session"]
            if event.at < self._ending.get(session, math.inf):
                yield f"{event.process}: session {session} was refused as logged out, and was not"

    def _broken_sessions(self) -> Iterator[str]:
        for session in sorted(self._opened - self._logouts.keys() - self._checked):
            yield f"session {session} has not logged out, and gets no token that works, when all is well again"

    def _unrecorded_logouts(self) -> Iterator[str]:
        for session, logout in sorted(self._logouts.items()):
            if logout.recorded == math.inf:
                yield f"{logout.process} accepted the logout of session {session}, and the store never heard of it"

    def _weigh(self, event: Event, trace: Trace, verdict: Verdict) -> None:
        """Judge one handing out of a token."""
        session, token, began = event.facts["session"], event.facts["token"], event.facts["began"]
        entry = self._ledger.get(token)
        if entry is None:
            return  # a mix-up
        logout = self._logouts.get(session)
        late = logout is not None and began > logout.holds_from(event.process)
        condemned = any(
            entry.minted_at < other.began and other.takes_away_from(event.process) < began
            for other in self._by_user.get(self._holder(session), ())
            if self._plan.token_scope == "user" or other.session == session
        )
        dead = entry.revoked_at is not None and entry.revoked_at < began
        if not (late or condemned or dead):
            verdict.during_outage += logout is not None and began > logout.returned
            return
        heard_here = late and logout is not None and logout.process == event.process
        if trace.kept_by == event.process and not heard_here:
            verdict.during_outage += 1
        elif trace.kept_by is not None and not late:
            verdict.interrupted += 1
        else:
            why = "had logged out and got" if late else "got, taken away," if condemned else "got, dead,"
            verdict.violations.append(
                f"{event.process}: session {session} {why} {token}, {self._story(entry, trace)}; "
                f"asked at {began:.3f}, answered at {event.at:.3f}; its logout: {logout}"
            )

    def _time(self, wanted: str, wait: Wait, verdict: Verdict) -> None:
        """Judge how long one caller waited."""
        slowest = verdict.slowest.setdefault(wanted, wait)
        if wait.seconds > slowest.seconds:
            verdict.slowest[wanted] = wait
        if wait.is_late:
            verdict.late += 1
            verdict.violations.append(f"a caller who wanted a {wanted} was late: {wait}")

    def _classify(self, entry: Entry, verdict: Verdict) -> None:
        """Judge one token that is alive at the end."""
        trace = self._traces.get(entry.token, Trace())
        # Who has handed it out without having read it has it from the store.
        in_store = trace.committed or any(event.process != trace.read_by for event in trace.handed_out)
        died = trace.read_by in self._killed
        if trace.read_by is None and not in_store:
            found = LOST if entry.answer_lost else MISSED
        elif died and not in_store and trace.kept_by is None:
            found = DIED
        elif not self._is_condemned(entry, trace):
            found = STAYING
        elif died and not in_store:
            found = ORPHANED
        else:
            found = VIOLATION
        verdict.live[found] += 1
        if found == VIOLATION:
            verdict.violations.append(f"{entry.token} is alive: {self._story(entry, trace)}")

    def _is_condemned(self, entry: Entry, trace: Trace) -> bool:
        """Say whether the token ought to be dead."""
        holder = entry.entity_user_id
        logouts = self._by_user.get(holder, [])
        if self._plan.token_scope == "session":
            return any(trace.slot_session == f"session-{logout.session}" for logout in logouts)
        sessions = {event.facts["session"] for event in trace.handed_out}
        is_left = any(self._holder(session) == holder for session in self._opened - self._logouts.keys())
        return not is_left or any(
            logout.session in sessions or entry.minted_at < logout.began for logout in logouts
        )

    def _story(self, entry: Entry, trace: Trace) -> str:
        handed = [
            f"{event.facts['session']} by {event.process} at {event.at:.3f}" for event in trace.handed_out
        ]
        logouts = [f"{each.session} by {each.process} at {each.returned:.3f}" for each in self._recent(entry)]
        return (
            f"minted at {entry.minted_at:.3f}, answer lost: {entry.answer_lost}, revoked at {entry.revoked_at}, "
            f"read by {trace.read_by}, in the store: {trace.committed}, in the memory of {trace.kept_by}, "
            f"handed to sessions {handed}; its user's logouts: {logouts}"
        )

    def _recent(self, entry: Entry) -> list[Logout]:
        return [
            each for each in self._by_user.get(entry.entity_user_id, ()) if each.returned > entry.minted_at
        ][:5]
