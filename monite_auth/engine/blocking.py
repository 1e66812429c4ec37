"""The runtime of threads: its methods do their work inside and never suspend, so that `run` drives a flow to its end."""

import random
import threading
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import cache, partial

from monite_auth.engine.background import Background, run_in_background
from monite_auth.engine.limit_watch import LimitWatch
from monite_auth.engine.network import Deadline
from monite_auth.engine.runtime import Closed, Flow, run
from monite_auth.engine.shared_peek import PATIENCE, SharedPeek
from monite_auth.engine.single_flight import Flight
from monite_auth.engine.transport import (
    Body,
    Connections,
    as_faults,
    as_sent,
    response_of,
    timeouts,
    transport_options,
)
from monite_auth.errors import BlockingCallError
from monite_auth.identity import Directory, EntityUser, Principal, ask_directory
from monite_auth.monite_api.answers import Fault, Response
from monite_auth.monite_api.requests import Request
from monite_auth.processes.awaited import Awaited
from monite_auth.processes.workers import threads_are_allowed
from monite_auth.settings import Settings
from monite_auth.stores import Store
from monite_auth.telemetry import Silence, Telemetry
from monite_auth.tokens import Clock

__all__ = ["BlockingRuntime"]


class BlockingRuntime:
    """Runs flows in the threads that call them, and background work in a few of its own.

    Callers' connections last until `close`, background work's as long as its threads. That work may go on after the last
    `close`: an event loop that ends leaves what it was at to a thread.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        clock: Clock,
        limit_watch: LimitWatch | None = None,
        telemetry: Telemetry | None = None,
    ) -> None:
        self.store = store.operations(blocking=True)
        self.clock = clock
        self.limit_watch = limit_watch or LimitWatch(settings.requests_per_second)
        self.telemetry = telemetry or Silence()
        self.random = random.Random().random  # noqa: S311 - no secret; the module's own is inherited by forks in C
        self._settings = settings
        # Reading the certificates takes 25 ms, and each burst of background work opens connections anew.
        options = cache(partial(transport_options, settings))
        self._of_callers = Connections(options)
        self._of_background = Connections(options)
        self._closing = threading.Event()
        self._background = Background(when_over=self._of_background.close)
        self._inline = threading.local()

    @property
    def has_background(self) -> bool:
        """See Runtime."""
        return threads_are_allowed()

    @property
    def of_threads(self) -> "BlockingRuntime":
        """See Runtime."""
        return self

    async def send(self, request: Request, *, within: float) -> Response | Fault:
        """See Runtime."""
        with as_faults() as faults, Deadline(within).kept():
            patience = timeouts(self._settings, within)
            with self._connections().client().stream(**as_sent(request), timeout=patience) as response:
                body = Body(response, request.longest_answer)
                for received in response.iter_raw():
                    body.add(received)
                return response_of(response, body)
        return faults[0]

    async def sleep(self, seconds: float, *, until: Awaited | None = None) -> None:
        """See Runtime. When the broker is closed, one that waits `until` something notices it at the end only."""
        # Under gevent a wait that begins when the event has just been set may never end.
        has_ended = getattr(self._inline, "runs", False) or self._closing.is_set()
        if until is not None and not has_ended:
            until.wait_in_thread(seconds)
            has_ended = self._closing.is_set()
        elif not has_ended:
            has_ended = self._closing.wait(seconds)
        if has_ended:
            raise Closed("The broker has been closed, or there is no background to wait in.")

    async def wait(self, flight: Flight, *, within: float) -> None:
        """See Runtime."""
        if flight.is_led_by_this_loop() and not flight.is_finished:
            raise BlockingCallError(
                "A blocking call on the event loop's thread would wait for a task of that same loop. "
                "Use the a… methods there: await broker.atoken(…)."
            )
        flight.wait_in_thread(max(0.0, within))

    @asynccontextmanager
    async def one_by_one(self, shared: SharedPeek) -> AsyncGenerator[None]:
        """See Runtime."""
        is_alone = shared.lock.acquire(timeout=PATIENCE)
        try:
            yield
        finally:
            if is_alone:
                shared.lock.release()

    async def find(self, directory: Directory, principal: Principal, *, within: float) -> EntityUser | None:  # noqa: ARG002
        """See Runtime."""
        return ask_directory(directory, principal)

    def lead(self, flow: Flow[None]) -> None:
        """See Runtime."""
        run(flow)

    def spawn(self, flow: Flow[None]) -> None:
        """See Runtime.

        Where the server allows no threads, the flow runs inside the request until it has to wait. What is left to do
        stands in the store, for `monite-auth drain` or another process.
        """
        if self.has_background:
            self._background.submit(flow)
            return
        outer_runs, self._inline.runs = getattr(self._inline, "runs", False), True
        try:
            run_in_background(flow)
        finally:
            # A flow that has spawned this one may go on, and must not wait either.
            self._inline.runs = outer_runs

    def close(self, *, within: float) -> None:
        """Cut background work short, wait for it `within` seconds at the most, and close connections."""
        self._closing.set()
        self._background.join(within=within)
        self._of_callers.close()

    def _connections(self) -> Connections:
        return self._of_background if self._background.is_this_thread() else self._of_callers
