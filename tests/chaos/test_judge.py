"""The judge reports violations and nothing else: a small trial for each line of its tables."""

import pytest

from tests.chaos.event_log import Event
from tests.chaos.evidence import Entry
from tests.chaos.judge import DIED, LOST, MISSED, ORPHANED, STAYING, VIOLATION, Judge
from tests.chaos.plan import Plan

PLAN = Plan(seed=7, store_url="", api_url="", short_drains=True)
LEAVER = next(number for number in range(1000) if not PLAN.session(number).stays)
USER = PLAN.session(LEAVER).entity_user.entity_user_id
OTHER = next(n for n in range(1000) if PLAN.session(n).entity_user.entity_user_id != USER)
SAME = next(n for n in range(1000) if n != LEAVER and PLAN.session(n).entity_user.entity_user_id == USER)
KILLED, WELL = "threads-0-1", "tasks-1-1"


class Trial:
    """Events in the order of time, one second apart, and a ledger."""

    def __init__(self, plan: Plan = PLAN) -> None:
        self._plan = plan
        self.now = 0.0
        self._events: list[Event] = []
        self._ledger: dict[str, Entry] = {}

    def mints(self, token: str, *, user: str | None = USER, answer_lost: bool = False) -> "Trial":
        self.now += 1
        self._ledger[token] = Entry(token, user, self.now, None, 2000.0, answer_lost)
        return self

    def revokes(self, token: str) -> "Trial":
        self.now += 1
        self._ledger[token] = self._ledger[token]._replace(revoked_at=self.now)
        return self

    def writes(self, process: str, kind: str, **facts) -> "Trial":
        self.now += 1
        if kind in ("got", "refused", "ended", "called"):
            facts.setdefault("began", self.now - 0.5)
            facts.setdefault("use", "token")
        if kind in ("got", "called"):
            facts.setdefault("own", True)
        self._events.append(Event(process, kind, self.now, facts))
        return self

    def at(self, moment: float) -> "Trial":
        """Have the next event happen at this moment."""
        self.now = moment - 1
        return self

    def keeps(self, process: str, token: str, where: str = "shared", session: str | None = None) -> "Trial":
        self.writes(process, "read", token=token)
        self.writes(process, "committing", token=token, where=where, session=session)
        return self.writes(process, "committed", token=token, where=where, stored=True)

    def logs_out(self, process: str = WELL, session: int = LEAVER) -> "Trial":
        self.writes(process, "ending", session=session)
        began = self.now
        return self.records(process, session).accepts(process, session, began=began)

    def accepts(self, process: str = WELL, session: int = LEAVER, **facts) -> "Trial":
        return self.writes(process, "ended", session=session, **facts)

    def records(self, process: str = WELL, session: int = LEAVER) -> "Trial":
        return self.writes(process, "recorded", session=session)

    def verdict(self):
        return Judge(self._plan, self._events, self._ledger.values(), {KILLED}, self.now + 1).verdict()


def begun(session: int = LEAVER, plan: Plan = PLAN) -> Trial:
    return Trial(plan).writes(WELL, "opened", session=session)


def found(trial: Trial):
    """Return the class of the only token that is alive, and whether anything is wrong."""
    verdict = trial.verdict()
    assert verdict.live.total() == 1
    return next(iter(verdict.live)), bool(verdict.violations)


# -- tokens that are alive at the end


def test_a_token_of_a_session_that_stays_is_well():
    assert found(begun().mints("t").keeps(WELL, "t").writes(WELL, "checked", session=LEAVER)) == (
        STAYING,
        False,
    )


@pytest.mark.parametrize("process", [WELL, KILLED])
def test_a_token_that_a_store_had_and_that_outlives_its_logout_is_a_violation(process):
    assert found(begun().mints("t").keeps(process, "t").logs_out()) == (VIOLATION, True)


def test_a_token_whose_answer_was_cut_is_lost_on_the_way():
    assert found(begun().mints("t", answer_lost=True).logs_out()) == (LOST, False)


def test_a_token_that_nobody_read_is_missed():
    assert found(begun().mints("t").logs_out()) == (MISSED, False)


def test_a_token_that_was_read_and_never_committed_died_with_its_process():
    assert found(begun().mints("t").writes(KILLED, "read", token="t").logs_out()) == (DIED, False)
    assert found(begun().mints("t").writes(WELL, "read", token="t").logs_out()) == (VIOLATION, True)


def test_a_token_whose_answer_was_lost_and_which_a_store_had_all_the_same_is_a_violation():
    assert found(begun().mints("t", answer_lost=True).keeps(WELL, "t").logs_out()) == (VIOLATION, True)


def test_a_token_in_the_memory_of_a_killed_process_is_an_orphan():
    assert found(begun().mints("t").keeps(KILLED, "t", "memory").logs_out()) == (ORPHANED, False)
    assert found(begun().mints("t").keeps(WELL, "t", "memory").logs_out()) == (VIOLATION, True)


def test_an_orphan_that_another_process_handed_out_was_in_the_store():
    trial = (
        begun().mints("t").keeps(KILLED, "t", "memory").writes(WELL, "got", token="t", session=LEAVER)
    ).logs_out()
    assert found(trial) == (VIOLATION, True)


def test_another_session_of_the_user_saves_no_token_from_a_logout():
    trial = begun().writes(WELL, "opened", session=SAME).mints("t").keeps(WELL, "t").logs_out()
    assert found(trial.writes(WELL, "checked", session=SAME)) == (VIOLATION, True)


def test_with_a_token_for_each_session_it_does():
    plan = Plan(seed=7, store_url="", api_url="", short_drains=True, token_scope="session")
    trial = begun(plan=plan).writes(WELL, "opened", session=SAME).writes(WELL, "checked", session=SAME)
    trial.mints("t").keeps(WELL, "t", session=f"session-{SAME}").logs_out()
    assert found(trial) == (STAYING, False)
    trial = begun(plan=plan).mints("t").keeps(WELL, "t", session=f"session-{LEAVER}").logs_out()
    assert found(trial) == (VIOLATION, True)


def test_a_token_minted_after_the_logout_of_another_session_is_well():
    trial = begun().writes(WELL, "opened", session=SAME).logs_out().mints("t").keeps(WELL, "t")
    assert found(trial.writes(WELL, "checked", session=SAME)) == (STAYING, False)


# -- callers


def test_a_caller_of_an_ended_session_that_gets_a_token_is_a_violation():
    trial = begun().logs_out().mints("t").keeps(WELL, "t").writes(KILLED, "got", token="t", session=LEAVER)
    assert any("had logged out" in each for each in trial.revokes("t").verdict().violations)


def test_during_an_outage_it_is_not_unless_the_process_knew():
    trial = begun().logs_out(KILLED).mints("t").keeps(WELL, "t", "memory")
    verdict = trial.writes(WELL, "got", token="t", session=LEAVER).revokes("t").verdict()
    assert (verdict.during_outage, verdict.violations) == (1, [])
    trial = begun().logs_out(WELL).mints("t").keeps(WELL, "t", "memory")
    verdict = trial.writes(WELL, "got", token="t", session=LEAVER).revokes("t").verdict()
    assert (verdict.during_outage, len(verdict.violations)) == (0, 1)


@pytest.mark.parametrize("logged_out", [True, False])
def test_a_token_that_was_taken_away_or_is_dead_must_not_be_handed_out(logged_out):
    trial = begun(SAME).mints("t").keeps(WELL, "t").writes(WELL, "checked", session=SAME)
    if logged_out:
        trial.writes(WELL, "opened", session=LEAVER).logs_out()
    trial = trial.revokes("t").writes(KILLED, "got", token="t", session=SAME)
    assert len(trial.verdict().violations) == 1


@pytest.mark.parametrize("has_heard", [True, False])
def test_a_logout_that_is_repeated_takes_tokens_away_when_the_store_has_heard_of_it_again(has_heard):
    trial = begun(SAME).writes(WELL, "checked", session=SAME).writes(KILLED, "opened", session=LEAVER)
    trial.writes(KILLED, "ending", session=LEAVER).records(KILLED)  # and it is killed
    trial.mints("t").keeps(WELL, "t").writes(WELL, "ending", session=LEAVER)
    if has_heard:
        trial.records(WELL)
    trial.accepts(WELL, began=trial.now - 1.5)
    trial.writes("gevent-3-1.7", "got", token="t", session=SAME).records(WELL)
    assert len(trial.revokes("t").verdict().violations) == has_heard


def test_a_dead_token_whose_commit_was_interrupted_is_counted_apart():
    trial = begun(SAME).mints("t").keeps(WELL, "t", "memory").writes(WELL, "checked", session=SAME)
    verdict = trial.revokes("t").writes(KILLED, "got", token="t", session=SAME).verdict()
    assert (verdict.interrupted, verdict.violations) == (1, [])


def test_a_token_of_somebody_else_is_a_violation():
    trial = begun().mints("t", user=PLAN.session(OTHER).entity_user.entity_user_id).keeps(WELL, "t")
    trial = trial.writes(WELL, "got", token="t", session=LEAVER).revokes("t").logs_out()
    assert any("not its user's" in each for each in trial.verdict().violations)


def test_a_call_that_was_answered_as_somebody_else_is_a_violation():
    trial = begun().writes(WELL, "called", session=LEAVER, status=200, own=False).logs_out()
    assert any("as somebody else" in each for each in trial.verdict().violations)


def test_a_token_of_another_session_is_a_violation_where_each_has_one_of_its_own():
    plan = Plan(seed=7, store_url="", api_url="", short_drains=True, token_scope="session")
    for session, mixed_up in ((LEAVER, 0), (SAME, 1)):
        trial = begun(plan=plan).mints("t").keeps(WELL, "t", session=f"session-{session}")
        verdict = trial.writes(WELL, "got", token="t", session=LEAVER).revokes("t").logs_out().verdict()
        assert (verdict.handed_out, verdict.mixed_up, len(verdict.violations)) == (1, mixed_up, mixed_up)


def test_all_tokens_that_callers_got_are_looked_at_and_counted():
    other = PLAN.session(OTHER).entity_user.entity_user_id
    trial = begun().mints("t").keeps(WELL, "t").mints("others", user=other).keeps(WELL, "others")
    for token in ("t", "t", "others"):
        trial.writes(WELL, "got", token=token, session=LEAVER)
    verdict = trial.revokes("t").revokes("others").logs_out().verdict()
    assert (verdict.handed_out, verdict.mixed_up) == (3, 1)


def test_a_session_that_is_refused_before_its_logout_began_is_a_violation():
    trial = begun().writes(WELL, "refused", session=LEAVER, why="session_ended").logs_out()
    assert any("refused as logged out" in each for each in trial.verdict().violations)
    trial = begun().logs_out().writes(WELL, "refused", session=LEAVER, why="session_ended")
    assert trial.verdict().violations == []


# -- callers who waited

ASKED = 100.0
WAITS = [
    ("refused", {"why": "monite_unavailable", "use": "token"}, PLAN.deadline),
    ("got", {"token": "t", "use": "fresh"}, PLAN.deadline),
    ("got", {"token": "t", "use": "call"}, 2 * (PLAN.deadline + 5)),
    ("ended", {}, PLAN.store_patience + 0.5),
]


def waited(kind: str, facts: dict[str, str], seconds: float, *stalls: tuple[str, float, float]):
    """Return the verdict on somebody who waited for so long; `stalls`: the process, and seconds after the question."""
    trial = begun().mints("t").keeps(WELL, "t").writes(WELL, "ending", session=LEAVER)
    trial.at(ASKED - 10).writes(WELL, kind, session=LEAVER, **facts)  # one who waits for a moment
    for process, since, until in stalls:
        trial.at(ASKED + until).writes(process, "stalled", since=ASKED + since, seconds=until - since)
    trial.at(ASKED + seconds).writes(WELL, kind, session=LEAVER, began=ASKED, **facts)
    return trial.logs_out().revokes("t").verdict()


@pytest.mark.parametrize(("kind", "facts", "allowed"), WAITS)
def test_whoever_waits_for_more_than_a_second_beyond_their_time_is_late(kind, facts, allowed):
    assert (waited(kind, facts, allowed + 0.9).late, waited(kind, facts, allowed + 0.9).violations) == (0, [])
    verdict = waited(kind, facts, allowed + 1.1)
    assert verdict.late == 1
    assert ["was late" in each for each in verdict.violations] == [True]
    assert [wait.seconds for wait in verdict.slowest.values() if wait.is_late] == [
        pytest.approx(allowed + 1.1)
    ]


@pytest.mark.parametrize(("kind", "facts", "allowed"), WAITS)
def test_time_in_which_the_callers_process_was_stalled_is_taken_off(kind, facts, allowed):
    late = allowed + 1.1
    assert waited(kind, facts, late, (WELL, 0.5, 0.7)).late == 0
    assert waited(kind, facts, late, (WELL, -5, 0.2)).late == 0
    assert waited(kind, facts, late, (WELL, late - 0.2, late + 5)).late == 0
    assert waited(kind, facts, late, (KILLED, 0.5, 0.7)).late == 1
    assert waited(kind, facts, late, (WELL, 0.1, 0.15)).late == 1
    assert waited(kind, facts, late, (WELL, -5, 0), (WELL, late, late + 5)).late == 1


# -- logouts during an outage of the store


def test_a_logout_that_the_store_has_not_heard_of_holds_in_its_own_process_and_is_counted_elsewhere():
    trial = begun().mints("t").keeps(WELL, "t").accepts().writes(WELL, "got", token="t", session=LEAVER)
    assert any("had logged out" in each for each in trial.records().revokes("t").verdict().violations)
    trial = begun().mints("t").keeps(WELL, "t").accepts().writes(KILLED, "got", token="t", session=LEAVER)
    verdict = trial.records().revokes("t").verdict()
    assert (verdict.during_outage, verdict.violations) == (1, [])


def test_when_the_store_has_heard_of_it_it_holds_everywhere():
    trial = begun().mints("t").keeps(WELL, "t").accepts().records()
    trial = trial.writes(KILLED, "got", token="t", session=LEAVER).revokes("t")
    assert any("had logged out" in each for each in trial.verdict().violations)
    assert found(begun().mints("t").keeps(WELL, "t").accepts().records()) == (VIOLATION, True)


def test_a_logout_does_not_die_with_its_process():
    for process in (KILLED, WELL):
        violations = begun().accepts(process).verdict().violations
        assert any("the store never heard of it" in each for each in violations)
    assert found(begun().mints("t").keeps(WELL, "t").accepts(KILLED)) == (VIOLATION, True)


# -- sessions and workers


def test_a_session_that_neither_ended_nor_works_is_a_violation():
    assert len(begun().verdict().violations) == 1


def test_a_worker_that_goes_wrong_is_a_violation():
    trial = begun().logs_out()
    assert trial.verdict().violations == []
    trial.writes(WELL, "failed", session=LEAVER, why="KeyError").writes(WELL, "stopped", next_in=3.0)
    assert len(trial.verdict().violations) == 2


def test_a_worker_that_stops_since_its_server_was_killed_leaves_work_to_others():
    assert begun().logs_out().writes(KILLED, "stopped", next_in=3.0).verdict().violations == []
