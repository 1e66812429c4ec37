"""Requests to Monite's API as the partner itself: within the request budget, and with our errors.

As with `runtime`, what is asked is written once, over a *caller*: `BlockingCaller` works inside its methods and never
suspends, `AsyncCaller` awaits on the running event loop.
"""

import asyncio
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar
from uuid import UUID

import httpx

from monite_auth.broker import TokenBroker
from monite_auth.callables import AppFunction
from monite_auth.errors import (
    CredentialsRejected,
    MoniteAuthError,
    MoniteUnavailable,
    ProvisioningFailed,
    RateLimited,
)
from monite_auth.identity import PARTNER
from monite_auth.pace import turn
from monite_auth.settings import Settings
from monite_auth.stores.base import Operations
from monite_auth.stores.budget import Priority
from monite_auth.tokens import Clock, steady_clock
from monite_auth.wire import Response, json_of, message_of, request_id_of, retry_after

__all__ = ["AsyncCaller", "BlockingCaller", "Call", "Caller", "PartnerApi", "Record"]

Result = TypeVar("Result")
Record = dict[str, Any]

SHORTEST_HOLD = 0.2
"""Seconds to hold after a 429 at least, even if Monite's answer says 0."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request. What it says of a person does not print."""

    method: str
    path: str
    entity_id: str | None = None
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def options(self) -> dict[str, Any]:
        """The request in the words of httpx."""
        return {
            "headers": {"x-monite-entity-id": self.entity_id} if self.entity_id else {},
            "params": dict(self.query),
            "json": dict(self.body) or None,
        }


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
        self._until = caller.clock() + caller.settings.deadline

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

        Raises ProvisioningFailed where Monite refuses; CredentialsRejected, RateLimited or MoniteUnavailable.
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
            if response.status != 429:
                return _read(doing, call, response)
            pause = retry_after(response.headers.get("retry-after"), now=self._caller.clock())
            await self._caller.store.hold(max(SHORTEST_HOLD, pause))

    async def records(
        self, doing: str, path: str, entity_id: str | None = None, **query: str
    ) -> list[Record]:
        """Return the records of all pages that are not deleted, the oldest first."""
        records: list[Record] = []
        page: str | None = None
        while True:
            asked = {"pagination_token": page} if page else query  # which brings the query that it continues
            answer = await self.ask(doing, Call("GET", path, entity_id, asked))
            data, page = answer.get("data"), answer.get("next_pagination_token")
            if not isinstance(data, list):
                raise _senseless(doing)
            records += [checked(doing, each) for each in data]
            if not page:
                living = (each for each in records if each.get("status") != "deleted")
                return sorted(living, key=lambda each: (str(each.get("created_at")), each["id"]))


def checked(doing: str, record: object) -> Record:
    """Return a record that Monite answered with, or raise MoniteUnavailable where it is none."""
    if isinstance(record, dict):
        with suppress(KeyError, TypeError, ValueError, AttributeError):
            UUID(record["id"])
            return record
    raise _senseless(doing)


def _senseless(doing: str, request_id: str | None = None) -> MoniteUnavailable:
    return MoniteUnavailable(
        f"Monite was asked to {doing}, and its answer made no sense.", request_id=request_id, retry_after=1
    )


def _read(doing: str, call: Call, response: Response) -> Record:
    status, request_id = response.status, request_id_of(response)
    if 200 <= status < 300:
        answer = json_of(response) if response.body else {}
        if isinstance(answer, dict):
            return answer
        raise _senseless(doing, request_id)
    if status == 401:
        raise CredentialsRejected(
            f"Monite refuses to {doing}: it does not accept a fresh partner token (401).",
            request_id=request_id,
        )
    if not 400 <= status < 500 or status in (408, 425):  # those two ask to be tried again
        raise MoniteUnavailable(
            f"Monite was asked to {doing}, and answered {status}.", request_id=request_id, retry_after=1
        )
    raise _refusal(doing, call, response)


PREFIXES = {"/entities": "entity.", "/roles": "role."}
"""What stands before a field's name, so that an entity's e-mail address is not taken for a person's."""

PUBLIC = {"permissions", "type", "name", "role_id"}
"""Fields whose values say nothing about a person, and so may be repeated."""


def _refusal(doing: str, call: Call, response: Response) -> MoniteAuthError:
    """Return what Monite says, with the names of fields and without their values."""
    message = message_of(response)
    for value in sorted(_texts({**call.query, **call.body}), key=len, reverse=True):
        message = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", "…", message, flags=re.IGNORECASE)
    message = re.sub(r"[^\s'\"]+@[^\s'\"]+", "…", message)[:300]
    names = _complained_of(response) or [each for each in call.body if _mentions(message, each)]
    prefix = PREFIXES.get(call.path, "")
    fields = tuple(prefix + each.removesuffix("_id") for each in dict.fromkeys(names))
    if not fields and response.status == 404 and call.entity_id is not None:
        fields = ("entity",)
    hint = f" Look at {', '.join(fields)} in the profile." if fields else ""
    return ProvisioningFailed(
        f"Monite refuses to {doing} ({response.status} {message!r}).{hint}",
        fields=fields,
        monite_status=response.status,
        request_id=request_id_of(response),
    )


def _complained_of(response: Response) -> list[str]:
    """Return the fields of FastAPI's `{"detail": [{"loc": ["body", "address", "city"], …}]}`, with dots."""
    body = json_of(response)
    detail = body.get("detail") if isinstance(body, dict) else None
    places = (
        [each.get("loc") for each in detail if isinstance(each, dict)] if isinstance(detail, list) else []
    )
    dotted = (".".join(str(step) for step in place[1:]) for place in places if isinstance(place, list))
    return [re.sub(r"[^\w.-]", "", each)[:100] for each in dotted if each]


def _mentions(message: str, name: str) -> bool:
    words = name.removesuffix("_id").replace("_", "[ _]")
    return re.search(rf"\b{words}\b", message, re.IGNORECASE) is not None


def _texts(value: object) -> Iterator[str]:
    """Return the texts in a request that may say something about a person."""
    if isinstance(value, str) and value:
        yield value
    elif isinstance(value, Mapping):
        for name, each in value.items():
            if name not in PUBLIC:
                yield from _texts(each)


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
