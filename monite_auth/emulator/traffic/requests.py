"""The last requests to Monite's side with their answers, to search: who asked for what, and what came back.

Secrets and tokens are masked before anything is kept: see masking.py.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from monite_auth.emulator.specification.facts import PREFIX
from monite_auth.emulator.traffic.masking import Masker

# How many requests are kept, how many bytes of each body, and how many characters of each header, path and query.
REQUESTS_KEPT = 1000
BODY_KEPT = 16_384
HEADER_KEPT = 2048

RawHeaders = Iterable[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class LoggedMessage:
    """One direction of a request, without its secrets."""

    headers: dict[str, str]
    body: str
    #: The length of the body in bytes. What is longer than `BODY_KEPT` was cut off.
    length: int

    @classmethod
    def of(cls, headers: RawHeaders, body: bytes, masker: Masker) -> "LoggedMessage":
        """Return what is kept of a message. A body that is no text is described in words."""
        texts = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]
        kind = next((value for name, value in texts if name.lower() == "content-type"), "")
        is_whole = len(body) <= BODY_KEPT
        try:
            text = body[:BODY_KEPT].decode("utf-8", "strict" if is_whole else "ignore")
        except UnicodeDecodeError:
            told = f"({len(body)} bytes that are no text)"
        else:
            masked = masker.body(text, kind)
            told = masked if is_whole else f"{masked[: -masker.longest]} … ({len(body)} bytes)"
        kept = {name: masker.header(name, value)[:HEADER_KEPT] for name, value in texts}
        return cls(kept, told, len(body))

    def shown(self) -> dict[str, Any]:
        """Return the message as JSON."""
        return {"headers": self.headers, "body": self.body, "length": self.length}


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
    query: str
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
        """Return the request as JSON."""
        return {
            "number": self.number,
            "at": self.at,
            "seconds": round(self.seconds, 6),
            "method": self.method,
            "path": self.path,
            "query": self.query,
            "status": self.status,
            "request_id": self.request_id,
            "entity_user_id": self.entity_user_id,
            "fault": self.fault,
            "request": self.request.shown(),
            "answer": self.answer.shown() if self.answer else None,
        }


class RequestLog:
    """Keeps the last requests, oldest first. Iterate over it, or search it with `find`.

    Args:
        kept: how many.
        secrets: returns the secrets that there are.
        is_token: whether a text is a token.

    """

    def __init__(
        self, kept: int, secrets: Callable[[], Iterable[str]], is_token: Callable[[str], bool]
    ) -> None:
        self._lock = threading.Lock()
        self._secrets = secrets
        self._is_token = is_token
        self._masker = Masker(frozenset(), is_token)
        self._number = 0
        self._requests: deque[LoggedRequest] = deque(maxlen=kept)

    def __iter__(self) -> Iterator[LoggedRequest]:
        with self._lock:
            return iter(list(self._requests))

    def __len__(self) -> int:
        return len(self._requests)

    def record(
        self,
        *,
        path: str,
        query: bytes,
        request: tuple[RawHeaders, bytes],
        answer: tuple[RawHeaders, bytes] | None,
        **facts: Any,
    ) -> None:
        """Add a request, with all other fields of `LoggedRequest` but its number. Messages are their headers and their body."""
        secrets = frozenset(self._secrets())
        if secrets != self._masker.secrets:
            self._masker = Masker(secrets, self._is_token)
        masker = self._masker
        facts |= {
            "path": masker.known(path)[:HEADER_KEPT],
            "query": masker.query(query.decode("latin-1"))[:HEADER_KEPT],
            "request": LoggedMessage.of(*request, masker),
            "answer": LoggedMessage.of(*answer, masker) if answer else None,
        }
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
            method: such as "POST", in whatever case.
            path: the beginning of the path, such as "/payables" or "/v1/payables".
            status: of the answer.
            user: the id of an entity user.
            request_id: the answer's `x-request-id`.
            text: what stands in the path, the query, a header or a body, in whatever case. It does not find what is masked.

        """
        method = method and method.upper()
        path = path or ""
        beginning = path.removeprefix(PREFIX) if f"{path}/".startswith(f"{PREFIX}/") else path
        wanted = {"status": status, "entity_user_id": user, "request_id": request_id}
        wanted = {name: value for name, value in wanted.items() if value is not None}
        found = [
            each
            for each in self
            if method in {None, each.method}
            and each.path.startswith(beginning)
            and all(getattr(each, name) == value for name, value in wanted.items())
        ]
        return found if text is None else [each for each in found if _says(each.shown(), text.lower())]

    def clear(self) -> None:
        """Delete the requests. Numbering continues, so that a polling page shows no request twice."""
        with self._lock:
            self._requests.clear()


def _says(value: Any, text: str) -> bool:
    if isinstance(value, dict):
        return any(_says(each, text) for pair in value.items() for each in pair)
    return isinstance(value, str) and text in value.lower()
