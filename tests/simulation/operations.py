"""Operations: whatever an actor awaits of its runtime is a step of the simulation."""

from collections.abc import Callable, Generator, Iterable
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from monite_auth import EntityUser, Principal
from monite_auth.engine.single_flight import Flight
from monite_auth.errors import StoreUnavailable
from monite_auth.identity import Directory
from monite_auth.monite_api.answers import Fault, Response
from monite_auth.monite_api.requests import Request
from tests.simulation.shared_store import BACK, CUT

if TYPE_CHECKING:
    from tests.simulation.process import Actor
    from tests.simulation.world import World

Result = TypeVar("Result")


__all__ = [
    "BEGIN",
    "UNFINISHED",
    "Act",
    "BeforePeek",
    "Failed",
    "Find",
    "Operation",
    "Send",
    "Wait",
    "store_operations",
]


class Operation(Generic[Result]):
    """One thing that an actor awaits of its runtime. `label` names it in traces."""

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

    only_reads = False
    """Whether it does nothing but read."""

    is_private = False
    """Whether going on from here concerns nobody else: the actor neither changes nor reads anything that others share."""

    def mishaps(self) -> bool:
        """Say whether Monite is asked here, so that something may go wrong."""
        return False

    def troubles(self, world: "World", actor: "Actor", kinds: Iterable[str]) -> list[str]:
        """Return what may happen to the store here: that trouble of these kinds begins, or is over."""
        return []

    def perform(self, world: "World", actor: "Actor", mishap: str | None) -> Any:
        """Do it; return the result for the actor, or UNFINISHED where a second step is needed."""
        return None


UNFINISHED = object()
"""The result of an operation that needs a second step."""


class Failed(NamedTuple):
    """The result of an operation that raises an error in the actor."""

    error: StoreUnavailable


class StoreOperation(Operation[Any]):
    """An operation of the store."""

    __slots__ = ("arguments", "options")

    in_store = True

    def __init__(self, label: str, arguments: tuple[Any, ...], options: dict[str, Any]) -> None:
        self.label = label
        self.wake_at = 0.0
        self.arguments = arguments
        self.options = options

    @property
    def only_reads(self) -> bool:  # type: ignore[override]
        return self.label == "peek"

    def troubles(self, world: "World", actor: "Actor", kinds: Iterable[str]) -> list[str]:
        if actor.process.fallback is None:
            return []
        shared = world.shared
        if shared.trouble is not None:
            return [BACK] if shared.refusal(self.label, self.arguments) is not None else []
        return [kind for kind in kinds if shared.would_refuse(kind, self.label, self.arguments) is not None]

    def perform(self, world: "World", actor: "Actor", mishap: str | None) -> Any:
        process = actor.process
        judge = process.account.judge
        if process.fallback is not None:
            if mishap is not None:
                world.shared.begin(mishap)
            error = world.shared.refusal(self.label, self.arguments)
            if error is not None and mishap != CUT:
                judge.store_failed(actor, self.label, self.arguments, error)
                return Failed(error)
        call = getattr(process.account.store, self.label)(*self.arguments, **self.options)
        try:
            call.send(None)
        except StopIteration as end:
            judge.store_did(actor, self.label, self.arguments, self.options, end.value)
            if mishap == CUT:
                lost = StoreUnavailable("The answer was lost.")
                judge.store_failed(actor, self.label, self.arguments, lost)
                return Failed(lost)
            judge.answer_heard(actor, self.label, self.arguments, end.value)
            return end.value
        raise AssertionError("the memory store suspended")


class Send(Operation[Response | Fault]):
    """A request to Monite, in two steps: it leaves, and Monite does its work; later the answer arrives."""

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


class BeforePeek(Operation[None]):
    """A stop before a shared peek, so that others may read first. A read of the store is another step."""

    __slots__ = ()

    only_reads = True


class Wait(Operation[None]):
    """Wait for a flight. The peek after it is a step of its own."""

    __slots__ = ("flight", "leader")

    is_private = True

    def __init__(self, flight: Flight, wake_at: float, leader: "Actor | None") -> None:
        self.label = "wait"
        self.wake_at = wake_at
        self.flight = flight
        self.leader = leader
        """In a thread that leads: the actor that mints, since the thread goes on only when it has ended."""

    def is_ready(self, now: float) -> bool:
        if self.leader is not None:
            return self.leader.ended
        return self.flight.is_finished or now >= self.wake_at


class Find(Operation[EntityUser | None]):
    """A question to the directory."""

    __slots__ = ("directory", "principal")

    def __init__(self, directory: Directory, principal: Principal) -> None:
        self.label = "find"
        self.wake_at = 0.0
        self.directory = directory
        self.principal = principal

    def perform(self, world: "World", actor: "Actor", mishap: str | None) -> EntityUser | None:
        return self.directory.find(self.principal)


class Act(Operation[None]):
    """Something that the application does."""

    __slots__ = ("act",)

    def __init__(self, label: str, act: Callable[[], None]) -> None:
        super().__init__(label)
        self.act = act

    def perform(self, world: "World", actor: "Actor", mishap: str | None) -> None:
        self.act()


BEGIN: Operation[None] = Operation("begin")
"""The first step of an actor that another has started."""


class _SimulatedStore:
    """The operations of the store, each as something to await; the actor's account decides what they see."""

    def __getattr__(self, name: str) -> Callable[..., StoreOperation]:
        def operation(*arguments: Any, **options: Any) -> StoreOperation:
            return StoreOperation(name, arguments, options)

        setattr(self, name, operation)
        return operation


store_operations: Any = _SimulatedStore()
