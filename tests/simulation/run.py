"""One run of a scenario: what may happen next, and what is judged at the end.

A run is driven from outside: ask for its `options`, `take` one, and go on until there are none; then `finish`. An option
is a step of an actor, with the answer that Monite gives, or the passing of time, or an accident.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from monite_auth import Principal
from monite_auth.identity import PARTNER, Subject
from monite_auth.stores.fallback.parts import QUIET
from tests.simulation.actions import Action, Drain, Logout, Token, play
from tests.simulation.judge import Violation
from tests.simulation.library import Library
from tests.simulation.process import Process
from tests.simulation.scenarios import Scenario
from tests.simulation.shared_store import BACK, FULL, READ_ONLY, TROUBLES
from tests.simulation.world import World

__all__ = ["Run"]

MOST_DRAINS = 20
"""Drains that are tried at the end: enough for a lease of 30 s, at one every 10 s."""

LONG = 60.0
"""Seconds after which no cooldown and no lease is left."""

PAUSE = 3.0
"""Seconds after which a renewal is tried again that another process was busy with."""

LOOK = QUIET + 10.0
"""Seconds after which the trouble of a store is over for everybody, and each process has looked for what is left."""

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
        self.wall_steps, self.store_jumps = scenario.wall_steps, scenario.store_jumps
        self.troubles = scenario.trouble_count if scenario.troubles and not scenario.lasting_trouble else 0
        self.accidents: Counter[str] = Counter()
        self.asides = 0
        self._callers = {script.name for script in scenario.scripts}
        for number, action in enumerate(scenario.before):
            self.world.run_alone(f"before{number}", self.world.processes[action[0]], play_one(self, action))
        if scenario.lasting_trouble:
            self.world.shared.begin(scenario.lasting_trouble)
        for script in scenario.scripts:
            process = self.world.processes[script.process]
            self.world.add(script.name, process, play(self.world, process, script.actions))

    @property
    def may_go_wrong(self) -> bool:
        clocks = self.wall_steps or self.store_jumps
        others = self.crashes or self.stops or self.cancellations or self.lags or clocks
        return bool(self.mishaps or self.store_may_change or others)

    @property
    def store_may_change(self) -> bool:
        """Whether trouble of the store may begin, or end, while a caller is left."""
        may_end = bool(self.world.shared.trouble) and not self.scenario.lasting_trouble
        return self._is_in_use() and (self.troubles > 0 or may_end)

    def budget(self) -> tuple[Any, ...]:
        """Return which accidents may still happen."""
        return (
            self.mishaps,
            self.crashes,
            self.stops,
            self.cancellations,
            self.lags,
            self.troubles,
            self.wall_steps,
            self.store_jumps,
        )

    def steps(self) -> list[Option]:
        """Return the options without accidents."""
        ready = self.world.ready()
        if ready:
            if self.world.waits_are_private:
                for actor in ready:
                    if actor.operation.is_private:
                        return [("step", actor, None)]
            if self.scenario.troubles and not self._is_in_use():
                return [("step", ready[0], None)]  # what is left to do in the background takes many steps
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
        if self.store_may_change:
            kinds = self.scenario.troubles if self.troubles else ()
            found += [
                ("step", actor, trouble)
                for kind, actor, _ in steps
                if kind == "step"
                for trouble in actor.operation.troubles(self.world, actor, kinds)
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
        if self.wall_steps and self._is_in_use():
            found += [
                ("wall clock", process, self.wall_steps[0])
                for process in self.world.processes
                if any(actor.process is process for actor in actors)
            ]
        if self.store_jumps and self._is_in_use():
            found.append(("store's clock", self.store_jumps[0], None))
        return found

    def options(self) -> list[Option]:
        steps = self.steps()
        return steps + self.accidents_now(steps)

    def take(self, number: int, options: Sequence[Option]) -> None:
        """Take the option of this number."""
        self.choices.append(number)
        kind, subject, detail = options[number]
        world = self.world
        if kind == "step":
            if detail is not None:
                self.accidents[detail] += 1
                if detail in TROUBLES:
                    self.troubles -= 1
                elif detail != BACK:
                    self.mishaps -= 1
            world.step(subject, detail)
            self._mend_store()
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
            world.trace.append(f"           *** {kind} {name}{_detail(kind, detail)}")
        if kind == "crash":
            self.crashes -= 1
            world.crash(subject)
            self._mend_store()
        elif kind == "stop":
            self.stops -= 1
            world.stop(subject.loop)
        elif kind == "cancel":
            self.cancellations -= 1
            world.cancel(subject, done=detail)
        elif kind == "wall clock":
            self.wall_steps = self.wall_steps[1:]
            subject.host.set_clock(detail)
        elif kind == "store's clock":
            self.store_jumps = self.store_jumps[1:]
            world.store_is_ahead += subject
        else:
            self.lags = self.lags[1:]
            world.lag(subject)

    def _mend_store(self) -> None:
        """End the store's trouble when no caller is left: what runs in the background would wait for that for ever."""
        if self.world.shared.trouble and not self._is_in_use():
            self.world.shared.begin(BACK)

    def _is_in_use(self) -> bool:
        """Say whether a caller is left."""
        return any(each.name in self._callers for each in self.world.actors)

    def finish(self) -> int:
        """Drain what is pending when all scripts have ended, judge, and check that the slots still work; return how many
        tokens were lost.
        """
        world = self.world
        later = [
            world.add_process(f"later{number or ''}", account)
            for number, account in enumerate(world.accounts)
        ]
        if self.scenario.troubles:  # each process looks now and then for what others, or an outage, have left
            world.pass_time(world.now + LOOK)
            newcomer = Principal("zoe", session_id="after the trouble")
            for process in [each for each in world.processes if each.alive]:
                if {FULL, READ_ONLY} & set(
                    self.scenario.troubles
                ):  # a claim finds out that the store takes writes again
                    self._do(process, Token(newcomer))
                self._do(process, Drain(60.0))
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
        """Check that no accident has left anything behind: each process that lives gives, renews and revokes tokens."""
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


def _detail(kind: str, detail: Any) -> str:
    if kind == "wall clock":
        return f" {detail:+.0f} s"
    return " after the step" if detail else ""


def play_one(run: Run, action: tuple[int, Any]) -> Any:
    """Play one of the actions in `Scenario.before`."""
    process = run.world.processes[action[0]]
    return play(run.world, process, [action[1]])
