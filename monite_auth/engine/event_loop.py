"""The runtime of one event loop: its methods are awaits, and background work is tasks."""

import asyncio
import random
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from contextvars import Context, copy_context
from typing import Any
from weakref import WeakKeyDictionary, WeakSet, ref

from monite_auth.engine.background import log_failure
from monite_auth.engine.limit_watch import LimitWatch
from monite_auth.engine.runtime import Flow, Overdue, Runtime
from monite_auth.engine.shared_peek import PATIENCE, SharedPeek
from monite_auth.engine.single_flight import Flight
from monite_auth.engine.transport import Body, as_faults, as_sent, async_client, httpx, response_of
from monite_auth.identity import Directory, EntityUser, Principal, aask_directory
from monite_auth.monite_api.answers import Fault, Response
from monite_auth.monite_api.requests import Request
from monite_auth.processes.awaited import Awaited
from monite_auth.processes.workers import threads_are_allowed
from monite_auth.settings import Settings
from monite_auth.stores import Store
from monite_auth.telemetry import Silence, Telemetry
from monite_auth.tokens import Clock

__all__ = ["AsyncRuntime"]

GRACE_ROUNDS = 100
"""Rounds of the event loop after the time for an answer is over: they read what has arrived meanwhile, without waiting, where
the loop was blocked or the process stopped for a while. It may hold a token."""

LAST_ANSWER = 0.5
"""Seconds in which the answer to a request may still come when its event loop is shut down: several times as long as Monite takes. A
mint that is left without its answer leaves a token that nobody knows."""


class _Asking(asyncio.Task[Response | Fault]):
    """A request under way. An event loop that is shut down cancels all of its tasks; only `AsyncRuntime.send` gives this one up.

    A timeout within it, of connecting for example, cancels it too, for a moment: from a timer, which is no task.
    """

    def cancel(self, msg: Any = None) -> bool:
        loop = self.get_loop()
        is_timeout = loop.is_running() and asyncio.current_task(loop) is None
        return is_timeout and super().cancel(msg)

    def give_up(self) -> None:
        super().cancel()


class AsyncRuntime:
    """Runs flows on one event loop, the running one.

    `options` returns those of its client, and may return the same ones each time. `threads` returns the runtime of threads. The
    event loop keeps this runtime, so neither may refer to whatever is to go before the loop does.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        clock: Clock,
        limit_watch: LimitWatch | None = None,
        telemetry: Telemetry | None = None,
        *,
        options: Callable[[], dict[str, Any]],
        threads: Callable[[], Runtime],
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self.store = store.operations(blocking=False)
        self.clock = clock
        self.limit_watch = limit_watch or LimitWatch(settings.requests_per_second)
        self.telemetry = telemetry or Silence()
        self.random = random.Random().random  # noqa: S311 - no secret; the module's own is inherited by forks in C
        self._settings = settings
        self._client: httpx.AsyncClient | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._cancelled: WeakSet[asyncio.Task[None]] = WeakSet()
        """Those that were cancelled, and go on to put an answer into the store."""
        self._options = options
        self._threads = threads
        self._peek_locks: WeakKeyDictionary[SharedPeek, asyncio.Lock] = WeakKeyDictionary()

    @property
    def has_background(self) -> bool:
        """See Runtime."""
        return threads_are_allowed()

    @property
    def of_threads(self) -> Runtime:
        """See Runtime."""
        return self._threads()

    async def send(self, request: Request, *, within: float) -> Response | Fault:
        """See Runtime.

        An answer that has arrived counts even if its time is over: it may hold a token. Where work of ours is cancelled, since the
        event loop is shut down or the broker closed, an answer counts that comes in a moment. The work goes on until it has been
        put into the store, and no further.
        """
        self._end_if_cancelled()
        asking = _Asking(self._ask(request, within), loop=self.loop)
        try:
            try:
                await asyncio.wait([asking], timeout=within)
                for _ in range(GRACE_ROUNDS):  # what has arrived meanwhile is read without waiting
                    if asking.done():
                        break
                    await asyncio.sleep(0)
            except asyncio.CancelledError:
                if not await self._is_answered_in_a_moment(asking, within):
                    raise
            return asking.result() if asking.done() else Fault("timeout")
        finally:
            with suppress(RuntimeError):  # the loop has been closed
                asking.give_up()

    async def _is_answered_in_a_moment(self, asking: _Asking, within: float) -> bool:
        """Wait a moment for an answer although the task was cancelled; say whether the task goes on with it."""
        task = asyncio.current_task()
        if task not in self._tasks:  # the application's, which waits for no answer any more
            return False
        await asyncio.wait([asking], timeout=min(within, LAST_ANSWER))
        if asking.done():
            task.uncancel()
            self._cancelled.add(task)
        return asking.done()

    def _end_if_cancelled(self) -> None:
        if asyncio.current_task() in self._cancelled:
            raise asyncio.CancelledError

    async def _ask(self, request: Request, within: float) -> Response | Fault:
        with as_faults() as faults:
            # `send` keeps the time for the answer: a timeout of httpx would not look whether one has arrived meanwhile.
            patience = httpx.Timeout(None, connect=min(self._settings.connect_timeout, within), pool=within)
            async with self._http().stream(**as_sent(request), timeout=patience) as response:
                body = Body(response, request.longest_answer)
                async for received in response.aiter_raw():
                    body.add(received)
                return response_of(response, body)
        return faults[0]

    async def sleep(self, seconds: float, *, until: Awaited | None = None) -> None:
        """See Runtime."""
        self._end_if_cancelled()
        if until is None:
            await asyncio.sleep(seconds)
        else:
            await self._wait(until, within=seconds)

    async def wait(self, flight: Flight, *, within: float) -> None:
        """See Runtime."""
        await self._wait(flight, within=within)

    async def _wait(self, awaited: Awaited, *, within: float) -> None:
        finished = asyncio.Event()
        # What is awaited must not keep them.
        weak_loop, weak_event = ref(asyncio.get_running_loop()), ref(finished)

        def wake() -> None:
            loop, event = weak_loop(), weak_event()
            if loop is not None and event is not None:
                with suppress(RuntimeError):  # the loop has been closed: nobody waits here any more
                    loop.call_soon_threadsafe(event.set)

        awaited.call_when_finished(wake)
        try:
            async with self._limit(max(0.0, within)):
                await finished.wait()
        except GeneratorExit:
            raise
        except TimeoutError:
            awaited.cancel_call(wake)
        except BaseException:
            awaited.cancel_call(wake)
            raise

    @asynccontextmanager
    async def one_by_one(self, shared: SharedPeek) -> AsyncGenerator[None]:
        """See Runtime."""
        lock = self._peek_locks.setdefault(shared, asyncio.Lock())
        is_alone = False
        with suppress(TimeoutError):
            async with self._limit(PATIENCE):
                is_alone = await lock.acquire()
        try:
            yield
        finally:
            if is_alone:
                lock.release()

    async def find(self, directory: Directory, principal: Principal, *, within: float) -> EntityUser | None:
        """See Runtime."""
        limit = asyncio.timeout(None)
        try:
            async with self._limit(within, limit):
                return await aask_directory(directory, principal)
        except TimeoutError:
            if limit.expired():
                raise Overdue from None
            raise

    @asynccontextmanager
    async def _limit(self, seconds: float, limit: asyncio.Timeout | None = None) -> AsyncGenerator[None]:
        """As `asyncio.timeout`, but with a timer that keeps no request's context: a loop holds cancelled ones until their time."""
        async with limit or asyncio.timeout(None) as entered:
            Context().run(entered.reschedule, self.loop.time() + seconds)
            yield

    def lead(self, flow: Flow[None]) -> None:
        """See Runtime. It runs in the caller's context, which a directory may need."""
        self._start(flow, copy_context())

    def spawn(self, flow: Flow[None]) -> None:
        """See Runtime. It runs in a context of its own; see `background.run_in_background`."""
        self._start(flow, Context())

    def _start(self, flow: Flow[None], context: Context) -> None:
        task = self.loop.create_task(flow, name="monite_auth", context=context)
        self._tasks.add(task)  # an event loop holds its tasks weakly
        task.add_done_callback(self._finished)

    def _finished(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log_failure(error)

    async def aclose(self, *, within: float | None = None) -> None:
        """Cancel background work, wait for its end `within` seconds (the deadline) at the most, and close connections."""
        patience = self._settings.deadline if within is None else within
        for seconds in (patience / 2, patience / 2):  # the second time for those that wait for an answer
            tasks = list(self._tasks)
            for task in tasks:
                task.cancel()
            if tasks:
                await asyncio.wait(tasks, timeout=seconds)
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    def _http(self) -> httpx.AsyncClient:
        if self._client is None:
            self._client = async_client(self._options())
        return self._client
