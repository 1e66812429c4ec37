"""Who goes on: one schedule of a scenario, all of them, or many random ones.

A *schedule* is a list of choices, each the number of one of the options that there were at that point: who takes
the next step, which answer Monite gives, whether and where an accident happens. A scenario and its choices say
everything about a run, so a failure is repeated by them (`Schedule`).

`explore` takes every schedule of a scenario. It runs each prefix of choices from the start and does not go on from
a state that it has been in before (see `snapshot` for why equal states have equal futures). The number of schedules
is then counted without running each: it is the number of paths through the graph of states.

`sample` takes one random schedule, by a number.
"""

import gc
import logging
import random
import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from monite_auth import Principal
from monite_auth.identity import PARTNER, Subject
from tests.simulation.actions import Action, Drain, Logout, Token, play
from tests.simulation.judge import Violation
from tests.simulation.scenarios import Scenario, larger
from tests.simulation.snapshot import Histories, snapshot
from tests.simulation.world import Library, Process, World

MOST_DRAINS = 20
"""Drains that are tried at the end: enough for a lease of 30 s, at one every 10 s."""

LONG = 60.0
"""Seconds after which nothing rests and no lease runs any more."""

PAUSE = 3.0
"""Seconds after which a renewal is tried again that has found somebody else at work."""

__all__ = ["Explored", "Failure", "Run", "Sampled", "Schedule", "explore", "replay", "sample", "simulating"]


@dataclass(frozen=True, slots=True)
class Schedule:
    """A scenario and the choices that make one run of it."""

    scenario: Scenario
    choices: tuple[int, ...]

    def __str__(self) -> str:
        choices = ".".join(map(str, self.choices))
        return f"{self.scenario.name}:{re.sub('([.]0)+$', '', choices)}"


@dataclass(slots=True)
class Failure:
    """A broken promise, and the schedule that broke it."""

    violation: Violation
    schedule: Schedule

    def __str__(self) -> str:
        return f"{self.violation}\nReplay: python -m tests.simulation --replay '{self.schedule}'"


@contextmanager
def simulating(library: Library) -> Iterator[None]:
    """Make simulations possible: a quiet log, and the library that is to be simulated."""
    log = logging.getLogger("monite_auth")
    level = log.level
    log.setLevel(logging.CRITICAL + 1)  # there are hundreds of thousands of warnings to come
    gc.disable()  # worlds are full of cycles; `collect` is called now and then instead
    try:
        with library.installed():
            yield
    finally:
        gc.enable()
        log.setLevel(level)


BETWEEN_COLLECTIONS = 200
"""Runs after which garbage is collected: some tens of megabytes."""


Option = tuple[str, Any, Any]
"""What may happen next: `("step", actor, mishap)`, `("time", None, None)`, or an accident."""


class Run:
    """One run of a scenario, driven from outside: ask for `options`, `take` one, until there are none."""

    def __init__(self, scenario: Scenario, library: Library, *, watched: bool = False) -> None:
        self.scenario = scenario
        self.world = World(scenario, library, watched=watched)
        self.choices: list[int] = []
        self.mishaps, self.crashes = scenario.mishap_count, scenario.crash_count
        self.stops, self.cancellations = scenario.stop_count, scenario.cancel_count
        self.lags = scenario.lags
        self.accidents: Counter[str] = Counter()
        self.asides = 0
        for number, action in enumerate(scenario.before):
            self.world.run_alone(f"before{number}", self.world.processes[action[0]], play_one(self, action))
        for script in scenario.scripts:
            process = self.world.processes[script.process]
            self.world.add(script.name, process, play(self.world, process, script.actions))

    @property
    def may_go_wrong(self) -> bool:
        return bool(self.mishaps or self.crashes or self.stops or self.cancellations or self.lags)

    def budget(self) -> tuple[Any, ...]:
        """Return which accidents may still happen."""
        return (self.mishaps, self.crashes, self.stops, self.cancellations, self.lags)

    def steps(self) -> list[Option]:
        """Return the options that are no accidents."""
        ready = self.world.ready()
        if ready:
            if self.world.waits_are_private:
                for actor in ready:
                    if actor.operation.is_private:
                        return [("step", actor, None)]
            return [("step", actor, None) for actor in ready]
        return [("time", None, None)] if self.world.actors else []

    def accidents_now(self, steps: Sequence[Option]) -> list[Option]:
        """Return the accidents that could happen instead."""
        if not steps or not self.may_go_wrong:
            return []
        if steps[0][0] == "step" and self.world.waits_are_private and steps[0][1].operation.is_private:
            return []  # they can happen right after it as well
        found: list[Option] = []
        if self.mishaps:
            found += [
                ("step", actor, mishap)
                for kind, actor, _ in steps
                if kind == "step" and actor.operation.mishaps()
                for mishap in self.scenario.mishaps
                if mishap != "refused" or actor.operation.label == "mint"
            ]
        actors = self.world.actors
        if self.crashes:
            alive = [
                each for each in self.world.processes if each.alive and any(a.process is each for a in actors)
            ]
            found += [("crash", process, None) for process in alive]
        tasks = [actor for actor in actors if not actor.process.threads]
        if self.stops:
            loops = {id(a.loop): a for a in reversed(tasks) if a.process.flavour == "loops"}
            found += [("stop", actor, None) for actor in reversed(loops.values())]
        if self.cancellations:
            found += [("cancel", actor, False) for actor in tasks]
            found += [("cancel", actor, True) for actor in tasks if actor.operation.in_store]
        if self.lags and steps[0][0] == "step":
            found.append(("lag", self.lags[0], None))
        return found

    def options(self) -> list[Option]:
        steps = self.steps()
        return steps + self.accidents_now(steps)

    def take(self, number: int, options: Sequence[Option]) -> None:
        """Let the option of this number happen."""
        self.choices.append(number)
        kind, subject, detail = options[number]
        world = self.world
        if kind == "step":
            if detail is not None:
                self.mishaps -= 1
                self.accidents[detail] += 1
            world.step(subject, detail)
            return
        if kind == "time":
            moment = world.next_moment()
            if moment is None:
                waiting = ", ".join(f"{actor.name} ({actor.operation.label})" for actor in world.actors)
                raise Violation("2 no wedge", f"nobody can ever go on: {waiting}")
            for account in world.accounts:
                account.judge.time_passes()
            world.pass_time(moment)
            return
        self.accidents[kind] += 1
        if world.trace is not None:
            name = getattr(subject, "name", subject)
            world.trace.append(f"           *** {kind} {name}{' after the step' if detail else ''}")
        if kind == "crash":
            self.crashes -= 1
            world.crash(subject)
        elif kind == "stop":
            self.stops -= 1
            world.stop(subject.loop)
        elif kind == "cancel":
            self.cancellations -= 1
            world.cancel(subject, done=detail)
        else:
            self.lags = self.lags[1:]
            world.lag(subject)

    def finish(self) -> int:
        """Nobody acts any more: work off what is pending, judge, and see that the slots still work."""
        world = self.world
        later = [
            world.add_process(f"later{number or ''}", account)
            for number, account in enumerate(world.accounts)
        ]
        for _ in range(MOST_DRAINS):
            if not world.has_pending():
                break
            for process in later:
                self._do(process, Drain(60.0))
            world.pass_time(world.now + 10.0)
        lost = sum(account.judge.all_is_over() for account in world.accounts)
        if lost and not self.accidents:
            raise Violation("5 logout is final", f"{lost} tokens were lost, and nothing had gone wrong")
        if self.scenario.afterwards:
            self._see_that_all_works()
        return lost

    def _see_that_all_works(self) -> None:
        """See that no accident has left anything behind: in each process that lives, all goes on as usual."""
        world = self.world
        world.pass_time(world.now + LONG)
        for account in world.accounts:
            account.judge.must_succeed = True
        people = dict.fromkeys(
            action.who
            for script in self.scenario.scripts
            for action in script.actions
            if isinstance(action, Token)
        )
        for process in [each for each in world.processes if each.alive]:
            newcomer = Principal("zoe", session_id=f"of {process.name}")
            self._do(process, *map(Token, people))
            for who in people:
                self._see_renewal(process, who)
            self._do(process, Token(newcomer), Logout(newcomer))
            if process.account.judge.has_pending():
                raise Violation("6 nothing is lost", f"long after, {process.name} does not revoke by itself")

    def _see_renewal(self, process: Process, who: Subject) -> None:
        judge, world = process.account.judge, self.world
        shelf = judge.shelves.get(world.slot(who))
        if shelf is None or shelf.live is None or judge.sessions.may_be_refused(who):
            return
        old = shelf.live
        world.pass_time(max(world.now + PAUSE, old.renew_at))
        if judge.sessions.may_be_refused(who):  # it is too old by now
            return
        if who is not PARTNER and not judge.sessions.is_known(who):  # the first call makes it known
            self._do(process, Token(who))
        self._do(process, Token(who))
        if shelf.live is old:
            raise Violation("4 valid beats new", f"long after, {process.name} renews no token of {who}")

    def _do(self, process: Process, *actions: Action) -> None:
        self.asides += 1
        self.world.run_alone(f"after{self.asides}", process, play(self.world, process, actions))


def play_one(run: Run, action: tuple[int, Any]) -> Any:
    """Play one action of a scenario's past."""
    process = run.world.processes[action[0]]
    return play(run.world, process, [action[1]])


# -- one schedule again


def replay(schedule: Schedule, library: Library) -> tuple[Violation | None, list[str]]:
    """Run one schedule; return what it breaks, if anything, and what happened step by step."""
    with simulating(library):
        run = Run(schedule.scenario, library)  # what broke before the first choice is raised
        run.world.trace = []
        try:
            for number in schedule.choices:
                options = run.options()
                if number >= len(options):
                    raise ValueError("this schedule is of another version of the library or of the scenarios")
                run.take(number, options)
            while options := run.options():  # the choices of a failure end where it shows
                run.take(0, options)
            run.finish()
        except Violation as violation:
            return violation, run.world.trace
        finally:
            run.world.close()
        return None, run.world.trace


# -- all schedules


@dataclass(slots=True)
class Explored:
    """What came of exploring a scenario.

    `schedules`: how many different ones there are, all of them judged; 0 when it was not explored to its end.
    """

    scenario: Scenario
    schedules: int = 0
    states: int = 0
    runs: int = 0
    accidents: int = 0
    checks: Counter[str] = field(default_factory=Counter)
    ends: set[int] = field(default_factory=set)
    """The states in which everybody has come to an end, as hashes of this process."""
    seconds: float = 0.0
    failure: Failure | None = None


_END = -1


def explore(
    scenario: Scenario,
    library: Library,
    *,
    merge: bool = True,
    shuffled: bool = False,
    most_runs: int | None = None,
) -> Explored:
    """Take every schedule of the scenario, until one breaks a promise.

    `merge=False` runs each to its end. `shuffled` takes them in a mixed order, which finds mistakes sooner than one
    that changes the last choices first.
    """
    explored = Explored(scenario)
    started = time.perf_counter()
    with simulating(library):
        _Exploration(scenario, library, explored, merge=merge, shuffled=shuffled).run(most_runs)
    explored.seconds = time.perf_counter() - started
    return explored


@dataclass(slots=True)
class _Branch:
    """An option that was not taken yet: the choices up to and with it, and of which state it is an option.

    `histories`: those of the actors in that state, so that they need not be gathered again.
    """

    choices: tuple[int, ...]
    histories: dict[str, int]
    node: int
    option: int


class _Exploration:
    def __init__(
        self, scenario: Scenario, library: Library, explored: Explored, *, merge: bool, shuffled: bool
    ) -> None:
        self._scenario = scenario
        self._library = library
        self._explored = explored
        self._merge = merge
        self._dice = random.Random(1) if shuffled else None
        self._histories = Histories()
        self._nodes: dict[Any, int] = {}
        self._children: list[list[int]] = []  # of each node, by option
        self._todo: list[_Branch] = [_Branch((), {}, _END, 0)]

    def run(self, most_runs: int | None) -> None:
        explored = self._explored
        while self._todo and explored.failure is None and (most_runs is None or explored.runs < most_runs):
            if self._dice is not None:
                other = int(self._dice.random() * len(self._todo))
                self._todo[other], self._todo[-1] = self._todo[-1], self._todo[other]
            branch = self._todo.pop()
            explored.runs += 1
            if explored.runs % BETWEEN_COLLECTIONS == 0:
                gc.collect()
            run = None
            try:
                run = Run(self._scenario, self._library, watched=True)
                for number in branch.choices[:-1]:
                    run.take(number, run.options())
                for actor in run.world.actors:
                    actor.history = branch.histories.get(actor.name, 0)
                if self._merge:
                    run.world.watch(self._histories.observe)
                for number in branch.choices[-1:]:
                    run.take(number, run.options())
                self._go_on(run, branch.node, branch.option)
            except Violation as violation:
                choices = tuple(run.choices) if run is not None else ()
                explored.failure = Failure(violation, Schedule(self._scenario, choices))
            finally:
                if run is not None:
                    run.world.close()
                    explored.checks.update(run.world.checks())
        explored.states = len(self._children)
        if explored.failure is None and not self._todo:
            explored.schedules = self._count()

    def _go_on(self, run: Run, parent: int, option: int) -> None:
        """Run to the end, or to a state that is known; leave the options not taken for later."""
        while options := run.options():
            if len(options) > 1:
                node, is_new = self._node(run, len(options))
                self._link(parent, option, node)
                if not is_new:
                    return
                self._explored.accidents += sum(
                    kind != "step" or bool(detail) for kind, _, detail in options[1:]
                )
                choices = tuple(run.choices)
                histories = {actor.name: actor.history for actor in run.world.actors}
                for number in range(len(options) - 1, 0, -1):
                    self._todo.append(_Branch((*choices, number), histories, node, number))
                parent, option = node, 0
            run.take(0, options)
        self._link(parent, option, _END)
        end = hash(snapshot(run.world))
        if not self._merge or end not in self._explored.ends:
            self._explored.ends.add(end)
            run.finish()

    def _node(self, run: Run, options: int) -> tuple[int, bool]:
        key = (snapshot(run.world), run.budget()) if self._merge else len(self._children)
        known = self._nodes.get(key)
        if known is not None:
            return known, False
        node = self._nodes[key] = len(self._children)
        self._children.append([_END] * options)
        return node, True

    def _link(self, parent: int, option: int, node: int) -> None:
        if parent != _END:
            self._children[parent][option] = node

    def _count(self) -> int:
        """Return the number of paths from the first state to an end."""
        paths: dict[int, int] = {_END: 1}
        pending = [0] if self._children else [_END]
        while pending:
            node = pending[-1]
            if node in paths:
                pending.pop()
                continue
            missing = [child for child in self._children[node] if child not in paths]
            if missing:
                pending += missing
                continue
            paths[node] = sum(paths[child] for child in self._children[node])
            pending.pop()
        return paths[0] if self._children else 1


# -- random schedules


@dataclass(slots=True)
class Sampled:
    """What came of random schedules. `identities` tell different schedules apart."""

    identities: set[int] = field(default_factory=set)
    schedules: int = 0
    choices: int = 0
    accidents: Counter[str] = field(default_factory=Counter)
    checks: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    """Tokens whose answer reached nobody, or somebody who died with it."""
    seconds: float = 0.0
    failures: list[Failure] = field(default_factory=list)

    def add(self, other: "Sampled") -> None:
        """Add what came of others."""
        self.identities |= other.identities
        self.schedules += other.schedules
        self.choices += other.choices
        self.accidents += other.accidents
        self.checks += other.checks
        self.lost += other.lost
        self.seconds += other.seconds
        self.failures += other.failures


SCHEDULES_PER_SCENARIO = 4
"""Random schedules of each larger scenario, one after the other."""


def sample(first: int, count: int, library: Library) -> Sampled:
    """Take `count` random schedules of larger scenarios, those of the numbers from `first`; stop at a failure."""
    sampled = Sampled()
    started = time.perf_counter()
    with simulating(library):
        for number in range(first, first + count):
            if number % BETWEEN_COLLECTIONS == 0:
                gc.collect()
            _sample(larger(number // SCHEDULES_PER_SCENARIO), number, library, sampled)
            if sampled.failures:
                break
    sampled.seconds = time.perf_counter() - started
    return sampled


def _sample(scenario: Scenario, number: int, library: Library, sampled: Sampled) -> None:
    dice = random.Random(number)
    stickiness = dice.choice((0.0, 0.0, 0.5, 0.8))
    accident = dice.choice((0.02, 0.05, 0.15))
    last = None
    run = None
    try:
        run = Run(scenario, library)
        while steps := run.steps():
            if dice.random() < accident and (accidents := run.accidents_now(steps)):
                run.take(len(steps) + int(dice.random() * len(accidents)), steps + accidents)
                continue
            choice = int(dice.random() * len(steps))
            if stickiness and dice.random() < stickiness:
                choice = next((n for n, (_, actor, _) in enumerate(steps) if actor is last), choice)
            last = steps[choice][1]
            run.take(choice, steps)
        sampled.lost += run.finish()
    except Violation as violation:
        sampled.failures.append(Failure(violation, Schedule(scenario, tuple(run.choices if run else ()))))
    finally:
        sampled.schedules += 1
        if run is not None:
            run.world.close()
            sampled.identities.add(hash((int(scenario.name), *run.choices)))
            sampled.choices += len(run.choices)
            sampled.accidents.update(run.accidents)
            sampled.checks.update(run.world.checks())
