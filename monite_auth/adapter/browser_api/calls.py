"""Calls of a browser, passed on to Monite as the person who is logged in. Neither side is held in memory."""

from collections.abc import AsyncIterable, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, ExitStack
from dataclasses import replace
from typing import Any

import httpx

from monite_auth.adapter.access import MoniteAccess
from monite_auth.adapter.answers import Answer, problem, refuse
from monite_auth.adapter.browser_api.bodies import AsyncBody, Body, BodyBrokeOff, BodyTooLong
from monite_auth.adapter.browser_api.busy import BusySessions
from monite_auth.adapter.browser_api.clients import SharedClients
from monite_auth.adapter.browser_api.gate import ApiRequest, refuse_request, too_long
from monite_auth.adapter.browser_api.headers import request_headers
from monite_auth.adapter.browser_api.streams import (
    AsyncStream,
    Stream,
    StreamedAnswer,
    head_of,
    whole_answer,
)
from monite_auth.broker import TokenBroker
from monite_auth.errors import MoniteAuthError, NotLoggedIn, RateLimited
from monite_auth.outbound import BROKEN, unreachable
from monite_auth.settings import Settings

__all__ = ["BrowserApi"]

PATIENCE = 60.0
"""Seconds to wait for the next byte of an answer, or for Monite to take one: files are read, and PDFs are made, in that time."""

ENDINGS: tuple[type[Exception], ...] = (MoniteAuthError, BodyBrokeOff, BodyTooLong, *BROKEN)
"""Errors by which a call ends without an answer of Monite's, and that browsers get an answer for."""


class BrowserApi:
    """Monite's API for browsers that have a session and no token. Keep one for each place where it is mounted."""

    def __init__(self) -> None:
        self._busy = BusySessions()
        self._clients = SharedClients()

    def call(
        self,
        broker: TokenBroker,
        request: ApiRequest,
        chunks: Iterable[bytes] | None,
        find_access: Callable[[], MoniteAccess],
    ) -> Answer | StreamedAnswer[Stream]:
        """Make the call and return Monite's answer, or a refusal; raises nothing of ours.

        `chunks`: the body, read while it is sent; None where there is none. `find_access`: returns the request's access. It is
        called when the request may go on, since it may have to read a session. What these two raise goes through.
        """
        settings = broker.settings
        refusal = refuse_request(request, settings)
        if refusal is not None:
            return refusal
        access = find_access()
        with ExitStack() as over:
            refusal = self._begin(access, over)
            if refusal is not None:
                return refusal
            body = None if chunks is None else Body(chunks, settings.api_longest_body, request.length)
            client = self._clients.client(access.broker)
            auth = access.broker.auth(access.principal, budget=True)
            try:
                with access.broker.telemetry.span("api_call"):
                    response = client.send(_outgoing(settings, request, body), auth=auth, stream=True)
            except ENDINGS as error:
                return _answer_for(error, settings)
            over.callback(response.close)
            return whole_answer(response) or StreamedAnswer(
                *head_of(response), Stream(response, over.pop_all())
            )

    async def acall(
        self,
        broker: TokenBroker,
        request: ApiRequest,
        chunks: AsyncIterable[bytes] | None,
        find_access: Callable[[], Awaitable[MoniteAccess]],
    ) -> Answer | StreamedAnswer[AsyncStream]:
        """Make the call and return Monite's answer, or a refusal; see `call`."""
        settings = broker.settings
        refusal = refuse_request(request, settings)
        if refusal is not None:
            return refusal
        access = await find_access()
        async with AsyncExitStack() as over:
            refusal = self._begin(access, over)
            if refusal is not None:
                return refusal
            body = None if chunks is None else AsyncBody(chunks, settings.api_longest_body, request.length)
            client = self._clients.aclient(access.broker)
            auth = access.broker.auth(access.principal, budget=True)
            try:
                with access.broker.telemetry.span("api_call"):
                    response = await client.send(_outgoing(settings, request, body), auth=auth, stream=True)
            except ENDINGS as error:
                return _answer_for(error, settings)
            over.push_async_callback(response.aclose)
            return whole_answer(response) or StreamedAnswer(
                *head_of(response), AsyncStream(response, over.pop_all())
            )

    def _begin(self, access: MoniteAccess, over: ExitStack | AsyncExitStack) -> Answer | None:
        """Return the refusal of a call; else count it until it is `over`."""
        if access.principal is None:
            return refuse(NotLoggedIn("Nobody is logged in, so there is no one to call Monite for."))
        if not self._busy.begin(access.principal, access.broker.settings.api_calls_per_session, over):
            return problem(
                429, "too_many_calls", "This session has too many calls under way.", **{"Retry-After": "1"}
            )
        return None


def _outgoing(settings: Settings, request: ApiRequest, body: Body | AsyncBody | None) -> httpx.Request:
    """Return the request to Monite, without its token."""
    # Litestar adds a slash at the end, and none of Monite's paths has one.
    path = request.path.strip("/").removeprefix("v1/")
    timeout = httpx.Timeout(PATIENCE, connect=settings.connect_timeout, pool=settings.deadline)
    outgoing: Any = httpx.Request(
        request.method,
        f"{settings.base_url}/{path}" + (f"?{request.query}" if request.query else ""),
        # Bytes as they came: httpx would write text in ASCII.
        headers={
            name.encode(): value.encode("latin-1") for name, value in request_headers(request.headers).items()
        },
        content=body,  # which says how long it is, or else that it comes in chunks
        extensions={"timeout": timeout.as_dict()},
    )
    if body is not None:
        outgoing.stream = body  # and not once only
    return outgoing  # type: ignore[no-any-return]


def _answer_for(error: Exception, settings: Settings) -> Answer:
    """Return the answer for an error that ended a call; raise what is not ours, such as a browser that has gone."""
    if isinstance(error, BodyTooLong):
        return too_long(settings)
    if isinstance(error, BodyBrokeOff):
        return problem(400, "body_broke_off", "The body ended before its end.")
    ours = error if isinstance(error, MoniteAuthError) else unreachable(error, settings)
    if ours is None:
        raise error
    answer = refuse(ours)
    return replace(answer, status=429) if isinstance(ours, RateLimited) else answer
