"""The simulation itself: it merges only equal states, repeats every run, and overlooks nothing that is remembered."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from monite_auth.engine.engine import Engine
from monite_auth.engine.shared_peek import SharedPeek
from monite_auth.engine.single_flight import Flight, SingleFlight
from monite_auth.processes.awaited import Awaited
from monite_auth.settings import Settings
from tests.simulation.actions import Drain, EndUser, Job, Login, Logout, Sleep, Token
from tests.simulation.exploration import explore
from tests.simulation.judge import Violation, judge
from tests.simulation.library import Library
from tests.simulation.mutants import MUTANTS
from tests.simulation.mutants.budget import DueWithoutLease
from tests.simulation.mutants.logout import FenceRemoved, FlightsTokenHandedOver
from tests.simulation.mutants.outages import ReadOnlyForEver
from tests.simulation.run import Run
from tests.simulation.sampling import sample
from tests.simulation.scenarios import Scenario, Script, named
from tests.simulation.scenarios.people import AHEAD, ALICE, ALICE_TOO
from tests.simulation.schedule import Schedule, replay
from tests.simulation.shared_store import DOWN
from tests.simulation.snapshot import freeze
from tests.simulation.work import hunt
from tests.simulation.world import NotPrivate

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
    Scenario(
        "two accounts",
        (Script("c1", 0, (Token(ALICE),)), Script("c2", 1, (Logout(ALICE),))),
        TWO,
        accounts=(0, 1),
    ),
    Scenario(
        "a login and an end_user",
        (Script("c1", 0, (Login(AHEAD), Token(AHEAD))), Script("c2", 1, (EndUser("alice"),))),
        TWO,
    ),
    Scenario(
        "the same token again",
        (Script("c1", 0, (Logout(ALICE),)), Script("c2", 1, (Token(ALICE_TOO),))),
        TWO,
        before=((0, Token(ALICE)), (1, Token(ALICE_TOO))),
        scope="session",
        repeats=True,
    ),
    Scenario(
        "an outage",
        (Script("c1", 0, (Logout(ALICE),)), Script("c2", 1, (Sleep(1.5), Token(ALICE)))),
        TWO,
        before=((0, Token(ALICE)), (1, Token(ALICE))),
        troubles=(DOWN,),
        afterwards=False,
    ),
    Scenario(
        "a wall clock that is set",
        (Script("c1", 0, (Job("alice", 600.0),)), Script("c2", 0, (Sleep(1.5), EndUser("alice")))),
        wall_steps=(-300.0,),
    ),
    Scenario(
        "a store's clock that jumps",
        (Script("c1", 0, (Token(ALICE),)), Script("c2", 0, (Sleep(1.5), Logout(ALICE)))),
        store_jumps=(60.0,),
    ),
    Scenario(
        "an outage, and a process that dies",
        (Script("c1", 0, (Token(ALICE),)),),
        TWO,
        before=((0, Login(ALICE)),),
        troubles=(DOWN,),
        crash_count=1,
        has_journal=True,
        afterwards=False,
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
    assert str(failure).endswith(f" --mutant {mutant.__name__}")
    schedule = Schedule.parse(str(failure).rpartition("--replay '")[2].rpartition("'")[0])
    violation, trace = replay(schedule, mutant())
    assert str(violation) == str(failure.violation)
    assert trace == replay(schedule, mutant())[1]
    assert replay(schedule, Library())[0] is None


def test_random_schedules_are_the_same_every_time():
    first, second = sample(4_000, 60, Library()), sample(4_000, 60, Library())
    assert first.identities == second.identities
    assert first.choices == second.choices
    assert first.checks == second.checks


def test_every_promise_is_checked_by_random_schedules():
    checks = sample(0, 1_000, Library()).checks
    assert {name[0] for name, count in checks.items() if count > 10} >= set("12345678")


@pytest.mark.timeout(1800)  # beside the rest of the suite it has what is left of one processor
def test_random_schedules_catch_mutants_too():
    caught = {mutant.__name__ for mutant in MUTANTS if sample(0, 600, mutant()).failures}
    assert len(caught) >= 35, f"not caught: {sorted({each.__name__ for each in MUTANTS} - caught)}"


def test_snapshot_knows_all_that_is_remembered():
    """When one of these fails, `snapshot` has to learn what is new before merged states can be trusted."""
    frozen = {
        "_error",
        "_expires_at",
        "_is_left",
        "_known_empty_until",
        "_loop_ref",
        "_priority",
        "_state",
        "shared_peek",
    }
    ignored = {"_callbacks", "_finished", "_lock", "_surroundings", "_thread"}
    ignored |= {"waits_for"}  # it stands in the text of an error alone
    assert {*Flight.__slots__, *Awaited.__slots__} == frozen | ignored
    assert set(SharedPeek.__slots__) == {"_is_open", "_result"} | {"__weakref__", "_surroundings", "lock"}
    assert set(vars(SingleFlight())) == {"_flights"} | {"_cleanup_threshold", "_lock", "_surroundings"}
    engine = Engine(Settings(client_id="0f7e1a52-6c1d-4b0e-9a53-000000000001", client_secret="secret"), None)
    tools = {
        "_settings",
        "_directory",
        "_counts",
        "_surroundings",
        "_lock",
        "_flights",
        "_leader",
        "_epoch",
    }
    tools |= {"_drainer", "_strays", "_renewals", "_mint", "_revoke_within"}
    tools |= {"_requires_sessions", "_has_token_per_session", "_kind"}  # what the settings say
    assert set(vars(engine)) == {"strays", "flights", "drainer", "renewals", "tokens", "endings", "owner"}
    assert set(vars(engine.drainer)) - tools == {"sweep_at", "_working", "_sleeper", "_passes"}
    assert set(vars(engine.renewals)) - tools == {"_resume_at", "_cleanup_threshold"}
    assert set(vars(engine.tokens)) - tools == set()
    assert set(vars(engine.tokens._leader)) - tools == {"_has_minted"}
    assert set(vars(engine.endings)) - tools == {"_has_warned"}
    with pytest.raises(TypeError, match="teach"):
        freeze(object())


def test_snapshot_knows_all_that_a_fallback_remembers():
    store = Run(named("outage x logout x use"), Library()).world.processes[0].fallback.store
    tools = {"_clock", "_telemetry", "_lock", "_memory", "_owed", "_kind"}
    for_the_log = {"since", "_why", "_failures", "_asked_by"}
    of_outage = {"is_on", "lasts", "about", "_ask_again_at", "_asked_until", "_failed_at"}
    assert set(vars(store.outage)) - tools == of_outage | for_the_log
    of_owed = {"_operations", "_left", "_kept", "_turn", "_refusals", "_stuck", "_adopt_at"}
    assert set(vars(store._owed)) - tools == of_owed | {"journal", "_since_boot"}
    assert set(vars(store._owed._stuck)) - tools == {"_until", "ended"}
    assert set(vars(store._handover)) - tools == {"_tokens", "_kept", "_turn"}
    assert set(vars(store._trust)) - tools == {"seconds", "endings", "_newer", "_older", "_session_limit"}
    assert set(vars(store.parts)) - tools == {"_outages", "_part_of"}
    parts = {"outage", "read_only", "parts", "shared", "memory", "_handover", "_trust"}
    assert set(vars(store)) - tools == parts | {"_ends_within", "_whole", "_by_account"}


def test_a_run_without_an_end_is_given_up_and_says_what_kept_on_changing():
    failure = hunt(ReadOnlyForEver.__name__).failure
    assert "more than" in str(failure.violation)
    assert re.search(
        r"processes\[\d\]\.engine\.drainer\._sleeper\.alive_until: \d+ values", str(failure.violation)
    )
    assert re.search(r"after these steps: .*due \d+", str(failure.violation))
    assert failure.schedule.scenario.name in str(failure)


def test_an_exploration_of_too_many_states_is_given_up_and_says_what_kept_on_changing():
    explored = explore(named("mint x logout"), Library(), most_states=100)
    assert explored.states < 400
    assert explored.schedules == 0
    assert explored.too_many.startswith("there are more than 100 states.")
    assert re.search(r"  \S+: \d+ values", explored.too_many)


def test_a_wait_that_does_more_than_read_is_noticed():
    class Careless(FlightsTokenHandedOver):
        waits_are_private = True

    with pytest.raises(NotPrivate):
        explore(TINY[2], Careless())


def test_calls_of_one_process_share_a_read_while_another_process_logs_out(monkeypatch):
    """A judge that allows no sharing sees a call served from a read that came before a logout elsewhere."""
    scenario = named("two wait for a mint x logout in another process")
    assert explore(scenario, Library(), shuffled=True, most_runs=300).failure is None
    monkeypatch.setattr(judge, "SHARED_FOR", 0.0)
    assert explore(scenario, Library(), shuffled=True).failure.violation.check == "5 logout is final"


def test_command_line_replays_and_samples():
    command = [sys.executable, "-m", "tests.simulation"]
    replayed = subprocess.run(
        [*command, "--replay", "mint x logout:0.1"], capture_output=True, text=True, check=False
    )
    assert "end_session" in replayed.stdout
    assert "keeps all promises" in replayed.stdout
    assert replayed.returncode == 0
    caught = subprocess.run(
        [*command, "--replay", "mint x logout:0", "--mutant", "ClaimIgnoresEnded"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "[5 logout is final]" in caught.stdout
    assert caught.returncode == 1
    hunted = subprocess.run(
        [*command, "--mutant", "FenceRemoved"], capture_output=True, text=True, check=False
    )
    assert "[5 logout is final]" in hunted.stdout
    assert hunted.returncode == 0
    sampled = subprocess.run(
        [*command, "--schedules", "1000", "--seed", "3"], capture_output=True, text=True, check=False
    )
    assert "1,000 run" in sampled.stdout
    assert sampled.returncode == 0


README = Path(__file__).with_name("README.md").read_text()


@pytest.mark.parametrize(
    ("command", "output"),
    re.findall(r"```console\n\$ (.*)\n((?:.*\n)*?)```", README),
    ids=lambda text: text[:60],
)
def test_commands_of_the_readme_print_what_it_says(command, output):
    arguments = shlex.split(command)
    assert arguments[0] == "python"
    run = subprocess.run([sys.executable, *arguments[1:]], capture_output=True, text=True, check=False)
    pattern = re.escape(output.strip()).replace(re.escape("…"), "(?:.|\n)*")
    assert re.fullmatch(pattern, run.stdout.strip()), run.stdout


def test_a_violation_says_which_promise():
    assert str(Violation("5 logout is final", "so it goes")) == "[5 logout is final] so it goes"
