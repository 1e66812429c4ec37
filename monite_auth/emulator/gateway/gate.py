"""The gate: every call below /v1 passes the limit, the faults, and the checks of version and token, in this order.

Only the jitter comes before the limit: it is a fault of the way to Monite.
"""

import asyncio
import json
import math
import time
import uuid
from contextlib import nullcontext, suppress
from dataclasses import replace
from email.utils import formatdate
from typing import Any, Literal

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from monite_auth.emulator.answers.answer import TOO_MANY, Answer, instead_of_work, spoiled
from monite_auth.emulator.answers.errors import DEAD_TOKEN, RefusedError
from monite_auth.emulator.api.serving.dispatch import Api, ApiRequest
from monite_auth.emulator.faults.in_force import Effects, Hold, Order, Release
from monite_auth.emulator.faults.kinds import Call, Fault
from monite_auth.emulator.gateway.visit import Visit, is_api
from monite_auth.emulator.specification.facts import API_VERSION
from monite_auth.emulator.state.monite import Monite
from monite_auth.emulator.traffic.ledger import Token
from monite_auth.emulator.traffic.limits import NO_ANSWER

MINT, REVOKE = "/auth/token", "/auth/revoke"
UNDONE = frozenset({"status", "throttle", "dead_token"})
SPOILING = frozenset({"invalid_json", "wrong_fields"})
# The pieces of an answer that drips: so many that a timeout for each read passes, and a timeout for the answer does not.
DROPS = 20

#: The headers by which answers of the API tell more than other answers do.
OWN_HEADERS = (
    "x-request-id",
    "x-monite-version",
    "x-monite-entity-id",
    "x-process-time",
    "ratelimit-limit",
    "ratelimit-remaining",
    "ratelimit-reset",
    "x-ratelimit-limit-second",
    "x-ratelimit-remaining-second",
    "retry-after",
)


class Gate:
    """ASGI middleware that admits, refuses or disturbs requests before they reach the endpoints."""

    def __init__(self, app: ASGIApp, monite: Monite) -> None:
        self._app = app
        self._api = Api(monite)
        self._monite = monite

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not is_api(scope):
            await self._app(scope, receive, send)
            return
        visit = Visit(scope, receive, send, time.perf_counter(), self._monite.randomness.new_id("request"))
        is_whole = await visit.read()
        token = self._monite.ledger.find(visit.bearer) if visit.bearer else None
        call = _call_of(visit, token)
        visit.entity_user_id = call.entity_user_id
        for hold in self._monite.faults.jitters(call) if is_whole else ():
            await self._hold(visit, hold)
        self._monite.statistics.arrived()
        visit.admission = self._monite.limiter.admit()
        if not visit.admission.admitted:
            await self._refuse(visit)
        elif not is_whole:
            await self._deliver(visit, None)
        else:
            visit.token = token
            is_mint = visit.path == MINT
            minting = (
                self._monite.ledger.minting(call.entity_user_id, visit.transport)
                if is_mint
                else nullcontext()
            )
            with minting:
                await self._treat(visit, call)

    async def _refuse(self, visit: Visit) -> None:
        if visit.admission.first_refusal:
            self._monite.journal.record("throttled", path=visit.path, limit=visit.admission.limit)
        # The next window begins in less than a second, but Retry-After is in whole seconds.
        await self._deliver(visit, Answer.of(RefusedError(429, TOO_MANY, {"retry-after": "1"})))

    async def _treat(self, visit: Visit, call: Call) -> None:
        """Answer a request, with the faults that hit it."""
        effects = self._monite.faults.strike(call)
        visit.fault = effects.kind
        try:
            await self._answer_with(visit, effects)
        finally:
            self._monite.faults.overtake(effects.overtaken)

    async def _answer_with(self, visit: Visit, effects: Effects) -> None:
        if effects.trouble and effects.trouble.fault.kind == "hang":
            if await self._hold(visit, Hold(effects.trouble, seconds=None)) != "resume":
                await self._deliver(visit, None)
                return
            effects.trouble = None
        answer = None if effects.kind == "cut_before" else await self._answer(visit, effects)
        for hold in effects.holds:
            if await self._hold(visit, hold) in {"gone", "stop"}:
                answer = None
        await self._deliver(visit, answer, effects)

    async def _answer(self, visit: Visit, effects: Effects) -> Answer:
        fault = effects.fault
        if fault and fault.kind in UNDONE:
            if fault.kind == "dead_token" and visit.token:
                self._monite.ledger.refuse(visit.token, "fault")
            return instead_of_work(
                fault,
                dead_token_status=self._monite.dead_token_status,
                now=self._monite.clock.now() + effects.skew,
            )
        refusal = (
            self._api.not_served(visit.scope["method"], visit.path)
            or _wrong_version(visit.headers)
            or self._wrong_token(visit)
        )
        if refusal:
            return refusal
        request = ApiRequest(
            visit.scope["method"],
            visit.path,
            visit.scope["query_string"],
            visit.headers,
            visit.body,
            visit.origin,
            visit.token,
        )
        answer, visit.call = await self._api.answer(request)
        return answer

    async def _deliver(self, visit: Visit, answer: Answer | None, effects: Effects | None = None) -> None:
        """Send the answer, or the part of it that a fault lets through. If it is None, or the client has left, cut."""
        effects = effects or Effects()
        if (
            answer is None
            or effects.kind == "cut_after"
            or (visit.transport and visit.transport.is_closing())
        ):
            self._record(visit, NO_ANSWER, answer_lost=True)
            await visit.cut()
            return
        if effects.fault:
            answer = _altered(answer, effects.fault)
        headers = [*answer.headers, *self._extra_headers(visit, effects.skew)]
        if answer.status != 204:
            headers.append((b"content-length", str(len(answer.body)).encode()))
        visit.answer = replace(answer, headers=tuple(headers))
        start: Message = {"type": "http.response.start", "status": answer.status, "headers": headers}
        if effects.kind == "truncated":
            self._record(visit, NO_ANSWER, answer_lost=True)
            await visit.send(start)
            half = answer.body[: len(answer.body) // 2]
            await visit.send({"type": "http.response.body", "body": half, "more_body": True})
            await visit.cut(flush=True)
        elif effects.trouble and effects.kind == "drip" and answer.body:
            await visit.send(start)
            await self._drip(visit, answer, effects.trouble)
        else:
            # Record before sending the last byte: a test may check the records as soon as it has its answer.
            self._record(visit, answer.status, answer_lost=effects.kind in SPOILING)
            await visit.send(start)
            await visit.send({"type": "http.response.body", "body": answer.body})

    async def _drip(self, visit: Visit, answer: Answer, order: Order) -> None:
        """Send the body in pieces, with a pause before each."""
        size = math.ceil(len(answer.body) / DROPS)
        pieces = [answer.body[at : at + size] for at in range(0, len(answer.body), size)]
        pause = order.fault.seconds / len(pieces)
        while pieces:
            if await self._hold(visit, Hold(order, pause)) in {"gone", "stop"}:
                self._record(visit, NO_ANSWER, answer_lost=True)
                await visit.cut()
                return
            piece = pieces.pop(0)
            if not pieces:
                self._record(visit, answer.status, answer_lost=False)
            await visit.send({"type": "http.response.body", "body": piece, "more_body": bool(pieces)})

    def _record(self, visit: Visit, status: int, *, answer_lost: bool) -> None:
        self._monite.statistics.answered(visit.path, status)
        minted = visit.call.minted if visit.call else None
        if minted:
            minted.answer_lost = answer_lost
        answer = visit.answer
        self._monite.requests.record(
            at=self._monite.clock.now(),
            seconds=time.perf_counter() - visit.began,
            method=visit.scope["method"],
            path=visit.path,
            query=visit.scope["query_string"],
            status=answer.status if answer else None,
            request_id=visit.request_id,
            entity_user_id=visit.entity_user_id,
            fault=visit.fault,
            request=(visit.scope["headers"], visit.body),
            answer=(answer.headers, answer.body) if answer else None,
        )

    def _extra_headers(self, visit: Visit, skew: float) -> list[tuple[bytes, bytes]]:
        admission = visit.admission
        limit, remaining = str(admission.limit).encode(), str(admission.remaining).encode()
        entity = visit.call.of_entity if visit.call else None
        entity_id = entity.id if entity else visit.token.holder.entity_id if visit.token else None
        return [
            (b"date", formatdate(self._monite.clock.now() + skew, usegmt=True).encode()),
            (b"x-request-id", visit.request_id.encode()),
            (b"x-monite-version", API_VERSION.encode()),
            (b"x-process-time", f"{time.perf_counter() - visit.began:.6f}".encode()),
            (b"ratelimit-limit", limit),
            (b"ratelimit-remaining", remaining),
            (b"ratelimit-reset", str(admission.resets_at).encode()),
            (b"x-ratelimit-limit-second", limit),
            (b"x-ratelimit-remaining-second", remaining),
            *([(b"x-monite-entity-id", entity_id.encode())] if entity_id else []),
        ]

    def _wrong_token(self, visit: Visit) -> Answer | None:
        if visit.path == MINT:
            return None
        if visit.bearer is None:
            return Answer.of(RefusedError(401, "Send the access token as 'Authorization: Bearer …'."))
        state = visit.token.state(self._monite.clock.now()) if visit.token else "unknown"
        if visit.token and state == "live":
            # Revoking a token does not count as a use.
            if visit.path != REVOKE:
                self._monite.ledger.use(visit.token)
            return None
        if visit.token:
            self._monite.ledger.refuse(visit.token, state)
        else:
            self._monite.journal.record("refused", token=None, name=None, reason=state)
        return Answer.of(RefusedError(self._monite.dead_token_status, DEAD_TOKEN))

    async def _hold(self, visit: Visit, hold: Hold) -> Release | Literal["gone", "over"]:
        """Hold a request, and return why it goes on.

        The reason is `over` after the hold's seconds, `resume` when its fault is deleted or it is overtaken, `stop` when the
        server stops, and `gone` when the client has left.
        """
        loop = asyncio.get_running_loop()
        released: asyncio.Future[Release] = loop.create_future()
        leaving = asyncio.ensure_future(visit.gone())

        def settle(how: Release) -> None:
            if not released.done():
                released.set_result(how)

        # A test's thread, or the one that stops the server, may release the request.
        with self._monite.faults.holding(hold, lambda how: loop.call_soon_threadsafe(settle, how)):
            try:
                endings: set[asyncio.Future[Any]] = {released, leaving}
                await asyncio.wait(endings, timeout=hold.seconds, return_when=asyncio.FIRST_COMPLETED)
            finally:
                left = leaving.done()
                leaving.cancel()
        if left:
            return "gone"
        return released.result() if released.done() else "over"


def _call_of(visit: Visit, token: Token | None) -> Call:
    """Return the facts by which faults choose. A mint is about the user and the client in its body."""
    asked = _ids_in(visit.body) if visit.path in {MINT, REVOKE} else {}
    user_id = token.entity_user_id if token else None
    return Call(
        method=visit.scope["method"],
        path=visit.path,
        entity_user_id=asked.get("entity_user_id") if visit.path == MINT else user_id,
        client_id=asked.get("client_id", token.client_id if token else None),
    )


def _ids_in(body: bytes) -> dict[str, str]:
    """Return the user and the client in a body, as far as it can be read. The endpoint validates the body."""
    ids: dict[str, str] = {}
    with suppress(ValueError, RecursionError):
        asked = json.loads(body)
        for name in ("entity_user_id", "client_id"):
            with suppress(ValueError, LookupError, TypeError, AttributeError):
                ids[name] = str(uuid.UUID(asked[name]))
    return ids


def _altered(answer: Answer, fault: Fault) -> Answer:
    if fault.kind == "wrong_content_type":
        others = tuple(each for each in answer.headers if each[0] != b"content-type")
        return replace(answer, headers=(*others, (b"content-type", fault.content_type.encode())))
    return spoiled(answer, fault) if fault.kind in SPOILING else answer


def _wrong_version(headers: dict[bytes, bytes]) -> Answer | None:
    version = headers.get(b"x-monite-version", b"").decode("latin-1")
    if version == API_VERSION:
        return None
    complaint = ("Field required", "missing") if not version else (f"Use {API_VERSION}", "value_error")
    return Answer.of_complaints([(("header", "x-monite-version"), *complaint)])
