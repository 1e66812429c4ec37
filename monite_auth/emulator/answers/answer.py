"""A complete HTTP answer that has not been sent yet, and how faults change it. The gate sends it."""

import json
import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from email.utils import formatdate
from typing import Any

from monite_auth.emulator.answers.errors import DEAD_TOKEN, RefusedError
from monite_auth.emulator.faults.kinds import Fault
from monite_auth.emulator.specification.validation import Complaint

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
    def of(cls, refusal: RefusedError) -> "Answer":
        """Return the answer to a request that is refused."""
        headers = ((name.encode(), value.encode()) for name, value in refusal.headers.items())
        return cls.of_json(refusal.status, refusal.body, tuple(headers))

    @classmethod
    def of_complaints(cls, complaints: Sequence[Complaint]) -> "Answer":
        """Return the answer to a request that has another form than Monite takes."""
        detail = [{"loc": place, "msg": sentence, "type": kind} for place, sentence, kind in complaints]
        return cls.of_json(422, {"detail": detail})

    @classmethod
    def of_json(cls, status: int, content: Any, headers: Headers = ()) -> "Answer":
        body = json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()
        return cls(status, ((b"content-type", b"application/json"), *headers), body)


def instead_of_work(fault: Fault, *, dead_token_status: int, now: float) -> Answer:
    """Return the answer for a fault that prevents the work: nothing is minted, revoked or stored."""
    if fault.kind == "dead_token":
        return Answer.of(RefusedError(fault.status or dead_token_status, fault.message or DEAD_TOKEN))
    if fault.kind == "throttle":
        # Round up: an HTTP date has whole seconds, and a client must not come back too early.
        date = formatdate(math.ceil(now + fault.retry_after), usegmt=True)
        retry_after = str(fault.retry_after) if fault.retry_after_as == "seconds" else date
        return Answer.of(RefusedError(429, fault.message or TOO_MANY, {"retry-after": retry_after}))
    refusal = Answer.of(RefusedError(fault.status or 503, fault.message or "Service unavailable"))
    return refusal if fault.body is None else replace(refusal, body=json.dumps(fault.body).encode())


def spoiled(answer: Answer, fault: Fault) -> Answer:
    """Return the right answer with its body replaced, as the fault (`invalid_json` or `wrong_fields`) says.

    An answer that can have no body (204) stays as it is. One that is no JSON object has no fields: it becomes an empty one.
    """
    if answer.status == 204:
        return answer
    if fault.kind == "invalid_json":
        return replace(answer, body=NO_JSON)
    if fault.body is not None:
        return replace(answer, body=json.dumps(fault.body).encode())
    right = None
    with suppress(ValueError):
        right = json.loads(answer.body)
    fields = list(right.items()) if isinstance(right, dict) else []
    return replace(answer, body=json.dumps(dict(fields[1:])).encode())
