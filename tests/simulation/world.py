"""The simulated world: processes that share a store and a Monite, a clock, and actors that stop at every step.

An *actor* is a coroutine of flows: a caller, the leader of a flight, background work. It runs until it awaits
something of its runtime, and stops there. A *step* does what one actor waits to do (one operation of the store,
one half of a request, …) and runs that actor to its next stop. Nothing else happens in between, so the order of
steps is all there is to decide, and whoever decides it (see `scheduler`) owns every race.

A request to Monite is two steps: it leaves and Monite does its work; later the answer arrives.

Time stands still while anybody can go on. Then it moves to the next moment that somebody waits for. A *lag* is a
fault: time passes although others could have gone on, as when a process was stopped for a while.
"""

import asyncio
import math
from collections import Counter
from collections.abc import Callable, Coroutine, Generator, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager, nullcontext
from functools import lru_cache
from typing import Any, Generic, Protocol, TypeVar

from monite_auth import EntityUser, MemoryStore, Principal, Settings
from monite_auth.engine.engine import Engine
from monite_auth.engine.revocation_epoch import RevocationEpoch
from monite_auth.engine.shared_peek import SharedPeek
from monite_auth.engine.single_flight import Flight
from monite_auth.engine.surroundings import Surroundings
from monite_auth.identity import PARTNER, Directory, Subject
from monite_auth.monite_api.answers import Fault, Response
from monite_auth.monite_api.requests import Request
from monite_auth.stores import PARTNER_SLOT, Slot
from monite_auth.stores.memory.operations import MemoryOperations
from monite_auth.telemetry import Silence
from tests.simulation.judge import Judge, Violation
from tests.simulation.monite_model import MoniteModel

__all__ = [
    "PEOPLE",
    "START",
    "UNLIMITED",
    "Actor",
    "Library",
    "NotPrivate",
    "Process",
    "World",
]

Result = TypeVar("Result")
Flow = Coroutine[Any, Any, None]

START = 1_000_000.0
"""When the simulation begins, epoch seconds."""

UNLIMITED = 1e15
"""Requests a second, so many that the distance between two is lost in rounding."""

LIVELOCK = 1_000
"""Steps without time passing after which nothing will ever come of it."""

ENDLESS = 20_000
"""Steps after which a world that takes a few hundred will never come to its end."""


def _person(number: int) -> EntityUser:
    return EntityUser(f"00000000-0000-4000-8000-{number:012}", "e0000000-0000-4000-8000-000000000001")


PEOPLE: dict[tuple[str, str | None], EntityUser] = {
    ("alice", None): _person(1),
    ("alice", "north"): _person(2),
    ("alice", "south"): _person(3),
    ("bob", None): _person(4),
    ("bob", "north"): _person(5),
    ("alice", "elsewhere"): _person(6),
    ("zoe", None): _person(7),
    ("ann", None): _person(1),
}
"""Who everybody is in Monite. `elsewhere` is whom alice is linked to later, in scenarios with `relink`;
zoe comes when all is over; ann is another user of the application who acts as the same person as alice."""


_ACCOUNTS = (
    ("sandbox", "0f7e1a52-6c1d-4b0e-9a53-000000000001"),
    ("eu", "0f7e1a52-6c1d-4b0e-9a53-000000000001"),
    ("sandbox", "0f7e1a52-6c1d-4b0e-9a53-000000000002"),
)
"""The accounts there are, by number: another environment, and another client ID of the same."""


@lru_cache
def _settings_for(
    number: int, scope: str, security: str, requests_per_second: float, session_memory: float
) -> Settings:
    """Return the settings of an account: the default ones, as far as a scenario does not say otherwise."""
    environment, client_id = _ACCOUNTS[number]
    return Settings(
        environment=environment,
        client_id=client_id,
        client_secret="the-client-secret",
        token_scope="session" if scope == "session" else "user",
        security_model=security,
        requests_per_second=min(requests_per_second, 1_000_000),
        session_memory=session_memory,
    )


class NotPrivate(Exception):
    """The scheduler takes some steps at once since they concern nobody else, and this one does."""


class Library:
    """Which code is simulated: the library's, or a mutant of it."""

    store: type[MemoryStore] = MemoryStore
    operations: type[MemoryOperations] = MemoryOperations
    waits_are_private = True
    """Whether nobody does anything between the end of a wait and the next look."""

    def surroundings(self, world: "World", **facts: Any) -> Surroundings:
        """Return the surroundings of one process of a world."""
        return Surroundings(**facts)

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Change what cannot be handed in, for as long as simulations run."""
        yield


POLL = 2.0
"""Seconds between two claims of a slot that another process mints for: three per lease do as well as 500."""


# -- what an actor waits to do


class Operation(Generic[Result]):
    """Something of the runtime that an actor awaits. `label` names it in traces."""

    __slots__ = ("label", "wake_at")

    def __init__(self, label: str, wake_at: float = 0.0) -> None:
        self.label = label
        self.wake_at = wake_at
        """The moment that lets the actor go on; 0 when it need not wait."""

    def __await__(self) -> Generator["Operation[Any]", Any, Result]:
        result: Result = yield self
        return result

    def is_ready(self, now: float) -> bool:
        return now >= self.wake_at

    in_store = False
    """Whether the store does it."""

    is_look = False
    """Whether all that can come of it is a look at what there is."""

    is_private = False
    """Whether to go on from here concerns nobody else: nothing is done, and nothing of others is looked at."""

    def mishaps(self) -> bool:
        """Say whether Monite is asked here, so that something may go wrong."""
        return False

    def perform(self, world: "World", actor: "Actor", mishap: str | None) -> Any:
        """Do it; return what the actor gets, or UNFINISHED when a second step is needed."""
        return None


UNFINISHED = object()


class _StoreOperation(Operation[Any]):
    __slots__ = ("arguments", "options")

    in_store = True

    def __init__(self, label: str, arguments: tuple[Any, ...], options: dict[str, Any]) -> None:
        self.label = label
        self.wake_at = 0.0
        self.arguments = arguments
        self.options = options

    @property
    def is_look(self) -> bool:  # type: ignore[override]
        return self.label == "peek"

    def perform(self, world: "World", actor: "Actor", mishap: str | None) -> Any:
        account = actor.process.account
        call = getattr(account.store, self.label)(*self.arguments, **self.options)
        try:
            call.send(None)
        except StopIteration as end:
            account.judge.store_did(actor, self.label, self.arguments, self.options, end.value)
            return end.value
        raise AssertionError("the memory store suspended")


class _Send(Operation[Response | Fault]):
    __slots__ = ("answer", "request", "within")

    def __init__(self, request: Request, within: float) -> None:
        self.label = "mint" if request.url.endswith("/auth/token") else "revoke"
        self.wake_at = 0.0
        self.request = request
        self.within = within
        self.answer: Response | Fault | None = None

    def mishaps(self) -> bool:
        return self.answer is None

    def perform(self, world: "World", actor: "Actor", mishap: str | None) -> Any:
        account = actor.process.account
        if self.answer is None:
            account.judge.request_leaves(actor, self.request)
            actor.asked += 1
            self.answer = account.monite.work(self.request, f"{actor.name}#{actor.asked}", mishap)
            self.wake_at = world.now + account.monite.answers_in(mishap, self.within)
            self.label += " answer"
            return UNFINISHED
        account.judge.answer_arrives(actor, self.request, self.answer)
        return self.answer


class _Look(Operation[None]):
    """The stop before a look at what others have found, or else into the store, which is another step."""

    __slots__ = ()

    is_look = True


class _Wait(Operation[None]):
    """Wait for a flight. What follows is a look at what there is by now, which is a step of its own."""

    __slots__ = ("flight", "leader")

    is_private = True

    def __init__(self, flight: Flight, wake_at: float, leader: "Actor | None") -> None:
        self.label = "wait"
        self.wake_at = wake_at
        self.flight = flight
        self.leader = leader
        """In a thread: who does the work of the flight in this very thread, which cannot go on before."""

    def is_ready(self, now: float) -> bool:
        if self.leader is not None:
            return self.leader.ended
        return self.flight.is_finished or now >= self.wake_at


class _Find(Operation[EntityUser | None]):
    __slots__ = ("directory", "principal")

    def __init__(self, directory: Directory, principal: Principal) -> None:
        self.label = "find"
        self.wake_at = 0.0
        self.directory = directory
        self.principal = principal

    def perform(self, world: "World", actor: "Actor", mishap: str | None) -> EntityUser | None:
        return self.directory.find(self.principal)


class _Act(Operation[None]):
    """Something that the application does."""

    __slots__ = ("act",)

    def __init__(self, label: str, act: Callable[[], None]) -> None:
        super().__init__(label)
        self.act = act

    def perform(self, world: "World", actor: "Actor", mishap: str | None) -> None:
        self.act()


_BEGIN: Operation[None] = Operation("begin")


class _SimulatedStore:
    """The operations of the store that the actor's account sees, each as something to await."""

    def __getattr__(self, name: str) -> Callable[..., _StoreOperation]:
        def operation(*arguments: Any, **options: Any) -> _StoreOperation:
            return _StoreOperation(name, arguments, options)

        setattr(self, name, operation)
        return operation


_store_operations: Any = _SimulatedStore()


class SimulatedRuntime:
    """The runtime of one simulated process; see `monite_auth.engine.runtime.Runtime`."""

    store = _store_operations
    has_background = True

    def __init__(self, world: "World", process: "Process") -> None:
        self.clock = world.clock
        self._world = world
        self._process = process
        self._waiters: dict[SharedPeek, int] = {}

    def random(self) -> float:
        return 0.5

    def send(self, request: Request, *, within: float) -> _Send:
        if within <= 0:
            raise Violation("4 patience", "a request was sent with no time left for it")
        return _Send(request, within)

    def sleep(self, seconds: float) -> Operation[None]:
        return Operation("sleep", self._world.now + max(0.0, seconds))

    async def wait(self, flight: Flight, *, within: float) -> None:
        actor = self._world.running
        leader = actor.leads_inline if actor is not None else None
        if actor is not None:
            actor.leads_inline = None
        shared = flight.shared_peek
        self._waiters[shared] = self._waiters.get(shared, 0) + 1
        await _Wait(flight, self._world.now + max(0.0, within), leader)
        if self.is_shared(shared):
            await _Look("look")

    def waiters(self, shared: SharedPeek) -> int:
        """Return how many have waited for the flight of this shared peek."""
        return self._waiters.get(shared, 0)

    def is_shared(self, shared: SharedPeek) -> bool:
        """Say whether others may read after the same flight: several have waited for it, or more may join."""
        return self.waiters(shared) > 1 or not shared._is_open

    def turn(self, shared: SharedPeek) -> AbstractAsyncContextManager[None]:
        """Let everybody read when they like: whatever a lock would forbid is among the schedules."""
        return nullcontext()

    def find(self, directory: Directory, principal: Principal) -> _Find:
        return _Find(directory, principal)

    def lead(self, flow: Flow) -> None:
        leader = self._world.spawn(self._process, flow)
        if self._process.threads and self._world.running is not None:
            self._world.running.leads_inline = leader

    def spawn(self, flow: Flow) -> None:
        self._world.spawn(self._process, flow)


class EventLoop:
    """What a flight asks about the loop (or thread) of its leader."""

    __slots__ = ("running",)

    def __init__(self) -> None:
        self.running = True

    def is_running(self) -> bool:
        return self.running

    def is_closed(self) -> bool:
        return False


def error_facts(error: Exception | None) -> tuple[Any, ...] | None:
    """Return all that a flow can learn of an error."""
    if error is None:
        return None
    return (type(error).__name__, str(error), getattr(error, "retry_after", None))


def result_facts(shared: SharedPeek) -> tuple[Any, ...]:
    """Return all that a flow can learn of a shared peek."""
    result = shared._result
    if result is None:
        return (shared._is_open,)
    return (shared._is_open, result.subject, result.token.fingerprint, result.epoch, result.at)


class Watch:
    """What the actors of one process learn from what they share, for exploration.

    It is the observer of the process's surroundings. The name of a flight, or of a background drain, follows from who
    began it, so that it is the same in every run.
    """

    def __init__(self, world: "World") -> None:
        self._world = world
        self.names: dict[object, str] = {}

    def __call__(self, source: object, fact: str, value: Any) -> None:
        actor = self._world.running
        if actor is None:
            return
        match fact:
            case "leads":
                if value:
                    self._name(actor, source)
                actor.joined[self.names[source]] = source
                value = (self.names[source], value)
            case "begins":
                value = self._name(actor, value)
            case "error":
                value = error_facts(value)
            case "result" | "epoch" | "is_open" if not actor.process.runtime.is_shared(source):
                return  # nobody else learns of what comes of it
            case "result":
                value = value and value.fingerprint
        if self._world.observe is not None:
            actor.seen.append((fact, value))

    def _name(self, actor: "Actor", source: object) -> str:
        actor.began += 1
        name = self.names[source] = f"{actor.name}~{actor.began}"
        return name


FLAVOURS = ("tasks", "loops", "threads")
"""How a process runs its callers: as tasks of one event loop, each on an event loop of its own, or as threads."""


class Account:
    """An account: its settings and people, what it sees of the store that all share, its Monite, and who judges it."""

    __slots__ = ("judge", "monite", "people", "settings", "store")

    def __init__(self, world: "World", number: int, stage: "Stage", store: MemoryStore) -> None:
        self.settings = _settings_for(
            number, stage.scope, stage.security, stage.requests_per_second, stage.session_memory
        )
        self.people = dict(PEOPLE)
        self.store = store.of(self.settings.account_name).operations(blocking=True)
        self.monite = MoniteModel(
            world.clock,
            base_url=self.settings.base_url,
            client_id=self.settings.client_id,
            life=stage.life,
            retry_after=stage.retry_after,
            repeats=stage.repeats,
        )
        self.judge = Judge(world, self.settings, self.monite, self.people)


class Process:
    """One process: its own engine, that is, its own owner id, flights, and background work."""

    __slots__ = (
        "account",
        "alive",
        "engine",
        "epoch",
        "flavour",
        "loop",
        "name",
        "runtime",
        "threads",
        "watch",
    )

    def __init__(
        self, world: "World", account: Account, name: str, library: Library, flavour: str, *, watched: bool
    ) -> None:
        assert flavour in FLAVOURS
        self.account = account
        self.name = name
        self.flavour = flavour
        self.threads = flavour == "threads"
        self.loop = EventLoop()
        self.alive = True
        self.watch = Watch(world) if watched else None
        surroundings = library.surroundings(
            world,
            new_id=lambda: name,
            running_loop=world.running_loop,
            claim_poll=POLL,
            sweep_interval=30.0 if world.sweeps else math.inf,
            epoch=RevocationEpoch(),
            observer=self.watch,
        )
        self.epoch = surroundings.epoch
        self.engine = Engine(account.settings, _People(account.people), Silence(), surroundings)
        self.runtime = SimulatedRuntime(world, self)


class Actor:
    """A coroutine that stops at every step. `loop`: where it runs."""

    __slots__ = (
        "asked",
        "began",
        "children",
        "coroutine",
        "ended",
        "history",
        "joined",
        "leads_inline",
        "loop",
        "name",
        "named",
        "operation",
        "process",
        "seen",
    )

    def __init__(self, name: str, process: Process, coroutine: Flow, loop: EventLoop) -> None:
        self.name = name
        self.process = process
        self.coroutine = coroutine
        self.loop = loop
        self.operation: Operation[Any] = _BEGIN
        self.ended = False
        self.children = self.named = self.asked = self.began = 0
        self.leads_inline: Actor | None = None
        self.joined: dict[str, Any] = {}
        """The flights that it may learn from."""
        self.seen: list[Any] = []
        """What it learned in this step, other than from its operation."""
        self.history = 0
        """All that the actor has been told, as a number; see `snapshot`."""


class Stage(Protocol):
    """What a scenario says about the world it wants; see `scenarios.Scenario`."""

    @property
    def processes(self) -> tuple[str, ...]: ...
    @property
    def accounts(self) -> tuple[int, ...]: ...
    @property
    def looks_around(self) -> bool: ...
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


class World:
    """Everything there is in one run."""

    poll = POLL

    def __init__(self, stage: Stage, library: Library, *, watched: bool = False) -> None:
        self.now = START
        self.lagged = 0.0
        """Seconds that passed although somebody could have gone on."""
        self.running: Actor | None = None
        self.actors: list[Actor] = []
        self.trace: list[str] | None = None
        self.observe: Callable[[World, Actor, str, Any], None] | None = None
        """Is told what an actor was told at each step; see `snapshot`."""
        self.sweeps = stage.looks_around
        """Whether processes look for pending revocations now and then."""
        self._library = library
        self._watched = watched
        self.is_alone = len(stage.processes) == 1
        """Whether the scenario has one process."""
        self.waits_are_private = library.waits_are_private
        self._dead: list[Actor] = []
        self._closed = False
        self._idle_steps = self._steps = 0
        store = library.store(
            clock=self.clock,
            requests_per_second=stage.requests_per_second,
            session_memory=stage.session_memory,
            new_id=self.new_id,
            make_operations=library.operations,
        )
        whose = stage.accounts or (0,) * len(stage.processes)
        accounts = {number: Account(self, number, stage, store) for number in dict.fromkeys(whose)}
        self.accounts = tuple(accounts.values())
        self.settings = self.accounts[0].settings
        """Of any account: what they differ in does not matter to whom it is handed."""
        self.processes = [
            Process(self, accounts[account], f"p{number}", library, flavour, watched=watched)
            for number, (flavour, account) in enumerate(zip(stage.processes, whose, strict=True), 1)
        ]

    # -- what the library is handed

    def clock(self) -> float:
        return self.now

    def new_id(self) -> str:
        """Return an id that follows from who asks, so that a run can be repeated."""
        assert self.running is not None
        self.running.named += 1
        return f"{self.running.name}:{self.running.named}"

    def running_loop(self) -> EventLoop | None:
        """Return the loop of the actor that runs; threads are loops that are never stopped."""
        return self.running.loop if self.running is not None else None

    def slot(self, principal: Subject) -> Slot:
        """Return the slot that the settings ask for; written anew here, since the library's may be wrong."""
        if principal is PARTNER:
            return PARTNER_SLOT
        session = principal.session_id if self.settings.token_scope == "session" else None
        kind = None if self.settings.is_monite_managed else "partner"
        return Slot(principal.user_id, principal.tenant, session, kind)

    # -- actors

    def add_process(self, name: str, account: Account) -> Process:
        process = Process(self, account, name, self._library, "tasks", watched=self._watched)
        self.processes.append(process)
        return process

    def add(self, name: str, process: Process, script: Flow) -> Actor:
        """Add a caller, at its first stop."""
        loop = EventLoop() if process.flavour == "loops" else process.loop
        actor = Actor(name, process, script, loop)
        self.actors.append(actor)
        self._resume(actor, None)
        return actor

    def spawn(self, process: Process, flow: Flow) -> Actor:
        """Add an actor that the running one starts."""
        parent = self.running
        assert parent is not None
        if self._closed or not process.alive:
            flow.close()
            return parent
        parent.children += 1
        name = f"{parent.name}.{flow.__name__.strip('_')}{parent.children}"
        actor = Actor(name, process, flow, parent.loop)
        actor.joined.update(parent.joined)
        self.actors.append(actor)
        if self.observe is not None:
            parent.seen.append(("spawned", name))
        return actor

    def watch(self, observe: "Callable[[World, Actor, str, Any], None]") -> None:
        """Tell `observe` of all that actors are told, and gather in `Actor.seen` what they learn besides."""
        self.observe = observe

    def act(self, label: str, act: Callable[[], None]) -> Operation[None]:
        """Return a step of the application's own, for scripts."""
        return _Act(label, act)

    def ready(self) -> list[Actor]:
        """Return who can go on now."""
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
            self.trace[-1] += f" -> {result!r}"
        if result is not UNFINISHED:
            before = len(actor.seen), actor.children
            self._resume(actor, result)
            if operation.is_private and self.waits_are_private:
                if not actor.operation.is_look or before != (len(actor.seen), actor.children):
                    raise NotPrivate(f"{actor.name} did more than look after {operation.label}")
        if self.observe is not None:
            self.observe(self, actor, operation.label, None if result is UNFINISHED else result)
        if actor.name in judge.calls:
            judge.step_ends(actor)
        self.running = None

    def _resume(self, actor: Actor, result: Any) -> None:
        self.running = actor
        try:
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
        """Return when the next actor can go on, or None when nobody ever will."""
        moments = [a.operation.wake_at for a in self.actors if a.operation.wake_at > self.now]
        return min(moments, default=None)

    def pass_time(self, until: float) -> None:
        """Let time pass that everybody waits for."""
        self.now = until
        self._idle_steps = 0
        if self.trace is not None:
            self.trace.append(f"{self.now - START:9.4f}  time has passed")

    def lag(self, seconds: float) -> None:
        """Let time pass although somebody could go on."""
        self.lagged += seconds
        self.pass_time(self.now + seconds)

    # -- accidents

    def crash(self, process: Process) -> None:
        """End a process as `kill -9` does: nothing of it runs again, not even to clean up."""
        process.alive = False
        for actor in [each for each in self.actors if each.process is process]:
            self._lose(actor)

    def stop(self, loop: EventLoop) -> None:
        """Stop an event loop for good while its process lives: its tasks never go on, and nobody tells them."""
        loop.running = False
        for actor in [each for each in self.actors if each.loop is loop]:
            self._lose(actor)

    def cancel(self, actor: Actor, *, done: bool) -> None:
        """Cancel a task. `done`: what it waits for has been done, but it does not learn that."""
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
        """Close all coroutines that did not come to their end; whatever they still do has no effect."""
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
        """Run one script, and all that it starts, to the end: nothing goes wrong, and nobody races."""
        self.add(name, process, script)
        while self.actors:
            self.settle_one()

    def settle_one(self) -> None:
        """Take the step that comes first."""
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


class _People:
    """The application's directory."""

    def __init__(self, people: dict[tuple[str, str | None], EntityUser]) -> None:
        self._people = people

    def find(self, principal: Principal) -> EntityUser | None:
        return self._people.get((principal.user_id, principal.tenant))

    async def afind(self, principal: Principal) -> EntityUser | None:
        return self.find(principal)
