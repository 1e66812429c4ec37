"""A simulated process, its actors, and the record of what they learn from each other."""

import math
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from monite_auth.engine.revocation_epoch import RevocationEpoch
from monite_auth.engine.shared_peek import SharedPeek
from tests.simulation.account import Account, People
from tests.simulation.fallback import Fallback
from tests.simulation.host import Host
from tests.simulation.library import Library
from tests.simulation.operations import BEGIN, Operation
from tests.simulation.runtime import SimulatedRuntime

if TYPE_CHECKING:
    from tests.simulation.world import World

Flow = Coroutine[Any, Any, None]


__all__ = ["FLAVOURS", "POLL", "Actor", "EventLoop", "Process", "Watch", "error_facts", "result_facts"]

POLL = 2.0
"""Seconds between two claims of a slot that another process mints for: three per lease show as much as 500."""


class EventLoop:
    """The event loop, or thread, of an actor, as far as a flight asks about it."""

    __slots__ = ("__weakref__", "running")

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
    """Records what the actors of a process learn from what they share, for exploration.

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
                return  # nobody else reads after this flight
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


class Process:
    """One process: its own engine, that is, its own owner id, flights, and background work. `host`: where it runs.

    `fallback`: what it has for when the store is in trouble, if anything.
    """

    __slots__ = (
        "account",
        "alive",
        "engine",
        "epoch",
        "fallback",
        "flavour",
        "host",
        "loop",
        "name",
        "runtime",
        "threads",
        "watch",
    )

    def __init__(
        self,
        world: "World",
        account: Account,
        name: str,
        library: Library,
        flavour: str,
        *,
        watched: bool,
        fallback: Fallback | None = None,
        host: Host,
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
        self.fallback = fallback
        self.host = host
        self.engine = library.engine(account.settings, People(account.people), surroundings)
        self.runtime = SimulatedRuntime(world, self)


class Actor:
    """A coroutine that stops at every step. `loop`: the event loop that it runs on."""

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
        self.operation: Operation[Any] = BEGIN
        self.ended = False
        self.children = self.named = self.asked = self.began = 0
        self.leads_inline: Actor | None = None
        self.joined: dict[str, Any] = {}
        """The flights that it may learn from, by name."""
        self.seen: list[Any] = []
        """What it learned in this step, besides the result of its operation."""
        self.history = 0
        """All that it has been told, as a number; see `snapshot`."""
