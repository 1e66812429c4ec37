"""The last requests to Monite's side with their answers, to search: who asked for what, and what came back.

Secrets and tokens are masked wherever they stand: in headers, in queries, in bodies, whole or cut off.
"""

import re
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

# How many requests are kept, and how many bytes of each body: 1,000 requests are 32 MB at most.
REQUESTS_KEPT = 1000
BODY_KEPT = 16_384

_NAMES = rb"(?:access_token|token|client_secret|secret|password)"
# A value that ends with its quotation mark, or where the body was cut off.
_IN_JSON = re.compile(rb'("' + _NAMES + rb'"\s*:\s*")((?:[^"\\]|\\.)*)', re.DOTALL)
_IN_QUERY = re.compile(rb"((?:^|&)" + _NAMES + rb"=)([^&]*)")
_IN_HEADERS = {b"authorization", b"cookie", b"set-cookie", b"proxy-authorization"}

RawHeaders = Iterable[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class LoggedMessage:
    """One direction of a request: headers and body as they were sent."""

    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    #: The length of the body in bytes. What is longer than `BODY_KEPT` was cut off.
    length: int

    @classmethod
    def of(cls, headers: RawHeaders, body: bytes) -> "LoggedMessage":
        return cls(tuple(headers), body[:BODY_KEPT], len(body))

    def shown(self) -> dict[str, Any]:
        """Return the message as JSON, with secrets masked. A body that is no text is described in words."""
        headers = {
            name.decode("latin-1"): _masked(value) if name.lower() in _IN_HEADERS else value.decode("latin-1")
            for name, value in self.headers
        }
        return {"headers": headers, "body": self._text(), "length": self.length}

    def _text(self) -> str:
        try:
            text = _IN_JSON.sub(_mask, self.body).decode("utf-8", "strict" if self._is_whole else "ignore")
        except UnicodeDecodeError:
            return f"({self.length} bytes that are no text)"
        return text if self._is_whole else f"{text} … ({self.length} bytes)"

    @property
    def _is_whole(self) -> bool:
        return len(self.body) == self.length


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    """A request and its answer. `number` grows by one with each request; `at` is the emulator's time of the answer."""

    number: int
    at: float
    #: How long it took, in real seconds.
    seconds: float
    method: str
    #: The path below /v1.
    path: str
    query: bytes
    #: None if the client got no answer.
    status: int | None
    #: The answer's `x-request-id`.
    request_id: str
    #: The entity user of the token or, for a mint, the one that it is for. None is the partner, or nobody.
    entity_user_id: str | None
    #: The kind of the fault that hit the request, if one did.
    fault: str | None
    request: LoggedMessage
    answer: LoggedMessage | None

    def shown(self) -> dict[str, Any]:
        """Return the request as JSON, with secrets masked."""
        return {
            "number": self.number,
            "at": self.at,
            "seconds": round(self.seconds, 6),
            "method": self.method,
            "path": self.path,
            "query": _IN_QUERY.sub(_mask, self.query).decode("latin-1"),
            "status": self.status,
            "request_id": self.request_id,
            "entity_user_id": self.entity_user_id,
            "fault": self.fault,
            "request": self.request.shown(),
            "answer": self.answer.shown() if self.answer else None,
        }


class RequestLog:
    """Keeps the last requests, oldest first. Iterate over it, or search it with `find`."""

    def __init__(self, kept: int = REQUESTS_KEPT) -> None:
        self._lock = threading.Lock()
        self._number = 0
        self._requests: deque[LoggedRequest] = deque(maxlen=kept)

    def __iter__(self) -> Iterator[LoggedRequest]:
        with self._lock:
            return iter(list(self._requests))

    def __len__(self) -> int:
        return len(self._requests)

    def record(self, **facts: Any) -> None:
        """Add a request, with all fields of `LoggedRequest` but its number."""
        with self._lock:
            self._number += 1
            self._requests.append(LoggedRequest(number=self._number, **facts))

    def find(
        self,
        *,
        method: str | None = None,
        path: str | None = None,
        status: int | None = None,
        user: str | None = None,
        request_id: str | None = None,
        text: str | None = None,
    ) -> list[LoggedRequest]:
        """Return the requests that fit all that is given, oldest first.

        Args:
            method: such as "POST".
            path: the beginning of the path below /v1, such as "/payables".
            status: of the answer.
            user: the id of an entity user.
            request_id: the answer's `x-request-id`.
            text: what stands in the path, the query, a header or a body, in whatever case. It does not find what is masked.

        """
        wanted = {"status": status, "entity_user_id": user, "request_id": request_id}
        wanted = {name: value for name, value in wanted.items() if value is not None}
        found = [
            each
            for each in self
            if method in {None, each.method}
            and each.path.startswith(path or "")
            and all(getattr(each, name) == value for name, value in wanted.items())
        ]
        return found if text is None else [each for each in found if _says(each.shown(), text.lower())]

    def clear(self) -> None:
        """Delete the requests. Numbering continues, so that a polling page shows no request twice."""
        with self._lock:
            self._requests.clear()


def _masked(value: bytes) -> str:
    """Return a header without its secret, but with the scheme and, as the ledger shows a token, the last four characters."""
    scheme, space, secret = value.decode("latin-1").rpartition(" ")
    return f"{scheme}{space}…{secret[-4:]}" if scheme else "…"


def _mask(match: re.Match[bytes]) -> bytes:
    """Return a field without its secret. A token keeps its last four characters, by which the ledger shows it."""
    name, value = match.groups()
    ending = value[-4:] if b"token" in name and len(value) > 8 else b""
    return bytes(name + "…".encode() + ending)


def _says(value: Any, text: str) -> bool:
    if isinstance(value, dict):
        return any(_says(each, text) for pair in value.items() for each in pair)
    return isinstance(value, str) and text in value.lower()
