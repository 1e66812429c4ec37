"""The simulated world: processes that share a store and a Monite, a clock, and actors that stop at every step.

An *actor* is a coroutine of the engine: a caller, the leader of a flight, background work. It runs until it awaits
something of its runtime, and stops there. A *step* does what one actor awaits (one operation of the store, one half of
a request, …) and runs that actor to its next stop. Nothing else happens in between, so a run is decided by the order of
its steps; see `run`.

Time stands still while any actor can go on. Then it moves to the next moment that an actor waits for. A *lag* is a
fault: time passes although an actor could have gone on, as when a process was stopped for a while.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from monite_auth.identity import PARTNER, Subject
from monite_auth.stores import PARTNER_SLOT, Slot
from tests.simulation.account import START, Account
from tests.simulation.endless import Bound
from tests.simulation.fallback import Fallback
from tests.simulation.host import Host, HostClocks
from tests.simulation.judge import Violation
from tests.simulation.library import Library
from tests.simulation.operations import UNFINISHED, Act, Failed, Operation, store_operations
from tests.simulation.process import POLL, Actor, EventLoop, Process
from tests.simulation.shared_store import Journals, SharedStore

__all__ = ["NotPrivate", "World"]

Flow = Coroutine[Any, Any, None]

LIVELOCK = 1_000
"""Steps without time passing that count as an endless loop; a run takes a few hundred steps in all."""

MOST_STEPS = 3_000
"""Steps after which a run counts as one without an end: the longest of 4,000 random ones took 342."""


class NotPrivate(Exception):
    """A step that was taken at once, since it should concern nobody else, does concern others."""


class Stage(Protocol):
    """The fields of a scenario that a world is made from; see `scenarios.Scenario`."""

    @property
    def processes(self) -> tuple[str, ...]: ...
    @property
    def accounts(self) -> tuple[int, ...]: ...
    @property
    def sweeps(self) -> bool: ...
    @property
    def scope(self) -> str: ...
    @property
    def requests_per_second(self) -> float: ...
    @property
    def life(self) -> int: ...
    @property
    def retry_after(self) -> str: ...
    @property
    def repeats(self) -> bool: ...
    @property
    def security(self) -> str: ...
    @property
    def session_memory(self) -> float: ...
    @property
    def troubles(self) -> tuple[str, ...]: ...
    @property
    def outage_trust(self) -> float: ...
    @property
    def has_journal(self) -> bool: ...
    @property
    def walls(self) -> tuple[float, ...]: ...


class World:
    """The processes, accounts, actors and the clock of one run."""

    poll = POLL

    def __init__(self, stage: Stage, library: Library, *, watched: bool = False) -> None:
        self.now = START
        self.lagged = 0.0
        """Seconds that passed in lags, although an actor could have gone on."""
        self.store_is_ahead = 0.0
        """Seconds by which the store's clock has jumped ahead of the truth."""
        self.running: Actor | None = None
        self.actors: list[Actor] = []
        self.trace: list[str] | None = None
        self.observe: Callable[[World, Actor, str, Any], None] | None = None
        """Called after each step with what the actor was told; see `snapshot`."""
        self.sweeps = stage.sweeps
        """Whether processes start a drain every half minute."""
        self._library = library
        self._watched = watched
        self._stage = stage
        self.waits_are_private = library.waits_are_private and not stage.troubles
        self.shared = SharedStore(store_operations)
        self.journals = Journals()
        self._dead: list[Actor] = []
        self._closed = False
        self._idle_steps = 0
        self.last_step = ""
        """The label of the last step."""
        self._bound = Bound(MOST_STEPS, "steps in one run")
        store = library.store(
            clock=self.store_clock,
            wall_clock=HostClocks(self),
            requests_per_second=stage.requests_per_second,
            session_memory=stage.session_memory,
            new_id=self.new_id,
            make_operations=library.operations,
        )
        whose = stage.accounts or (0,) * len(stage.processes)
        accounts = {number: Account(self, number, stage, store) for number in dict.fromkeys(whose)}
        self.accounts = tuple(accounts.values())
        self.settings = self.accounts[0].settings
        """The settings of one of the accounts: what they differ in does not matter where these are used."""
        self.processes: list[Process] = []
        walls = stage.walls or (0.0,) * len(stage.processes)
        for number, (flavour, account, ahead) in enumerate(
            zip(stage.processes, whose, walls, strict=True), 1
        ):
            self.add_process(f"p{number}", accounts[account], flavour, ahead)

    # -- what the library is handed

    def clock(self) -> float:
        return self.now

    def store_clock(self) -> float:
        """Return the time by which the store counts."""
        return self.now + self.store_is_ahead

    def new_id(self) -> str:
        """Return an id that follows from the running actor, so that a run can be repeated."""
        assert self.running is not None
        self.running.named += 1
        return f"{self.running.name}:{self.running.named}"

    def running_loop(self) -> EventLoop | None:
        """Return the loop of the actor that runs; threads are loops that are never stopped."""
        return self.running.loop if self.running is not None else None

    def slot(self, principal: Subject) -> Slot:
        """Return the slot of a principal. It is worked out anew here, since the library may be wrong."""
        if principal is PARTNER:
            return PARTNER_SLOT
        session = principal.session_id if self.settings.token_scope == "session" else None
        kind = None if self.settings.is_monite_managed else "partner"
        return Slot(principal.user_id, principal.tenant, session, kind)

    # -- actors

    def add_process(self, name: str, account: Account, flavour: str = "tasks", ahead: float = 0.0) -> Process:
        """Add a process on a host of its own, whose wall clock is `ahead` of the truth."""
        stage, fallback = self._stage, None
        if stage.troubles:
            trust, journal = stage.outage_trust, stage.has_journal
            fallback = Fallback(self, account, name, trust=trust, journal=journal)
        process = Process(
            self,
            account,
            name,
            self._library,
            flavour,
            watched=self._watched,
            fallback=fallback,
            host=Host(self, ahead),
        )
        self.processes.append(process)
        return process

    def add(self, name: str, process: Process, script: Flow) -> Actor:
        """Add a caller, at its first stop."""
        loop = EventLoop() if process.flavour == "loops" else process.loop
        actor = Actor(name, process, script, loop)
        self.actors.append(actor)
        self._resume(actor, None)
        return actor

    def spawn(self, process: Process, flow: Flow, loop: EventLoop | None = None) -> Actor:
        """Add an actor that the running one starts, on `loop` or on its own."""
        parent = self.running
        assert parent is not None
        if self._closed or not process.alive:
            flow.close()
            return parent
        parent.children += 1
        name = f"{parent.name}.{flow.__name__.strip('_')}{parent.children}"
        actor = Actor(name, process, flow, loop or parent.loop)
        actor.joined.update(parent.joined)
        self.actors.append(actor)
        if self.observe is not None:
            parent.seen.append(("spawned", name))
        return actor

    def watch(self, observe: "Callable[[World, Actor, str, Any], None]") -> None:
        """Call `observe` after each step, and gather in `Actor.seen` what actors learn besides."""
        self.observe = observe

    def act(self, label: str, act: Callable[[], None]) -> Operation[None]:
        """Return a step of the application's own, for scripts."""
        return Act(label, act)

    def ready(self) -> list[Actor]:
        """Return the actors that can go on now."""
        now = self.now
        return [actor for actor in self.actors if actor.operation.is_ready(now)]

    def step(self, actor: Actor, mishap: str | None = None) -> None:
        """Do what `actor` waits to do, and run it to its next stop."""
        operation = actor.operation
        self._idle_steps += 1
        if self._idle_steps > LIVELOCK:
            raise Violation(
                "2 no wedge", f"{actor.name} goes on and on ({operation.label}) and no time passes"
            )
        if self.trace is not None:
            self.trace.append(
                f"{self.now - START:9.4f}  {actor.name}: {operation.label} {mishap or ''}".rstrip()
            )
        self.running = actor
        judge = actor.process.account.judge
        if actor.name in judge.calls:
            judge.step_begins(actor)
        result = operation.perform(self, actor, mishap)
        if self.trace is not None and result is not None and result is not UNFINISHED:
            self.trace[-1] += f" -> {result.error!r}" if isinstance(result, Failed) else f" -> {result!r}"
        if result is not UNFINISHED:
            if self.observe is not None and actor.process.fallback is not None:
                actor.seen.append(actor.process.fallback.facts())
            before = len(actor.seen), actor.children
            self._resume(actor, result)
            if operation.is_private and self.waits_are_private:
                if not actor.operation.only_reads or before != (len(actor.seen), actor.children):
                    raise NotPrivate(f"{actor.name} did more than read after {operation.label}")
        if actor.process.fallback is not None:
            actor.process.fallback.step_ends()
        if self.observe is not None:
            self.observe(self, actor, operation.label, None if result is UNFINISHED else result)
        if actor.name in judge.calls:
            judge.step_ends(actor)
        self.running = None
        self.last_step = operation.label
        if self._bound.is_passed(self):
            raise Violation("2 no wedge", str(self._bound))

    def _resume(self, actor: Actor, result: Any) -> None:
        self.running = actor
        try:
            if isinstance(result, Failed):
                actor.operation = actor.coroutine.throw(result.error)
            else:
                actor.operation = actor.coroutine.send(result)
        except (StopIteration, asyncio.CancelledError):
            self._end(actor)
        except (Violation, NotPrivate):
            raise
        except Exception as error:
            raise Violation("2 no wedge", f"{actor.name} died of {type(error).__name__}: {error}") from error

    def _end(self, actor: Actor) -> None:
        actor.ended = True
        self.actors.remove(actor)
        actor.process.account.judge.actor_ended(actor)

    # -- time

    def next_moment(self) -> float | None:
        """Return when the next actor can go on, or None if none ever can."""
        moments = [a.operation.wake_at for a in self.actors if a.operation.wake_at > self.now]
        return min(moments, default=None)

    def pass_time(self, until: float) -> None:
        """Let time pass until a moment that an actor waits for."""
        self.now = until
        self._idle_steps = 0
        if self.trace is not None:
            self.trace.append(f"{self.now - START:9.4f}  time has passed")

    def lag(self, seconds: float) -> None:
        """Let time pass although an actor could go on."""
        self.lagged += seconds
        self.pass_time(self.now + seconds)

    def moments(self, date: float) -> tuple[float, float]:
        """Return when a session began at the earliest and at the latest, as far as the process that runs can tell by its date."""
        processes = [self.running.process] if self.running is not None else self.processes
        hosts = [process.host for process in processes]
        return min(each.oldest(date) for each in hosts), max(each.latest(date) for each in hosts)

    # -- accidents

    def crash(self, process: Process) -> None:
        """End a process as `kill -9` does: nothing of it runs again, not even to clean up."""
        process.alive = False
        self.journals.dead.add(process.name)
        process.account.judge.process_died(process.name)
        for actor in [each for each in self.actors if each.process is process]:
            self._lose(actor)

    def stop(self, loop: EventLoop) -> None:
        """Stop an event loop for good while its process lives. Its tasks never go on, and are not told."""
        loop.running = False
        for actor in [each for each in self.actors if each.loop is loop]:
            self._lose(actor)

    def cancel(self, actor: Actor, *, done: bool) -> None:
        """Cancel a task. `done`: its operation is done first, but it does not learn the result."""
        self.running = actor
        if done:
            actor.operation.perform(self, actor, None)
        actor.process.account.judge.gave_up(actor)
        try:
            actor.operation = actor.coroutine.throw(asyncio.CancelledError())
        except (StopIteration, asyncio.CancelledError):
            self._end(actor)
        if self.observe is not None:
            self.observe(self, actor, "cancelled", done)
        self.running = None

    def _lose(self, actor: Actor) -> None:
        actor.ended = True
        self.actors.remove(actor)
        self._dead.append(actor)
        actor.process.account.judge.actor_lost(actor)

    def close(self) -> None:
        """Close the coroutines that have not ended; whatever they still do has no effect."""
        self._closed = True
        self.observe = None
        for actor in [*self.actors, *self._dead]:
            self.running = actor
            actor.coroutine.close()
        self.running = None

    # -- the end

    def has_pending(self) -> bool:
        """Say whether a token that has to die is alive."""
        return any(account.judge.has_pending() for account in self.accounts)

    def checks(self) -> Counter[str]:
        """Return how often each promise was judged."""
        return sum((account.judge.checks for account in self.accounts), Counter())

    def run_alone(self, name: str, process: Process, script: Flow) -> None:
        """Run one script, and all that it starts, to the end, without accidents or races."""
        self.add(name, process, script)
        while self.actors:
            self.settle_one()

    def settle_one(self) -> None:
        """Take the first step that is possible, or let time pass until one is."""
        for actor in self.actors:
            if actor.operation.is_ready(self.now):
                self.step(actor)
                return
        moment = self.next_moment()
        if moment is None:
            raise Violation(
                "2 no wedge", f"{self.actors[0].name} waits forever ({self.actors[0].operation.label})"
            )
        self.pass_time(moment)
