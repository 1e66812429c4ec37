"""What a broker has open and under way in one process: its engine and its runtimes. Children of the process begin anew."""

import asyncio
import threading
from collections.abc import Callable
from functools import cache, partial
from weakref import ref

from monite_auth.engine.blocking import BlockingRuntime
from monite_auth.engine.engine import Engine
from monite_auth.engine.event_loop import AsyncRuntime
from monite_auth.engine.limit_watch import LimitWatch
from monite_auth.engine.outbox_watch import OutboxWatch
from monite_auth.engine.runtime import run
from monite_auth.engine.surroundings import SWEEP_INTERVAL
from monite_auth.engine.sweeps import Sweeps
from monite_auth.engine.transport import transport_options
from monite_auth.identity import Directory
from monite_auth.outbox import Ending, Outbox
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
        self,
        settings: Settings,
        store: Store,
        directory: Directory,
        telemetry: Telemetry,
        clock: Clock,
        outbox: Outbox | None = None,
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
        self.outbox = (
            None
            if outbox is None
            else OutboxWatch(outbox, settings.account_name, self._carry_out, self._owes)
        )
        """The application's outbox, as this process sees it."""
        self._looks_first = outbox is not None

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
        is_left_alone = self.outbox is None or self.outbox.is_left_to_writers
        if threads_are_allowed() and (self._store.is_shared or not is_left_alone):
            self._sweeps.begin()
            if self.outbox is not None and self._looks_first:
                self._looks_first = False
                self.outbox.start()

    def _sweep(self) -> None:
        self.engine.drainer.start(self.blocking())
        if self.outbox is not None:
            self.outbox.start()

    def _carry_out(self, ending: Ending, *, ago: float) -> None:
        endings, runtime = self.engine.endings, self.blocking()
        if ending.what == "end_user":
            run(endings.end_user(runtime, ending.user_id, ago=ago))
        else:
            run(endings.relink(runtime, ending.user_id))

    def _owes(self, user_id: str) -> bool:
        owes: Callable[[str], bool] | None = getattr(self._store, "owes", None)  # a store with a fallback
        return owes is not None and owes(user_id)

    def look_at_outbox(self) -> None:
        """Carry out what stands in the application's outbox, here and now."""
        if self.outbox is not None:
            self.outbox.look()

    async def alook_at_outbox(self) -> None:
        """Do as `look_at_outbox`, in a thread."""
        if self.outbox is not None:
            await asyncio.wrap_future(THREADS().submit(self.outbox.look))

    def close(self, *, within: float) -> None:
        """Cut background work of threads short, wait for it `within` seconds at the most, and close their connections."""
        self._sweeps.end()
        self._looks_first = False  # what closes a broker drains, and is not kept waiting by another database
        if self.outbox is not None:
            self.outbox.close(within=within)
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
