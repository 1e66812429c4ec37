"""What a broker has open and under way in one process: its engine and its runtimes. Children of the process begin anew."""

import asyncio
import threading
from functools import cache, partial
from weakref import ref

from monite_auth.engine.blocking import BlockingRuntime
from monite_auth.engine.engine import Engine
from monite_auth.engine.event_loop import AsyncRuntime
from monite_auth.engine.limit_watch import LimitWatch
from monite_auth.engine.surroundings import SWEEP_INTERVAL
from monite_auth.engine.sweeps import Sweeps
from monite_auth.engine.transport import transport_options
from monite_auth.identity import Directory
from monite_auth.permissions.roles import Roles
from monite_auth.processes.lifetimes import PerLoop, PerProcess
from monite_auth.processes.threads import Threads
from monite_auth.processes.workers import threads_are_allowed
from monite_auth.settings import Settings
from monite_auth.stores import Store
from monite_auth.telemetry import Telemetry
from monite_auth.tokens import Clock

__all__ = ["Running"]

THREADS = PerProcess(lambda: Threads(4, name="monite_auth closing"))
"""Wait for the end of other threads, where an event loop must not."""

STANDSTILL = 6 * SWEEP_INTERVAL
"""Seconds without a sweep after which background work does not go on any more: a process that was stopped for a moment goes on."""


class Running:
    """The engine of one broker in one process, with a runtime for its threads and one for each event loop."""

    def __init__(
        self, settings: Settings, store: Store, directory: Directory, telemetry: Telemetry, clock: Clock
    ) -> None:
        self.engine = Engine(settings, directory)
        self.roles = Roles(settings, self.engine.tokens, clock)
        self.on_loop = PerLoop(self._runtime_of_loop)
        """Returns the runtime of the running event loop."""
        self._settings = settings
        self._store = store
        self._clock = clock
        self._telemetry = telemetry
        self._limit_watch = LimitWatch(settings.requests_per_second)
        self._of_threads: BlockingRuntime | None = None
        # Reading the certificates takes 25 ms and a megabyte, and some event loops live for one request only.
        self._options = cache(partial(transport_options, settings))
        self._lock = threading.Lock()
        self._sweeps = Sweeps(self._sweep, SWEEP_INTERVAL)

    def blocking(self) -> BlockingRuntime:
        """Return the runtime of threads."""
        runtime = self._of_threads
        if runtime is None:
            with self._lock:
                if self._of_threads is None:
                    self._of_threads = BlockingRuntime(
                        self._settings, self._store, self._clock, self._limit_watch, self._telemetry
                    )
                    self._begin_sweeps()
                runtime = self._of_threads
        return runtime

    def _runtime_of_loop(self) -> AsyncRuntime:
        here = ref(self)  # the loop keeps its runtime, which must not keep the broker

        def threads() -> BlockingRuntime:
            running = here()
            assert running is not None, "a caller's broker holds it"
            return running.blocking()

        return AsyncRuntime(
            self._settings,
            self._store,
            self._clock,
            self._limit_watch,
            self._telemetry,
            options=self._options,
            threads=threads,
        )

    @property
    def is_working(self) -> bool:
        """Whether background work goes on, where there is any."""
        return self._sweeps.seconds_since() < STANDSTILL

    def _begin_sweeps(self) -> None:
        if self._store.is_shared and threads_are_allowed():
            self._sweeps.begin()

    def _sweep(self) -> None:
        self.engine.drainer.start(self.blocking())

    def close(self, *, within: float) -> None:
        """Cut background work of threads short, wait for it `within` seconds at the most, and close their connections."""
        self._sweeps.end()
        with self._lock:
            runtime, self._of_threads = self._of_threads, None
        if runtime is not None:
            runtime.close(within=within)

    async def aclose(self, *, within: float) -> None:
        """Do as `close`, and do the same for the running event loop."""
        threads = THREADS().submit(partial(self.close, within=within))
        runtime = self.on_loop.existing()
        if runtime is not None:
            await runtime.aclose(within=within)
        await asyncio.wrap_future(threads)
