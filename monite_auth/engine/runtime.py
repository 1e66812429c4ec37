"""Where I/O happens: flows say what to do, a runtime does it.

A flow is an `async def` that awaits nothing but a runtime's methods. `BlockingRuntime`'s do their work inside and
never suspend, so that `run` drives a flow to its end in the calling thread. `AsyncRuntime`'s are awaits of the
running event loop. One broker has one blocking runtime, and one async runtime for each event loop.
"""

import asyncio
import collections
import logging
import random
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, Protocol, TypeVar

from monite_auth.configuration.proxies import connection_options
from monite_auth.engine.flights import Flight
from monite_auth.errors import BlockingCallError
from monite_auth.identity import Directory, EntityUser, Principal, Subject, aask_directory, ask_directory
from monite_auth.monite_api.answers import Fault, Response, masked
from monite_auth.monite_api.requests import Request
from monite_auth.processes.lifetimes import close_with_loop
from monite_auth.settings import Settings
from monite_auth.stores import Operations, Slot, Store
from monite_auth.tokens import AccessToken, Clock

try:  # the maintained successor of httpx, same interface
    import httpx2 as httpx
except ImportError:
    import httpx  # type: ignore[no-redef]  # one of the two

__all__ = ["AsyncRuntime", "BlockingRuntime", "Runtime", "run"]

Result = TypeVar("Result")
Flow = Coroutine[Any, Any, Result]

log = logging.getLogger("monite_auth")

TURNS, BLINK = 4, 0.05
"""Tasks of one event loop that look into the store at once after a wait, and the seconds that others let them."""

GRACE, ROUNDS = 1.0, 100
"""What an answer gets when its time is over, since a process that was stopped for a while, or whose event loop was blocked,
finds it waiting: seconds for what is left of it, in a thread; rounds of the event loop, which read what has arrived."""


class Closed(RuntimeError):
    """There is no time for a background flow to go on: the broker was closed, or a request waits for it."""


class Runtime(Protocol):
    """What flows may do."""

    store: Operations

    @property
    def clock(self) -> Clock:
        """The time, in epoch seconds."""

    @property
    def has_background(self) -> bool:
        """Whether what is spawned keeps nobody waiting."""

    def random(self) -> float:
        """Return a number from 0 to 1, for jitter."""

    async def send(self, request: Request, *, within: float) -> Response | Fault:
        """Send `request` to Monite and return what came of it after `within` seconds at the most; never raise."""

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""

    async def wait(self, flight: Flight, *, within: float) -> None:
        """Wait for the end of the flight, `within` seconds at the most."""

    async def look(self, flight: Flight, slot: Slot, principal: Subject) -> AccessToken | None:
        """Look for the token, after a wait: into the store, or at what another who waited has just found there."""

    async def find(self, directory: Directory, principal: Principal) -> EntityUser | None:
        """Ask the directory."""

    def lead(self, flow: Flow[None]) -> None:
        """Do the work of a flight that the caller leads and others wait for.

        In a thread: here and now. On an event loop: in a task of its own, so that a cancelled request takes
        nothing down but itself.
        """

    def spawn(self, flow: Flow[None]) -> None:
        """Do work that nobody waits for, in the background."""


def run(flow: Flow[Result]) -> Result:
    """Run a flow over a BlockingRuntime to its end."""
    try:
        flow.send(None)
    except StopIteration as end:
        result: Result = end.value
        return result
    flow.close()
    raise RuntimeError("A flow suspended outside an event loop; it awaited something that is no runtime's.")


class BlockingRuntime:
    """Flows in threads."""

    def __init__(self, settings: Settings, store: Store, clock: Clock) -> None:
        self.store = store.operations(blocking=True)
        self.clock = clock
        self.random = random.Random().random  # noqa: S311 - no secret; the module's own is inherited by forks in C
        self._settings = settings
        self._client: httpx.Client | None = None
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._background = _Background()
        self._inline = threading.local()

    @property
    def has_background(self) -> bool:
        """See Runtime."""
        return _threads_are_allowed()

    async def send(self, request: Request, *, within: float) -> Response | Fault:
        """See Runtime."""
        with _faults() as faults:
            patience = _patience(self._settings, within)
            ends, is_late = time.monotonic() + within, False
            with self._http().stream(**_as_sent(request), timeout=patience) as response:
                body = b""
                for chunk in response.iter_bytes():
                    body += chunk
                    if len(body) > request.longest_answer:
                        return Fault("the answer is too long")
                    if time.monotonic() > ends:
                        if is_late:
                            return Fault("the answer came too slowly")
                        is_late, ends = True, time.monotonic() + GRACE
                return _response(response, body)
        return faults[0]

    async def sleep(self, seconds: float) -> None:
        """See Runtime."""
        if getattr(self._inline, "runs", False) or self._closing.wait(seconds):
            raise Closed("The broker has been closed, or there is no background to wait in.")

    async def wait(self, flight: Flight, *, within: float) -> None:
        """See Runtime."""
        if flight.waits_for_this_thread() and not flight.done:
            raise BlockingCallError(
                "A blocking call on the event loop's thread would wait for a task of that same loop. "
                "Use the a… methods there: await broker.atoken(…)."
            )
        flight.block(max(0.0, within))

    async def look(self, flight: Flight, slot: Slot, principal: Subject) -> AccessToken | None:
        """See Runtime."""
        return await flight.look(principal, lambda: self.store.peek(slot, principal), self.clock)

    async def find(self, directory: Directory, principal: Principal) -> EntityUser | None:
        """See Runtime."""
        return ask_directory(directory, principal)

    def lead(self, flow: Flow[None]) -> None:
        """See Runtime."""
        run(flow)

    def spawn(self, flow: Flow[None]) -> None:
        """See Runtime.

        Where the server allows no threads, the flow runs inside the request, up to the first time that it has to
        wait; what is left waits in the store for `monite-auth drain`, or for somebody else's turn.
        """
        if self.has_background:
            self._background.submit(flow)
            return
        self._inline.runs = True
        try:
            _run_background(flow)
        finally:
            self._inline.runs = False

    def close(self) -> None:
        """Cut background work short, and close connections."""
        self._closing.set()
        self._background.join(within=self._settings.deadline)
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def _http(self) -> httpx.Client:
        with self._lock:
            if self._client is None:
                self._client = httpx.Client(cookies=_no_cookies(), **connection_options(self._settings))
            return self._client


class AsyncRuntime:
    """Flows on one event loop. `loop_ended` is told of its end, and whether that cut background work short."""

    has_background = True

    def __init__(
        self, settings: Settings, store: Store, clock: Clock, *, loop_ended: Callable[[bool], None]
    ) -> None:
        self.store = store.operations(blocking=False)
        self.clock = clock
        self.random = random.Random().random  # noqa: S311 - no secret; the module's own is inherited by forks in C
        self._settings = settings
        self._client: httpx.AsyncClient | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop_end = close_with_loop(self._loop_ends)
        self._loop_ended = loop_ended
        self._was_cut_short = False
        self._turns = asyncio.Semaphore(TURNS)

    async def send(self, request: Request, *, within: float) -> Response | Fault:
        """See Runtime.

        An answer that is there counts, although its time is over or the caller is being cancelled: it may hold a token.
        """
        asking = asyncio.ensure_future(self._ask(request, within))
        try:
            await asyncio.wait([asking], timeout=within)
            for _ in range(ROUNDS):  # what has arrived meanwhile is read without waiting
                if asking.done():
                    return asking.result()
                await asyncio.sleep(0)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or not asking.done() or asking.cancelled():
                raise
            task.uncancel()
            task.cancel()  # at its next step, which has the answer
            return asking.result()
        finally:
            with suppress(RuntimeError):  # the loop has been closed
                asking.cancel()
        return Fault("timeout")

    async def _ask(self, request: Request, within: float) -> Response | Fault:
        with _faults() as faults:
            # `send` looks at the clock while an answer is awaited, since httpx would not look whether there is one.
            patience = httpx.Timeout(None, connect=min(self._settings.connect_timeout, within), pool=within)
            async with self._http().stream(**_as_sent(request), timeout=patience) as response:
                body = b""
                async for chunk in response.aiter_bytes():
                    body += chunk
                    if len(body) > request.longest_answer:
                        return Fault("the answer is too long")
                return _response(response, body)
        return faults[0]

    async def sleep(self, seconds: float) -> None:
        """See Runtime."""
        await asyncio.sleep(seconds)

    async def wait(self, flight: Flight, *, within: float) -> None:
        """See Runtime."""
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()

        def wake() -> None:
            with suppress(RuntimeError):  # the loop has been closed: nobody waits here any more
                loop.call_soon_threadsafe(ended.set)

        flight.call_when_done(wake)
        try:
            async with asyncio.timeout(max(0.0, within)):
                await ended.wait()
        except TimeoutError:
            pass
        finally:
            flight.call_off(wake)

    async def look(self, flight: Flight, slot: Slot, principal: Subject) -> AccessToken | None:
        """See Runtime.

        A few tasks look into the store, the others rely on what these find. But they do not rely on a store that
        hangs, or that has something for others only, for longer than a blink: then each looks for itself.
        """
        found = flight.found(principal, self.clock())
        if found is not None:
            return found
        has_turn = False
        with suppress(TimeoutError):
            async with asyncio.timeout(BLINK):
                has_turn = await self._turns.acquire()
        try:
            return await flight.look(principal, lambda: self.store.peek(slot, principal), self.clock)
        finally:
            if has_turn:
                self._turns.release()

    async def find(self, directory: Directory, principal: Principal) -> EntityUser | None:
        """See Runtime."""
        return await aask_directory(directory, principal)

    def lead(self, flow: Flow[None]) -> None:
        """See Runtime."""
        self.spawn(flow)

    def spawn(self, flow: Flow[None]) -> None:
        """See Runtime."""
        task = asyncio.get_running_loop().create_task(flow, name="monite_auth")
        self._tasks.add(task)  # an event loop holds its tasks weakly
        task.add_done_callback(self._finished)

    def _finished(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        self._was_cut_short = self._was_cut_short or task.cancelled()
        if not task.cancelled() and (error := task.exception()) is not None:
            _log_failure(error)

    async def _loop_ends(self) -> None:
        left_undone = self._was_cut_short or bool(self._tasks)
        await self.aclose()
        self._loop_ended(left_undone)

    async def aclose(self) -> None:
        """Cancel background work and close connections."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._was_cut_short = False
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    def _http(self) -> httpx.AsyncClient:
        if self._client is None:
            self._client = httpx.AsyncClient(cookies=_no_cookies(), **connection_options(self._settings))
        return self._client


def _patience(settings: Settings, within: float) -> httpx.Timeout:
    """Return the timeouts of one request; waiting for a free connection is part of the caller's own patience."""
    return httpx.Timeout(
        connect=min(settings.connect_timeout, within),
        read=min(settings.read_timeout, within),
        write=min(settings.read_timeout, within),
        pool=within,
    )


def _no_cookies() -> CookieJar:
    """Return a jar that stays empty: what Monite sets for one user must not travel with another's request."""
    return CookieJar(DefaultCookiePolicy(allowed_domains=[]))


def _as_sent(request: Request) -> dict[str, Any]:
    """Return the arguments that a client sends a request with."""
    return {
        "method": request.method,
        "url": request.url,
        "headers": request.headers,
        "content": request.body.reveal() or None,
    }


def _response(response: httpx.Response, body: bytes) -> Response:
    return Response(
        response.status_code, {name.lower(): value for name, value in response.headers.items()}, body
    )


@contextmanager
def _faults() -> Iterator[list[Fault]]:
    """Turn what the HTTP library raises into a Fault.

    Its exceptions hold the whole request, the secret included, so they end here and are nobody's cause. What they say may
    quote a header of ours, or bytes of an answer.
    """
    faults: list[Fault] = []
    try:
        yield faults
    except TimeoutError:
        faults.append(Fault("timeout"))
    except (httpx.LocalProtocolError, UnicodeError) as error:
        faults.append(Fault(f"{type(error).__name__}: the request cannot be written"))
    except (httpx.RequestError, httpx.InvalidURL, OSError) as error:
        kind, said = type(error).__name__, masked(str(error))
        faults.append(Fault(f"{kind}: {said}" if said else kind))


def _threads_are_allowed() -> bool:
    """Say whether threads of ours would run, and run to their end.

    Under uWSGI without `--enable-threads` they never get their turn. And while it loads the application that it is going
    to fork, in C and without a word, its workers would inherit whatever a thread is in the middle of.
    """
    uwsgi = sys.modules.get("uwsgi")  # uWSGI puts it there; it cannot be installed
    if uwsgi is None:
        return True
    is_forked = uwsgi.worker_id() > 0 or uwsgi.mule_id() > 0
    return is_forked and bool({b"enable-threads", b"threads"} & uwsgi.opt.keys())


def _run_background(flow: Flow[None]) -> None:
    try:
        run(flow)
    except Closed:
        pass
    except Exception as error:  # noqa: BLE001 - nobody else is there to take it
        _log_failure(error)


def _log_failure(error: BaseException) -> None:
    """Log what background work died of: without the traceback, since frames can hold what must not be seen."""
    log.error("Background work failed: %s: %s", type(error).__name__, error)


class _Background:
    """A few daemon threads that come when there is work and go when there is none.

    Daemons, since a process that exits must not wait for Monite. They are not a ThreadPoolExecutor, which waits.
    """

    MOST = 4
    """Background work is a drain and some renewals: more at once would only queue for the request budget."""

    IDLE = 10.0
    """Seconds that a thread waits for more work."""

    def __init__(self) -> None:
        self._work: collections.deque[Flow[None]] = collections.deque()
        self._changed = threading.Condition()
        self._threads: set[threading.Thread] = set()
        self._idle = 0
        self._ending = False

    def submit(self, flow: Flow[None]) -> None:
        with self._changed:
            self._work.append(flow)
            if self._idle < len(self._work) and len(self._threads) < self.MOST:
                thread = threading.Thread(target=self._serve, name="monite_auth", daemon=True)
                try:
                    thread.start()
                except RuntimeError:  # there are too many already, or the interpreter is ending
                    if not self._threads:
                        self._work.pop().close()  # it can wait: what is left to do stands in the store
                else:
                    self._threads.add(thread)
            else:
                self._changed.notify()

    def join(self, *, within: float) -> None:
        """Let the threads end once there is no more work, and wait for them `within` seconds."""
        with self._changed:
            self._ending = True
            self._changed.notify_all()
            threads = list(self._threads)
        end = time.monotonic() + within
        for thread in threads:
            thread.join(max(0.0, end - time.monotonic()))

    def _serve(self) -> None:
        while (flow := self._next()) is not None:
            _run_background(flow)

    def _next(self) -> Flow[None] | None:
        with self._changed:
            self._idle += 1
            more = self._changed.wait_for(lambda: self._work or self._ending, timeout=self.IDLE)
            self._idle -= 1
            if more and self._work:
                return self._work.popleft()
            self._threads.discard(threading.current_thread())
            return None
