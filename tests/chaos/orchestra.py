"""The whole performance: Monite, a store, the workers, the violence; then peace, a drain, and the judge."""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from monite_auth.emulator import ANNA_ID, Monite, serve
from monite_auth.emulator.clock import Clock
from monite_auth.emulator.directory import EntityUser as EmulatedUser
from tests.chaos.agenda import Agenda, Deed
from tests.chaos.crew import Crew
from tests.chaos.diary import Library
from tests.chaos.grounds import GROUNDS, Ground
from tests.chaos.judge import Entry, Judge
from tests.chaos.plan import CREDENTIALS, TOKEN_LIFE, Plan, entity_user
from tests.chaos.report import Report
from tests.chaos.violence import Violence
from tests.chaos.worker import open_broker
from tests.waiting import until

WORKERS = 8

SESSIONS_PER_SECOND = 70
"""Logins, at the most: as many as two processors bear beside everything else."""

WAITING = 24
"""Tasks on the agenda, at the most; so many more are in the workers' hands."""

ROOM_AT_MONITE = 5
"""Monite's limit is so many times the workers' budget: while the store is down, each process counts for itself."""

LOOK = 0.05
"""Seconds between looks into the diaries."""

STARTED_WITHIN, ENDED_WITHIN, STOPPED_WITHIN, DRAINED_WITHIN = 60.0, 60.0, 150.0, 120.0
"""Seconds for each part, at the most; a part that takes longer is a failure."""

ASK_AGAIN = 5.0
"""Seconds after which a task that nobody has done is put on the agenda again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """How long the violence lasts: `seconds`, and until so much has happened, but no longer than `patience`."""

    seconds: float
    patience: float
    hurried: bool
    logouts: int = 0
    kills: int = 0
    blows: int = 0
    faults: int = 0


SHORT = Form(seconds=16, patience=60, hurried=True, logouts=1000, kills=5, blows=2, faults=30)
"""The form of CI."""


def long(seconds: float) -> Form:
    """Return a form that lasts, with the package's own patience in drains."""
    return Form(seconds=seconds, patience=seconds, hurried=False)


def perform(
    store: str, seed: int, form: Form, place: Path, *, token_scope: Literal["user", "session"] = "user"
) -> Report:
    """Let it all happen, with the diaries in `place`, and report."""
    began = time.monotonic()
    # The ledger's times are to be compared with the diaries', so no wall clock may be set meanwhile.
    epoch = time.time() - began
    monite = Monite(token_life=TOKEN_LIFE, clock=Clock(lambda: epoch + time.monotonic()))
    with _ground(store, place) as ground, serve(monite) as emulator:
        plan = Plan(
            seed=seed,
            store_url=ground.url,
            api_url=emulator.api_url,
            hurried=form.hurried,
            token_scope=token_scope,
        )
        plan.save(place / "plan.json")
        _hire_people(monite, plan)
        orchestra = Orchestra(plan, form, place, ground, monite)
        orchestra.play()
        pending = _drain(plan)
        return orchestra.report(store, pending=pending, began=began, epoch=epoch)


@contextmanager
def _ground(store: str, place: Path) -> Iterator[Ground]:
    ground = GROUNDS[store](place)
    try:
        yield ground
    finally:
        ground.close()


def _hire_people(monite: Monite, plan: Plan) -> None:
    monite.requests_per_second = ROOM_AT_MONITE * plan.requests_per_second
    monite.add_credentials(*CREDENTIALS)
    anna = monite.directory.users.get(ANNA_ID)
    assert anna is not None
    for person in range(plan.people):
        known = entity_user(person)
        monite.directory.users.add(
            EmulatedUser,
            str(known.entity_user_id),
            entity_id=known.entity_id,
            login=f"user-{person}",
            role_id=anna.role_id,
            fields={"first_name": f"User {person}"},
        )


def _drain(plan: Plan) -> bool:
    """Do what `monite-auth drain` does until nothing is pending; say whether something is all the same."""
    give_up = time.monotonic() + DRAINED_WITHIN
    pause = threading.Event()
    with open_broker(plan) as broker:
        while (next_in := broker.drain(within=5).next_in) is not None and time.monotonic() < give_up:
            pause.wait(min(next_in, 1.0))
    return next_in is not None


class Orchestra:
    """The workers and the violence of one performance, and what is known of the sessions meanwhile."""

    def __init__(self, plan: Plan, form: Form, place: Path, ground: Ground, monite: Monite) -> None:
        self._plan = plan
        self._form = form
        self._place = place
        self._ground = ground
        self._monite = monite
        self._library = Library(place)
        self._tick = threading.Event()  # never set: it is there to wait for
        self._counts: Counter[str] = Counter()
        self._leaving: set[int] = set()
        self._staying: set[int] = set()
        self._ended: set[int] = set()
        self._checked: set[int] = set()
        self._ready: set[str] = set()
        self._repeated = 0
        self._refusals: Counter[str] = Counter()

    def play(self) -> None:
        self._agenda = Agenda.new()
        try:
            self._crew = Crew(WORKERS, self._place / "plan.json", self._agenda, self._library)
            try:
                self._wait_for_workers()
                self._violence = Violence(
                    self._plan.seed, self._crew, self._ground, self._monite, killed=self._pass_on
                )
                try:
                    self._violence.start()
                    self._feed()
                finally:
                    self._violence.stop()
                self._insist(Deed.END, self._leaving, self._ended)
                self._insist(Deed.CHECK, self._staying, self._checked)
                self._wait_for_workers()  # those hired last do not know yet how to stop
                self._crew.let_go(within=STOPPED_WITHIN)
            finally:
                self._crew.close()
        finally:
            self._agenda.close()

    def _wait_for_workers(self) -> None:
        def ready() -> bool:
            self._look()
            return self._ready >= self._crew.names() or self._fails()

        until(ready, seconds=STARTED_WITHIN)

    def _fails(self) -> bool:
        return self._crew.has_lost_one()

    def _look(self) -> None:
        """Read on in the diaries."""
        for event in self._library.read_on():
            self._counts[event.kind] += 1
            session: int = event.facts.get("session", -1)
            match event.kind:
                case "opened":
                    stays = self._plan.session(session).stays
                    (self._staying if stays else self._leaving).add(session)
                case "ended":
                    self._ended.add(session)
                    self._repeated += event.facts["failed"] > 0
                case "checked":
                    self._checked.add(session)
                case "refused":
                    self._refusals[event.facts["why"]] += 1
                case "ready":
                    self._ready.add(event.process)

    def _feed(self) -> None:
        """Have people log in, one after the other, until enough has happened."""
        began = time.monotonic()
        issued = 0
        while not (self._fails() or self._is_enough(time.monotonic() - began)):
            passed = time.monotonic() - began
            while len(self._agenda) < WAITING and issued < passed * SESSIONS_PER_SECOND:
                self._agenda.put(Deed.OPEN, issued)
                issued += 1
            self._tick.wait(LOOK)
            self._look()

    def _is_enough(self, passed: float) -> bool:
        form = self._form
        return passed >= form.patience or (
            passed >= form.seconds
            and len(self._ended) >= form.logouts
            and self._crew.blows["worker killed"] >= form.kills
            and self._ground.blows.total() >= form.blows
            and self._violence.hits.total() >= form.faults
        )

    def _pass_on(self, name: str) -> None:
        """Give what a dead worker had in hand to the others: people press the button again, some twice."""
        in_hand: dict[int, None] = {}
        for event in Library(self._place).read(name):
            session: int = event.facts.get("session", -1)
            if event.kind in ("opened", "ending") and not self._plan.session(session).stays:
                in_hand[session] = None
            elif event.kind == "ended":
                in_hand.pop(session, None)
        for session in in_hand:
            self._agenda.put(Deed.END, session)

    def _insist(self, deed: Deed, wanted: set[int], done: set[int]) -> None:
        """In peace, put tasks on the agenda until all that is wanted is done: some were lost with who took them."""
        give_up = time.monotonic() + ENDED_WITHIN
        ask_again = 0.0
        while time.monotonic() < give_up and not self._fails():
            self._look()
            if len(self._agenda) == 0:
                missing = sorted(wanted - done)
                if not missing:
                    return
                if time.monotonic() >= ask_again:
                    for session in missing[: 10 * WAITING]:
                        self._agenda.put(deed, session)
                    ask_again = time.monotonic() + ASK_AGAIN
            self._tick.wait(LOOK)

    def report(self, store: str, *, pending: bool, began: float, epoch: float) -> Report:
        """Have it judged."""
        self._look()
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
        (self._place / "ledger.json").write_text(json.dumps([entry._asdict() for entry in ledger]))
        now = time.monotonic()
        verdict = Judge(self._plan, self._library.events, ledger, self._crew.killed, now).verdict()
        complaints = self._crew.complaints()
        if pending:
            complaints.append("something was still pending when everything should have been drained")
        refusals = Counter(self._refusals)
        rightly = refusals.pop("session_ended", 0)
        others = ", ".join(f"{why} {count}" for why, count in refusals.most_common())
        return Report(
            store=store,
            seed=self._plan.seed,
            place=self._place,
            verdict=verdict,
            complaints=complaints,
            logouts=len(self._ended),
            kills=self._crew.blows["worker killed"],
            blows=self._ground.blows.total(),
            hits=self._violence.hits,
            numbers={
                "seconds, all in all": f"{now - began:.1f}",
                "logins": self._counts["opened"],
                "logouts recorded": len(self._ended),
                "logouts that had to be repeated": self._repeated,
                "tokens handed out": self._counts["got"],
                "calls after a logout, refused": rightly,
                "calls refused for other reasons": f"{refusals.total()} ({others})",
                **{f"{what}, times": count for what, count in sorted(self._crew.blows.items())},
                **{f"{what}, times": count for what, count in sorted(self._ground.blows.items())},
                "tokens minted": len(ledger),
                "tokens revoked": sum(1 for entry in ledger if entry.revoked_at is not None),
                "tokens expired": sum(1 for entry in ledger if entry.is_expired(now)),
                "most requests to Monite in a second": self._monite.statistics.busiest_window,
                "still pending at the end": "yes" if pending else "nothing",
            },
        )
