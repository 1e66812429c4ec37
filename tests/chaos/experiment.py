"""The experiment: Monite, a store and workers, first with faults, then without; then a drain, and the judge."""

import json
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Literal

from monite_auth.emulator import ANNA_ID, Monite, serve
from monite_auth.emulator.world.clock import Clock
from tests.chaos.application import open_broker
from tests.chaos.event_log import EventLog, EventLogs
from tests.chaos.evidence import Entry
from tests.chaos.faults import FaultInjector
from tests.chaos.judge import Judge
from tests.chaos.plan import CREDENTIALS, TOKEN_LIFE, Plan, entity_user
from tests.chaos.processes import Processes
from tests.chaos.profile import Profile
from tests.chaos.report import Report
from tests.chaos.stores import STORES, StoreUnderTest
from tests.chaos.task_queue import TaskKind, TaskQueue
from tests.chaos.troubles import Trouble, Troubles
from tests.waiting import until

WORKERS = 8

SESSIONS_PER_SECOND = 70
"""Logins at the most: as many as two processors can take beside everything else."""

MOST_QUEUED = 24
"""Tasks in the queue at the most; about as many more are being worked on."""

MONITE_LIMIT = 5
"""Monite's limit, as a multiple of the workers' budget: while the store is down, each process counts for itself."""

READ_INTERVAL = 0.05
"""Seconds between two readings of the event logs."""

STARTED_WITHIN, ENDED_WITHIN, STOPPED_WITHIN, DRAINED_WITHIN = 120.0, 120.0, 150.0, 120.0
"""Seconds for each part at the most; a part that takes longer is a failure."""

ASK_AGAIN = 5.0
"""Seconds after which a task that nobody has done is put into the queue again."""


def run_experiment(
    kind: str, seed: int, profile: Profile, folder: Path, *, token_scope: Literal["user", "session"] = "user"
) -> Report:
    """Run an experiment over a store of this `kind`, with the event logs in `folder`, and report on it."""
    began = time.monotonic()
    # The ledger's times are compared with the workers', so no wall clock may be set meanwhile.
    epoch = time.time() - began
    # The judge looks at every token.
    monite = Monite(
        token_life=TOKEN_LIFE, clock=Clock(lambda: epoch + time.monotonic()), tokens_kept=sys.maxsize
    )
    with _opened(kind, folder) as store, serve(monite) as emulator:
        plan = Plan(
            seed=seed,
            store_url=store.url,
            api_url=emulator.api_url,
            journal_directory=str(folder / "journal"),
            short_drains=profile.short_drains,
            token_scope=token_scope,
        )
        plan.save(folder / "plan.json")
        _add_people(monite, plan)
        experiment = Experiment(plan, profile, folder, store, monite)
        experiment.run()
        pending = _drain(plan, EventLogs(folder).path("drain"))
        return experiment.report(kind, pending=pending, began=began, epoch=epoch)


@contextmanager
def _opened(kind: str, folder: Path) -> Iterator[StoreUnderTest]:
    store = STORES[kind](folder)
    try:
        yield store
    finally:
        store.close()


def _add_people(monite: Monite, plan: Plan) -> None:
    monite.requests_per_second = MONITE_LIMIT * plan.requests_per_second
    monite.add_credentials(*CREDENTIALS)
    anna = monite.directory.users.get(ANNA_ID)
    assert anna is not None
    for person in range(plan.people):
        known = entity_user(person)
        monite.directory.users.add(
            str(known.entity_user_id),
            {
                "login": f"user-{person}",
                "role_id": anna.role_id,
                "first_name": f"User {person}",
                "status": "active",
            },
            entity_id=known.entity_id,
        )


def _drain(plan: Plan, path: Path) -> bool:
    """Drain as `monite-auth drain` does until nothing is pending; return whether something still is.

    `path`: its event log, since it also tells the store of logouts that dead processes have left.
    """
    give_up = time.monotonic() + DRAINED_WITHIN
    pause = threading.Event()
    with closing(EventLog(path)) as log, open_broker(plan, log) as broker:
        while (next_in := broker.drain(within=5).next_in) is not None and time.monotonic() < give_up:
            pause.wait(min(next_in, 1.0))
    return next_in is not None


class Experiment:
    """The workers and the faults of one experiment, and what is known of the sessions meanwhile."""

    def __init__(
        self, plan: Plan, profile: Profile, folder: Path, store: StoreUnderTest, monite: Monite
    ) -> None:
        self._plan = plan
        self._profile = profile
        self._folder = folder
        self._store = store
        self._monite = monite
        self._logs = EventLogs(folder)
        self._tick = threading.Event()  # never set: it is there to wait for
        self._counts: Counter[str] = Counter()
        self._leaving: set[int] = set()
        self._staying: set[int] = set()
        self._ended: set[int] = set()
        self._checked: set[int] = set()
        self._recorded: set[int] = set()
        self._logouts_owed = 0
        self._ready_at: dict[str, float] = {}
        self._kills: list[tuple[str, float]] = []
        self._exhausted: list[Trouble] = []
        self._refusals: Counter[str] = Counter()

    def run(self) -> None:
        self._tasks = TaskQueue.new()
        try:
            self._processes = Processes(WORKERS, self._folder / "plan.json", self._tasks, self._logs)
            try:
                self._wait_for_workers()
                self._faults = FaultInjector(
                    self._plan.seed, self._processes, self._store, self._monite, killed=self._hand_over
                )
                try:
                    self._faults.start()
                    self._log_people_in()
                finally:
                    self._faults.stop()
                self._repeat_until_done(TaskKind.END, self._leaving, self._ended)
                self._repeat_until_done(TaskKind.CHECK, self._staying, self._checked)
                self._wait_for_workers()  # those started last cannot be stopped before they are ready
                self._processes.stop_all(within=STOPPED_WITHIN)
            finally:
                self._processes.close()
        finally:
            self._tasks.close()

    def _wait_for_workers(self) -> None:
        def ready() -> bool:
            self._read_events()
            return self._ready_at.keys() >= self._processes.names() or self._has_failed()

        until(ready, seconds=STARTED_WITHIN)

    def _has_failed(self) -> bool:
        return self._processes.has_lost_one()

    def _read_events(self) -> None:
        """Read the new events of all workers."""
        for event in self._logs.read_new():
            self._counts[event.kind] += 1
            session: int = event.facts.get("session", -1)
            match event.kind:
                case "opened":
                    stays = self._plan.session(session).stays
                    (self._staying if stays else self._leaving).add(session)
                case "ended":
                    self._ended.add(session)
                    self._logouts_owed += session not in self._recorded
                case "recorded":
                    self._recorded.add(session)
                case "checked":
                    self._checked.add(session)
                case "refused":
                    self._refusals[event.facts["why"]] += 1
                case "exhausted":
                    self._exhausted.append(
                        Trouble("executor exhausted", event.at - event.facts["seconds"], event.at)
                    )
                case "ready":
                    self._ready_at[event.process] = event.at

    def _log_people_in(self) -> None:
        """Have people log in, one after the other, until there were enough faults."""
        began = time.monotonic()
        issued = 0
        while not (self._has_failed() or self._is_enough(time.monotonic() - began)):
            passed = time.monotonic() - began
            while len(self._tasks) < MOST_QUEUED and issued < passed * SESSIONS_PER_SECOND:
                self._tasks.put(TaskKind.OPEN, issued)
                issued += 1
            self._tick.wait(READ_INTERVAL)
            self._read_events()

    def _is_enough(self, passed: float) -> bool:
        profile = self._profile
        return passed >= profile.patience or (
            passed >= profile.seconds
            and len(self._ended) >= profile.logouts
            and len(self._kills) >= profile.kills
            and len(self._store.troubles) >= profile.outages
            and self._faults.hits.total() >= profile.faults
        )

    def _hand_over(self, name: str) -> None:
        """Give the sessions of a killed worker to the others: people press "Log out" again, some twice."""
        self._kills.append((name, time.monotonic()))
        unfinished: dict[int, None] = {}
        for event in EventLogs(self._folder).read(name):
            session: int = event.facts.get("session", -1)
            if event.kind in ("opened", "ending") and not self._plan.session(session).stays:
                unfinished[session] = None
            elif event.kind == "ended":
                unfinished.pop(session, None)
        for session in unfinished:
            self._tasks.put(TaskKind.END, session)

    def _repeat_until_done(self, kind: TaskKind, wanted: set[int], done: set[int]) -> None:
        """Without faults, queue tasks until all that are `wanted` are done: some were lost with the worker that took them."""
        give_up = time.monotonic() + ENDED_WITHIN
        ask_again = 0.0
        while time.monotonic() < give_up and not self._has_failed():
            self._read_events()
            if len(self._tasks) == 0:
                missing = sorted(wanted - done)
                if not missing:
                    return
                if time.monotonic() >= ask_again:
                    for session in missing[: 10 * MOST_QUEUED]:
                        self._tasks.put(kind, session)
                    ask_again = time.monotonic() + ASK_AGAIN
            self._tick.wait(READ_INTERVAL)

    def _killed(self) -> Iterator[Trouble]:
        """Yield the deaths of workers, each of which lasts until another worker is ready in its place."""
        for name, at in self._kills:
            number = name.split("-")[1]
            ready = [
                when for other, when in self._ready_at.items() if when > at and other.split("-")[1] == number
            ]
            yield Trouble("worker killed", at, min(ready, default=at))

    def report(self, store: str, *, pending: bool, began: float, epoch: float) -> Report:
        """Have the judge look at everything, and return the report."""
        self._read_events()
        ledger = [
            Entry(
                token.fingerprint,
                token.entity_user_id,
                token.minted_at - epoch,
                None if token.revoked_at is None else token.revoked_at - epoch,
                token.expires_at - epoch,
                token.answer_lost,
            )
            for token in self._monite.ledger.tokens
        ]
        (self._folder / "ledger.json").write_text(json.dumps([entry._asdict() for entry in ledger]))
        now = time.monotonic()
        judge = Judge(self._plan, self._logs.events, ledger, self._processes.killed, now)
        complaints = self._processes.complaints()
        if pending:
            complaints.append("something was still pending when everything should have been drained")
        refusals = Counter(self._refusals)
        rightly = refusals.pop("session_ended", 0)
        others = ", ".join(f"{why} {count}" for why, count in refusals.most_common())
        return Report(
            store=store,
            seed=self._plan.seed,
            folder=self._folder,
            verdict=judge.verdict(),
            troubles=Troubles(
                [*self._store.troubles, *self._faults.troubles, *self._killed(), *self._exhausted]
            ),
            complaints=complaints,
            outages=len(self._store.troubles),
            logouts=judge.logouts,
            hits=self._faults.hits,
            numbers={
                "seconds, all in all": f"{now - began:.1f}",
                "logins": self._counts["opened"],
                "logouts accepted": len(self._ended),
                "logouts accepted while the store was down": self._logouts_owed,
                "calls after a logout, refused": rightly,
                "calls refused for other reasons": f"{refusals.total()} ({others})",
                "tokens minted": len(ledger),
                "tokens revoked": sum(1 for entry in ledger if entry.revoked_at is not None),
                "tokens expired": sum(1 for entry in ledger if entry.is_expired(now)),
                "most requests to Monite in a second": self._monite.statistics.busiest_window,
                "still pending at the end": "yes" if pending else "nothing",
            },
        )
