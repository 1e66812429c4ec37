"""A runtime without I/O: the test says what Monite answers, and time passes only when a flow sleeps."""

import itertools
import json
import math
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from monite_auth import EntityUser, MemoryStore, Principal, Settings
from monite_auth.engine.engine import Engine
from monite_auth.engine.limit_watch import LimitWatch
from monite_auth.engine.runtime import run
from monite_auth.engine.shared_peek import SharedPeek
from monite_auth.engine.single_flight import Flight
from monite_auth.engine.surroundings import Surroundings
from monite_auth.identity import Directory, Subject, as_directory
from monite_auth.monite_api.answers import Fault, Response
from monite_auth.monite_api.requests import Request
from monite_auth.processes.awaited import Awaited
from monite_auth.telemetry import Silence, Telemetry
from monite_auth.tokens import AccessToken

CLIENT_ID = "0f7e1a52-6c1d-4b0e-9a53-000000000001"
SECRET = "the-client-secret-nobody-may-see"
ALICE = Principal("alice", session_id="alice-1")
BOB = Principal("bob", session_id="bob-1")
ALICE_IN_MONITE = EntityUser("a11ce000-0000-4000-8000-000000000001", "e0000000-0000-4000-8000-000000000001")
BOB_IN_MONITE = EntityUser("b0b00000-0000-4000-8000-000000000002", "e0000000-0000-4000-8000-000000000001")

Answer = Response | Fault | Callable[[Request], Response | Fault]


def settings(**changes: Any) -> Settings:
    return Settings(**{"client_id": CLIENT_ID, "client_secret": SECRET, **changes})


def granted(token: Any = "token-1", *, expires_in: Any = 1800) -> Response:
    return reply(200, {"access_token": token, "token_type": "Bearer", "expires_in": expires_in})


def numbered(life: float = 1800) -> Callable[[Request], Response]:
    """Return an answer that grants token-1, token-2 and so on."""
    count = itertools.count(1)
    return lambda _request: granted(f"token-{next(count)}", expires_in=life)


def refused(status: int, message: str = "No.") -> Response:
    return reply(status, {"error": {"message": message}}, {"x-request-id": "req-1"})


def throttled(retry_after: str) -> Response:
    return reply(429, {"error": {"message": "Slow down."}}, {"retry-after": retry_after})


def reply(status: int, body: Any, headers: dict[str, str] | None = None) -> Response:
    return Response(status, headers or {}, body if isinstance(body, bytes) else json.dumps(body).encode())


BACKGROUND: list[list[Coroutine[Any, Any, None]]] = []
"""Background work of all worlds of a test; what nobody ran is closed at its end."""


def close_background() -> None:
    while BACKGROUND:
        for flow in BACKGROUND.pop():
            flow.close()


class World:
    """Flows over a memory store, a clock that only sleeping moves, and answers as scripted.

    `answers` are taken one by one; the last one stays. Revocations are answered by `revocations` alike.
    `sweep_interval`: seconds; by default nothing is drained unless there is a reason.
    """

    has_background = True

    def __init__(
        self,
        *answers: Answer,
        directory: Any = None,
        store: MemoryStore | None = None,
        sweep_interval: float = math.inf,
        **changes: Any,
    ) -> None:
        self.now = 1_700_000_000.0
        self.answers = list(answers)
        self.revocations: list[Answer] = [reply(200, {"message": "done"})]
        self.requests: list[tuple[float, Request]] = []
        self.slept: list[float] = []
        self.background: list[Coroutine[Any, Any, None]] = []
        BACKGROUND.append(self.background)
        self.settings = settings(**changes)
        self.memory = store or MemoryStore(
            clock=self.clock, requests_per_second=self.settings.requests_per_second
        )
        self.store = self.memory.operations(blocking=True)
        self.limit_watch = LimitWatch(self.settings.requests_per_second)
        self.telemetry: Telemetry = Silence()
        people = {"alice": ALICE_IN_MONITE, "bob": BOB_IN_MONITE}
        who = as_directory(people if directory is None else directory)
        self.engine = Engine(self.settings, who, Surroundings(sweep_interval=sweep_interval))

    # -- what tests say

    def token(self, principal: Subject = ALICE, min_ttl: float = 0) -> AccessToken:
        return run(self.engine.tokens.token(self, principal, min_ttl))

    def value(self, principal: Subject = ALICE, min_ttl: float = 0) -> str:
        return self.token(principal, min_ttl).value.reveal()

    def logout(self, principal: Principal = ALICE) -> None:
        run(self.engine.endings.logout(self, principal))

    def drain(self) -> Any:
        return run(self.engine.drainer.drain(self, within=60))

    def run_background(self) -> None:
        while self.background:
            run(self.background.pop(0))

    def date_in(self, seconds: float) -> str:
        return format_datetime(datetime.fromtimestamp(self.now + seconds, UTC), usegmt=True)

    @property
    def mints(self) -> list[float]:
        return [at for at, request in self.requests if request.url.endswith("/auth/token")]

    @property
    def revoked(self) -> list[str]:
        bodies = [json.loads(r.body.reveal()) for _, r in self.requests if r.url.endswith("/auth/revoke")]
        return [body["token"] for body in bodies]

    # -- what flows do

    @property
    def of_threads(self) -> "World":
        return self

    def clock(self) -> float:
        return self.now

    def random(self) -> float:
        return 0.5

    async def send(self, request: Request, *, within: float) -> Response | Fault:
        assert within > 0
        self.requests.append((self.now, request))
        script = self.answers if request.url.endswith("/auth/token") else self.revocations
        answer = script[0] if len(script) == 1 else script.pop(0)
        return answer(request) if callable(answer) else answer

    async def sleep(self, seconds: float, *, until: Awaited | None = None) -> None:
        assert seconds >= 0
        self.slept.append(seconds)
        self.now += seconds

    async def wait(self, flight: Flight, *, within: float) -> None:
        if not flight.is_finished:  # nobody else is here to finish it
            self.now += max(0.0, within)

    def one_by_one(self, shared: SharedPeek) -> AbstractAsyncContextManager[None]:
        return nullcontext()

    async def find(self, directory: Directory, principal: Principal, *, within: float) -> EntityUser | None:
        return directory.find(principal)

    def lead(self, flow: Coroutine[Any, Any, None]) -> None:
        run(flow)

    def spawn(self, flow: Coroutine[Any, Any, None]) -> None:
        self.background.append(flow)
