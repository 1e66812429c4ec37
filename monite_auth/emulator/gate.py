"""The gate: every call below /v1 passes the limit, the faults, and the checks of version and token, in this order.

Only the jitter comes before the limit: it is a fault of the way to Monite.
"""

import asyncio
import json
import time
import uuid
from contextlib import nullcontext
from datetime import date
from email.utils import formatdate
from typing import Any, Literal

from starlette.types import ASGIApp, Receive, Scope, Send

from monite_auth.emulator.answers import TOO_MANY, Answer, collect, instead_of_work, spoiled
from monite_auth.emulator.errors import DEAD_TOKEN, RefusedError, malformed
from monite_auth.emulator.faults import Fault, Order, Release
from monite_auth.emulator.ledger import Token
from monite_auth.emulator.limits import NO_ANSWER
from monite_auth.emulator.monite import Monite
from monite_auth.emulator.visit import PREFIX, Visit

API_VERSION = "2024-05-25"
MINT, REVOKE = "/auth/token", "/auth/revoke"
UNDONE = frozenset({"status", "throttle", "dead_token"})
CUTTING = frozenset({"cut_before", "cut_after", "truncated"})
SPOILING = frozenset({"invalid_json", "wrong_fields"})


class Gate:
    """ASGI middleware that admits, refuses or disturbs requests before they reach the endpoints."""

    def __init__(self, app: ASGIApp, monite: Monite) -> None:
        self._app = app
        self._monite = monite

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not f"{scope['path']}/".startswith(f"{PREFIX}/"):
            await self._app(scope, receive, send)
            return
        visit = Visit(scope, receive, send, time.perf_counter())
        is_whole = await visit.read()
        token = self._monite.ledger.find(visit.bearer) if visit.bearer else None
        about_token = token.entity_user_id if token else None
        entity_user_id = _asked_for(visit.body) if visit.path == MINT else about_token
        for order, seconds in self._monite.faults.jitters(visit.path, entity_user_id) if is_whole else ():
            await self._hold(visit, order, seconds=seconds)
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
                self._monite.ledger.minting(entity_user_id, visit.transport) if is_mint else nullcontext()
            )
            with minting:
                await self._treat(visit, entity_user_id)

    async def _refuse(self, visit: Visit) -> None:
        if visit.admission.first_refusal:
            self._monite.journal.record("throttled", path=visit.path, limit=visit.admission.limit)
        # The next window begins in less than a second, but Retry-After is in whole seconds.
        await self._deliver(visit, Answer.of(RefusedError(429, TOO_MANY, {"retry-after": "1"}).answer))

    async def _treat(self, visit: Visit, entity_user_id: str | None) -> None:
        """Answer a request, with the faults that hit it."""
        delays, order = self._monite.faults.strike(visit.path, entity_user_id)
        fault = order.fault if order else None
        if order and order.fault.kind == "hang":
            if await self._hold(visit, order, seconds=None) != "resume":
                await self._deliver(visit, None)
                return
            fault = None
        answer = None if fault and fault.kind == "cut_before" else await self._answer(visit, fault)
        for delay in delays:
            if await self._hold(visit, delay, seconds=delay.fault.seconds) in {"gone", "stop"}:
                answer = None
        await self._deliver(visit, answer, fault)

    async def _answer(self, visit: Visit, fault: Fault | None) -> Answer:
        if fault and fault.kind in UNDONE:
            if fault.kind == "dead_token" and visit.token:
                self._monite.ledger.refuse(visit.token, "fault")
            return instead_of_work(
                fault, dead_token_status=self._monite.dead_token_status, now=self._monite.clock.now()
            )
        refusal = _wrong_version(visit.headers) or self._wrong_token(visit)
        if refusal:
            return refusal
        visit.state["token"] = visit.token
        return await collect(self._app, visit.scope, visit.body, visit.receive)

    async def _deliver(self, visit: Visit, answer: Answer | None, fault: Fault | None = None) -> None:
        """Send the answer, or the part of it that `fault` lets through. If it is None, or the client has left, cut."""
        if visit.transport and visit.transport.is_closing():
            answer = None
        kind = fault.kind if fault else None
        whole = answer is not None and kind not in CUTTING
        minted: Token | None = visit.state.get("minted")
        # Record before sending the last byte: a test may check the records as soon as it has its answer.
        self._monite.statistics.answered(visit.path, answer.status if answer and whole else NO_ANSWER)
        if minted:
            minted.answer_lost = not whole or kind in SPOILING
        if answer is None or kind == "cut_after":
            await visit.cut()
            return
        if fault and kind in SPOILING:
            answer = spoiled(answer, fault)
        headers = [*answer.headers, *self._extra_headers(visit)]
        if answer.status != 204:
            headers.append((b"content-length", str(len(answer.body)).encode()))
        await visit.send({"type": "http.response.start", "status": answer.status, "headers": headers})
        if whole:
            await visit.send({"type": "http.response.body", "body": answer.body})
        else:
            half = answer.body[: len(answer.body) // 2]
            await visit.send({"type": "http.response.body", "body": half, "more_body": True})
            await visit.cut(flush=True)

    def _extra_headers(self, visit: Visit) -> list[tuple[bytes, bytes]]:
        admission = visit.admission
        limit, remaining = str(admission.limit).encode(), str(admission.remaining).encode()
        entity_id = visit.state.get("entity_id") or (visit.token.holder.entity_id if visit.token else None)
        return [
            (b"date", formatdate(self._monite.clock.now(), usegmt=True).encode()),
            (b"x-request-id", str(uuid.uuid4()).encode()),
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
            return Answer.of(RefusedError(401, "Send the access token as 'Authorization: Bearer …'.").answer)
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
        return Answer.of(RefusedError(self._monite.dead_token_status, DEAD_TOKEN).answer)

    async def _hold(
        self, visit: Visit, order: Order, *, seconds: float | None
    ) -> Release | Literal["gone", "over"]:
        """Hold a request, and return why it goes on.

        The reason is `over` after `seconds`, `resume` when its fault is deleted, `stop` when the server stops, and
        `gone` when the client has left. Without `seconds` there is no limit.
        """
        loop = asyncio.get_running_loop()
        released: asyncio.Future[Release] = loop.create_future()
        leaving = asyncio.ensure_future(visit.gone())

        def settle(how: Release) -> None:
            if not released.done():
                released.set_result(how)

        # A test's thread, or the one that stops the server, may release the request.
        with self._monite.faults.holding(order, lambda how: loop.call_soon_threadsafe(settle, how)):
            try:
                endings: set[asyncio.Future[Any]] = {released, leaving}
                await asyncio.wait(endings, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            finally:
                left = leaving.done()
                leaving.cancel()
        if left:
            return "gone"
        return released.result() if released.done() else "over"


def _asked_for(body: bytes) -> str | None:
    """Return the entity user in the body of a mint, or None if it cannot be read. The endpoint validates the body."""
    try:
        payload = json.loads(body)
        return str(uuid.UUID(payload["entity_user_id"]))
    except (ValueError, LookupError, TypeError, AttributeError):
        return None


def _wrong_version(headers: dict[bytes, bytes]) -> Answer | None:
    version = headers.get(b"x-monite-version", b"").decode("latin-1")
    if version == API_VERSION:
        return None
    if not version:
        return Answer.of(malformed((("header", "x-monite-version"), "Field required", "missing")))
    try:
        date.fromisoformat(version)
    except ValueError:
        return Answer.of(RefusedError(400, "x-monite-version is not a date.").answer)
    return Answer.of(RefusedError(400, f"x-monite-version: use {API_VERSION}.").answer)
