"""The simulation itself: what it merges, what it repeats, and what it must not overlook."""

import pytest

from monite_auth.flights import Flight
from monite_auth.flows import Flows
from tests.simulation.actions import Drain, Logout, Token
from tests.simulation.judge import Violation
from tests.simulation.mutants import DueWithoutLease, FenceRemoved
from tests.simulation.scenarios import ALICE, Scenario, Script, named
from tests.simulation.scheduler import Schedule, explore, replay, sample
from tests.simulation.snapshot import freeze
from tests.simulation.work import hunt
from tests.simulation.world import Library, NotPrivate

TWO = ("tasks", "tasks")

TINY = [
    Scenario(
        "a mint that fails", (Script("c1", 0, (Token(ALICE),)),), mishaps=("lost", "down"), mishap_count=2
    ),
    Scenario("two callers, one flight", (Script("c1", 0, (Token(ALICE),)), Script("c2", 0, (Token(ALICE),)))),
    Scenario(
        "two processes",
        (Script("c1", 0, (Token(ALICE),)), Script("c2", 1, (Token(ALICE),))),
        TWO,
    ),
    Scenario(
        "a crash",
        (Script("c1", 0, (Token(ALICE),)), Script("c2", 1, (Logout(ALICE),))),
        TWO,
        crash_count=1,
    ),
    Scenario(
        "a loop that stops",
        (Script("c1", 0, (Token(ALICE),)), Script("c2", 0, (Token(ALICE),))),
        ("loops",),
        stop_count=1,
    ),
    Scenario(
        "two drainers",
        (Script("c1", 0, (Logout(ALICE),)), Script("c2", 1, (Drain(),))),
        TWO,
        before=((0, Token(ALICE)),),
        mishaps=("lost",),
        mishap_count=1,
    ),
]
"""Scenarios small enough to run each of their schedules by itself."""


@pytest.mark.parametrize("scenario", TINY, ids=lambda scenario: scenario.name)
def test_merging_equal_states_loses_no_schedule_and_no_end(scenario):
    merged = explore(scenario, Library())
    apart = explore(scenario, Library(), merge=False)
    assert apart.failure is None, f"\n{apart.failure}"
    assert merged.schedules == apart.schedules == apart.runs
    assert merged.ends == apart.ends
    assert merged.runs <= apart.runs


def test_the_order_in_which_schedules_are_taken_does_not_matter():
    assert explore(TINY[3], Library()).schedules == explore(TINY[3], Library(), shuffled=True).schedules


@pytest.mark.parametrize("mutant", [FenceRemoved, DueWithoutLease], ids=lambda mutant: mutant.__name__)
def test_failure_is_repeated_from_what_it_prints(mutant):
    failure = hunt(mutant.__name__).failure
    printed = str(failure).rpartition("--replay ")[2].strip("'")
    name, _, choices = printed.rpartition(":")
    schedule = Schedule(named(name), tuple(map(int, choices.split("."))))
    violation, trace = replay(schedule, mutant())
    assert str(violation) == str(failure.violation)
    assert trace == replay(schedule, mutant())[1]
    assert replay(schedule, Library())[0] is None


def test_random_schedules_are_the_same_every_time():
    first, second = sample(4_000, 60, Library()), sample(4_000, 60, Library())
    assert first.identities == second.identities
    assert first.choices == second.choices
    assert first.checks == second.checks


def test_snapshot_knows_all_that_is_remembered():
    """When one of these fails, `snapshot` has to learn what is new before merged states can be trusted."""
    watched = {"begun", "calls", "done", "error", "priority", "until"}
    assert set(Flight.__slots__) == watched | {"_callbacks", "_lock", "_loop", "_thread"}
    assert set(vars(Flows(None, None, None))) == {
        "_settings",
        "_directory",
        "_telemetry",
        "_flights",
        "_owner",
        "_look_at",
    }
    with pytest.raises(TypeError, match="teach"):
        freeze(object())


def test_a_wait_that_does_more_than_look_again_is_noticed():
    class Careless(FenceRemoved):
        flows = named_flows()

    with pytest.raises(NotPrivate):
        explore(TINY[1], Careless())


def named_flows():
    from tests.simulation.mutants import FlightsTokenHandedOver

    return FlightsTokenHandedOver.flows


def test_a_violation_says_which_promise():
    assert str(Violation("5 logout is final", "so it goes")) == "[5 logout is final] so it goes"
