"""What a broker has open and under way in one process: its engine and its runtimes. Children of the process begin anew."""

import asyncio
import threading

from monite_auth.engine.blocking import BlockingRuntime
from monite_auth.engine.engine import Engine
from monite_auth.engine.event_loop import AsyncRuntime
from monite_auth.engine.limit_watch import LimitWatch
from monite_auth.identity import Directory
from monite_auth.permissions.roles import Roles
from monite_auth.settings import Settings
from monite_auth.stores import Store
from monite_auth.telemetry import Telemetry
from monite_auth.tokens import Clock

__all__ = ["Running"]


class Running:
    """The engine of one broker in one process, with a runtime for its threads and one for each event loop."""

    def __init__(
        self, settings: Settings, store: Store, directory: Directory, telemetry: Telemetry, clock: Clock
    ) -> None:
        self.engine = Engine(settings, directory, telemetry)
        self.roles = Roles(settings, self.engine.tokens, clock)
        self.by_loop: dict[asyncio.AbstractEventLoop, AsyncRuntime] = {}
        self._settings = settings
        self._store = store
        self._clock = clock
        self._limit_watch = LimitWatch(settings.requests_per_second)
        self._of_threads: BlockingRuntime | None = None
        self._lock = threading.Lock()

    def blocking(self) -> BlockingRuntime:
        """Return the runtime of threads."""
        runtime = self._of_threads
        if runtime is None:
            with self._lock:
                if self._of_threads is None:
                    self._of_threads = BlockingRuntime(
                        self._settings, self._store, self._clock, self._limit_watch
                    )
                runtime = self._of_threads
        return runtime

    def on_loop(self) -> AsyncRuntime:
        """Return the runtime of the running event loop."""
        loop = asyncio.get_running_loop()
        runtime = self.by_loop.get(loop)
        if runtime is None:
            with self._lock:
                runtime = self.by_loop.get(loop)
                if runtime is None:
                    runtime = AsyncRuntime(
                        self._settings,
                        self._store,
                        self._clock,
                        self._limit_watch,
                        loop_ended=lambda undone: self._loop_ended(loop, left_undone=undone),
                    )
                    self.by_loop[loop] = runtime
        return runtime

    def _loop_ended(self, loop: asyncio.AbstractEventLoop, *, left_undone: bool) -> None:
        """Forget an event loop; go on in a thread with what it was at. Some loops live for one request only."""
        with self._lock:
            self.by_loop.pop(loop, None)
        if left_undone:
            self.engine.drainer.start(self.blocking())

    def close(self, *, within: float) -> None:
        """Cut background work of threads short, wait for it `within` seconds at the most, and close their connections."""
        with self._lock:
            runtime, self._of_threads = self._of_threads, None
        if runtime is not None:
            runtime.close(within=within)

    async def aclose(self, *, within: float) -> None:
        """Cut background work of the running event loop short, as `close` does, and close its connections."""
        with self._lock:
            runtime = self.by_loop.pop(asyncio.get_running_loop(), None)
        if runtime is not None:
            await runtime.aclose(within=within)
