"""The runtime of a simulated process: it turns what a flow awaits into steps."""

from collections.abc import Coroutine
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import TYPE_CHECKING, Any

from monite_auth import Principal
from monite_auth.engine.limit_watch import LimitWatch
from monite_auth.engine.shared_peek import SharedPeek
from monite_auth.engine.single_flight import Flight
from monite_auth.identity import Directory
from monite_auth.monite_api.requests import Request
from monite_auth.processes.awaited import Awaited
from monite_auth.stores.protocol import Operations
from monite_auth.telemetry import Silence, Telemetry
from tests.simulation.judge import Violation
from tests.simulation.operations import BeforePeek, Find, Operation, Send, Wait, store_operations

if TYPE_CHECKING:
    from tests.simulation.process import EventLoop, Process
    from tests.simulation.world import World

Flow = Coroutine[Any, Any, None]


__all__ = ["SimulatedRuntime"]


class SimulatedRuntime:
    """The runtime of one simulated process; see `monite_auth.engine.runtime.Runtime`.

    `spawns_on`: the loop of what it spawns; None for that of the caller.
    """

    has_background = True

    def __init__(self, world: "World", process: "Process", *, spawns_on: "EventLoop | None" = None) -> None:
        self.clock = world.clock
        self.limit_watch = LimitWatch(process.account.settings.requests_per_second)
        self.telemetry: Telemetry = Silence()
        self.store: Operations = store_operations if process.fallback is None else process.fallback.operations
        self._world = world
        self._process = process
        self._waiters: dict[SharedPeek, int] = {}
        self._spawns_on = spawns_on

    @property
    def of_threads(self) -> "SimulatedRuntime":
        """Return the runtime whose background work goes on when the loop of a caller is stopped."""
        return SimulatedRuntime(self._world, self._process, spawns_on=self._process.loop)

    def random(self) -> float:
        return 0.5

    def send(self, request: Request, *, within: float) -> Send:
        if within <= 0:
            raise Violation("4 patience", "a request was sent with no time left for it")
        return Send(request, within)

    def sleep(self, seconds: float, *, until: Awaited | None = None) -> Operation[None]:
        return Operation("sleep", self._world.now + max(0.0, seconds))

    async def wait(self, flight: Flight, *, within: float) -> None:
        actor = self._world.running
        leader = actor.leads_inline if actor is not None else None
        if actor is not None:
            actor.leads_inline = None
        shared = flight.shared_peek
        self._waiters[shared] = self._waiters.get(shared, 0) + 1
        await Wait(flight, self._world.now + max(0.0, within), leader)
        if self.is_shared(shared):
            await BeforePeek("shared peek")

    def waiters(self, shared: SharedPeek) -> int:
        """Return how many have waited for the flight of this shared peek."""
        return self._waiters.get(shared, 0)

    def is_shared(self, shared: SharedPeek) -> bool:
        """Say whether others may share reads after this flight: several have waited for it, or more may join.

        Where nobody can, nothing is shared, and a stop before the peek would only make more states.
        """
        return self.waiters(shared) > 1 or not shared._is_open

    def one_by_one(self, shared: SharedPeek) -> AbstractAsyncContextManager[None]:
        """Let everybody read at any time: the schedules that a lock would allow are among those that are explored."""
        return nullcontext()

    def find(self, directory: Directory, principal: Principal, *, within: float) -> Find:
        return Find(directory, principal)

    def lead(self, flow: Flow) -> None:
        leader = self._world.spawn(self._process, flow)
        if self._process.threads and self._world.running is not None:
            self._world.running.leads_inline = leader

    def spawn(self, flow: Flow) -> None:
        self._world.spawn(self._process, flow, self._spawns_on)
