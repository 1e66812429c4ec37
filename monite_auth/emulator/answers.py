"""A complete HTTP answer that has not been sent yet, and how faults change it. The gate sends it."""

import json
import math
from dataclasses import dataclass, replace
from email.utils import formatdate

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope

from monite_auth.emulator.errors import DEAD_TOKEN, RefusedError
from monite_auth.emulator.faults import Fault

TOO_MANY = "API rate limit exceeded"
NO_JSON = b"<html><body><h1>Bad Gateway</h1></body></html>"

Headers = tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers and body. The gate adds `content-length` when it sends the answer."""

    status: int
    headers: Headers
    body: bytes

    @classmethod
    def of(cls, response: Response) -> "Answer":
        headers = tuple(pair for pair in response.raw_headers if pair[0] != b"content-length")
        return cls(response.status_code, headers, bytes(response.body))


async def collect(app: ASGIApp, scope: Scope, body: bytes, receive: Receive) -> Answer:
    """Return the answer of `app` to a request whose body has already been read."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]
    start: Message = {}
    chunks: list[bytes] = []

    async def replay() -> Message:
        return messages.pop() if messages else await receive()

    async def keep(message: Message) -> None:
        nonlocal start
        if message["type"] == "http.response.start":
            start = message
        else:
            chunks.append(message.get("body", b""))

    await app(scope, replay, keep)
    headers = tuple((name, value) for name, value in start["headers"] if name != b"content-length")
    return Answer(start["status"], headers, b"".join(chunks))


def instead_of_work(fault: Fault, *, dead_token_status: int, now: float) -> Answer:
    """Return the answer for a fault that prevents the work: nothing is minted, revoked or stored."""
    if fault.kind == "dead_token":
        return Answer.of(RefusedError(fault.status or dead_token_status, fault.message or DEAD_TOKEN).answer)
    if fault.kind == "throttle":
        # Round up: an HTTP date has whole seconds, and a client must not come back too early.
        date = formatdate(math.ceil(now + fault.retry_after), usegmt=True)
        retry_after = str(fault.retry_after) if fault.retry_after_as == "seconds" else date
        return Answer.of(RefusedError(429, fault.message or TOO_MANY, {"retry-after": retry_after}).answer)
    refusal = Answer.of(RefusedError(fault.status or 503, fault.message or "Service unavailable").answer)
    return refusal if fault.body is None else replace(refusal, body=json.dumps(fault.body).encode())


def spoiled(answer: Answer, fault: Fault) -> Answer:
    """Return the right answer with its body replaced, as the fault (`invalid_json` or `wrong_fields`) says."""
    if fault.kind == "invalid_json":
        return replace(answer, body=NO_JSON)
    if fault.body is not None:
        return replace(answer, body=json.dumps(fault.body).encode())
    fields = list(json.loads(answer.body or b"{}").items())
    return replace(answer, body=json.dumps(dict(fields[1:])).encode())
