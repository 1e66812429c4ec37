"""Requests to Monite's API as the partner itself: within the request budget, and with our errors.

As with `runtime`, what is asked is written once, over a *caller*: `BlockingCaller` works inside its methods and never
suspends, `AsyncCaller` awaits on the running event loop.
"""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

import httpx

from monite_auth.broker import TokenBroker
from monite_auth.engine.pace import hold, turn
from monite_auth.errors import MoniteUnavailable, RateLimited
from monite_auth.functions import AppFunction
from monite_auth.identity import PARTNER
from monite_auth.monite_api.wire import Response, retry_after
from monite_auth.provisioning.calls import Call, Record, read_answer, read_page
from monite_auth.settings import Settings
from monite_auth.stores import Operations, Priority
from monite_auth.tokens import Clock, steady_clock

__all__ = ["AsyncCaller", "BlockingCaller", "Caller", "PartnerApi"]

Result = TypeVar("Result")

SHORTEST_HOLD = 0.2
"""Seconds to hold after a 429 at least, even if Monite's answer says 0."""


class Caller(Protocol):
    """What flows may do."""

    settings: Settings
    store: Operations

    @property
    def clock(self) -> Clock:
        """The time, in epoch seconds."""

    async def send(self, call: Call, *, within: float) -> Response:
        """Send a request with the partner token; raise MoniteUnavailable when no answer comes."""

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""

    async def ask(self, function: AppFunction[Result], *arguments: Any) -> Result:
        """Ask a function of the application's."""

    async def relink(self, user_id: str) -> None:
        """See TokenBroker."""


class BlockingCaller:
    """In threads."""

    def __init__(self, broker: TokenBroker) -> None:
        self.clock = steady_clock
        self.settings = broker.settings
        self.store = broker.store.operations(blocking=True)
        self._broker = broker

    async def send(self, call: Call, *, within: float) -> Response:
        """See Caller."""
        with _faults() as faults:
            client = self._broker.client(PARTNER, timeout=_patience(self.settings, within))
            return _response(client.request(call.method, call.path, **call.options))
        raise _unreachable(faults)

    async def sleep(self, seconds: float) -> None:
        """See Caller."""
        time.sleep(seconds)  # noqa: ASYNC251 - the thread is its caller's own

    async def ask(self, function: AppFunction[Result], *arguments: Any) -> Result:
        """See Caller."""
        return function.call(*arguments)

    async def relink(self, user_id: str) -> None:
        """See Caller."""
        self._broker.relink(user_id)


class AsyncCaller:
    """On the running event loop."""

    def __init__(self, broker: TokenBroker) -> None:
        self.clock = steady_clock
        self.settings = broker.settings
        self.store = broker.store.operations(blocking=False)
        self._broker = broker

    async def send(self, call: Call, *, within: float) -> Response:
        """See Caller."""
        with _faults() as faults:
            client = self._broker.aclient(PARTNER, timeout=_patience(self.settings, within))
            return _response(await client.request(call.method, call.path, **call.options))
        raise _unreachable(faults)

    async def sleep(self, seconds: float) -> None:
        """See Caller."""
        await asyncio.sleep(seconds)

    async def ask(self, function: AppFunction[Result], *arguments: Any) -> Result:
        """See Caller."""
        return await function.acall(*arguments)

    async def relink(self, user_id: str) -> None:
        """See Caller."""
        await self._broker.arelink(user_id)


class PartnerApi:
    """Calls over a caller, all together within the deadline of `token()`: somebody may wait there for them."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        settings = caller.settings
        self._until = caller.clock() + settings.deadline
        self.longest = settings.deadline + settings.connect_timeout + settings.read_timeout
        """Seconds that all calls take together at most: they end with the deadline, give or take the last one."""

    def time_left(self, doing: str) -> float:
        """Return the seconds that are left, or raise MoniteUnavailable."""
        left = self._until - self._caller.clock()
        if left <= 0:
            raise MoniteUnavailable(
                f"There was no time left to {doing} within the deadline of {self._caller.settings.deadline:g} s.",
                retry_after=1,
            )
        return left

    async def ask(self, doing: str, call: Call) -> Record:
        """Send `call` and return its answer; `doing` says in an error what it was for.

        Raises RateLimited, and what `read_answer` does.
        """
        while True:
            wait = await turn(self._caller, Priority.USER, until=self._until)
            if wait > 0:
                raise RateLimited(
                    f"The budget of {self._caller.settings.requests_per_second:g} requests/s to Monite is used up for "
                    f"the next {wait:.1f} s, which is too long to {doing}.",
                    retry_after=wait,
                )
            response = await self._caller.send(call, within=self.time_left(doing))
            asked_for = response.headers.get("retry-after")
            if response.status != 429 and (response.status < 500 or asked_for is None):
                return read_answer(doing, call, response)
            pause = retry_after(asked_for, now=self._caller.clock())
            await hold(self._caller.store, max(SHORTEST_HOLD, pause))

    async def records(
        self, doing: str, path: str, entity_id: str | None = None, **query: str
    ) -> list[Record]:
        """Return the records of all pages that are not deleted, the oldest first."""
        records: list[Record] = []
        page: str | None = None
        while True:
            # The token of a page brings the query that it continues.
            asked = {"pagination_token": page} if page is not None else query
            answer = await self.ask(doing, Call("GET", path, entity_id, asked))
            found, page = read_page(doing, answer)
            records += found
            if page is None:
                living = (each for each in records if each.get("status") != "deleted")
                return sorted(living, key=lambda each: (str(each.get("created_at")), each["id"]))


@contextmanager
def _faults() -> Iterator[list[str]]:
    """Keep no more than the kind of what the HTTP library raises: its exceptions hold the whole request."""
    faults: list[str] = []
    try:
        yield faults
    except httpx.HTTPError as error:
        faults.append(type(error).__name__)


def _unreachable(faults: list[str]) -> MoniteUnavailable:
    return MoniteUnavailable(f"Monite did not answer the partner: {faults[0]}.", retry_after=1)


def _patience(settings: Settings, within: float) -> tuple[float, float, float, float]:
    connect, read = min(settings.connect_timeout, within), min(settings.read_timeout, within)
    return connect, read, read, within


def _response(response: httpx.Response) -> Response:
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Response(response.status_code, headers, response.content)
