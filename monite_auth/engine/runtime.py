"""Where I/O happens: a flow says what to do, a runtime does it.

A flow is an `async def` that awaits nothing but a runtime's methods. `blocking.BlockingRuntime` is for threads: its methods
never suspend, so that `run` drives a flow to its end in the calling thread. `event_loop.AsyncRuntime` is for one event
loop. One broker has one blocking runtime, and one async runtime for each event loop.

A flow that its event loop left in the middle is garbage, and is closed when Python comes upon it: in any thread, which may hold any
lock of ours. So where a flow is closed (GeneratorExit), it takes no lock, and begins nothing.
"""

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from monite_auth.engine.limit_watch import LimitWatch
from monite_auth.engine.shared_peek import SharedPeek
from monite_auth.engine.single_flight import Flight
from monite_auth.identity import Directory, EntityUser, Principal
from monite_auth.monite_api.answers import Fault, Response
from monite_auth.monite_api.requests import Request
from monite_auth.processes.awaited import Awaited
from monite_auth.processes.flows import Flow, run
from monite_auth.stores import Operations
from monite_auth.telemetry import Telemetry
from monite_auth.tokens import Clock

__all__ = ["Closed", "Flow", "Overdue", "Runtime", "run"]


class Closed(RuntimeError):
    """Background work must stop: the broker is closing, or it runs inside a request."""


class Overdue(Exception):
    """A function of the application has not answered in time."""


class Runtime(Protocol):
    """What a flow may do. Every flow takes a runtime, and awaits nothing else."""

    store: Operations
    limit_watch: LimitWatch
    telemetry: Telemetry

    @property
    def clock(self) -> Clock:
        """The time, in epoch seconds."""

    @property
    def has_background(self) -> bool:
        """Whether work that `of_threads` spawns keeps nobody waiting."""

    @property
    def of_threads(self) -> "Runtime":
        """The runtime of threads, for work in the background that has to go on when the caller's event loop ends or stops."""

    def random(self) -> float:
        """Return a number from 0 to 1, for jitter."""

    async def send(self, request: Request, *, within: float) -> Response | Fault:
        """Send `request` to Monite and return what came of it after `within` seconds at the most; never raise."""

    async def sleep(self, seconds: float, *, until: Awaited | None = None) -> None:
        """Let time pass, `until` something is finished at the longest."""

    async def wait(self, flight: Flight, *, within: float) -> None:
        """Wait for the end of the flight, `within` seconds at the most."""

    def one_by_one(self, shared: SharedPeek) -> AbstractAsyncContextManager[None]:
        """Have those who waited for a flight go on one after the other within, as long as each is quick."""

    async def find(self, directory: Directory, principal: Principal, *, within: float) -> EntityUser | None:
        """Ask the directory. Raises Overdue after `within` seconds; a thread cannot leave a directory that runs in it."""

    def lead(self, flow: Flow[None]) -> None:
        """Do the work of a flight that the caller leads and others wait for.

        In a thread: here and now. On an event loop: in a task of its own, so that a cancelled request takes
        nothing down but itself.
        """

    def spawn(self, flow: Flow[None]) -> None:
        """Do work that nobody waits for, in the background."""
