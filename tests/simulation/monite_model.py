"""A model of Monite: its books of tokens, and its answers.

It uses nothing of the library but the form of a request, and answers in the form of an HTTP response.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from monite_auth.monite_api.answers import Fault, Response
from monite_auth.monite_api.requests import Request

__all__ = ["HANG", "LATE", "MISHAPS", "Minted", "MoniteModel", "is_mint"]

HANG = "hang"
"""Monite does its work, and its answer never comes, so the client gives up by itself."""

LATE = "throttled late"
"""Monite answers 429 late, perhaps later than its Retry-After says."""

LATE_BY = 3.0
"""Seconds until such an answer."""

MISHAPS = {
    "lost": "Monite does its work, and the connection breaks before the answer",
    HANG: "Monite does its work, and the client's patience ends before the answer",
    "down": "Monite answers 503 and does nothing",
    "throttled": "Monite answers 429 and does nothing",
    LATE: "Monite answers 429 after some seconds, and does nothing",
    "credentials": "Monite answers 401 and does nothing",
    "refused": "Monite answers 403 and does nothing",
}
"""What may happen to a request instead of the usual answer."""


@dataclass(slots=True)
class Minted:
    """A token in Monite's books. `expires_at` is Monite's own reckoning, not the client's."""

    value: str
    entity_user: str | None
    minted_at: float
    expires_at: float
    revoked_at: float | None = None

    def is_alive(self, now: float) -> bool:
        return self.revoked_at is None and now < self.expires_at


class MoniteModel:
    """Monite as one account sees it.

    `base_url`, `client_id`: where requests of the account go, and how they say whose they are. `life`: seconds that a
    token lives. `retry_after`: what a 429 says. `repeats`: a request for a token is answered with the one that lives, for
    the seconds that it has left; all partner tokens are one.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        *,
        base_url: str,
        client_id: str,
        life: int,
        retry_after: str,
        repeats: bool,
    ) -> None:
        self.tokens: dict[str, Minted] = {}
        self._clock = clock
        self._address = base_url.rstrip("/") + "/"
        self._client_id = client_id
        self.life = life
        self.repeats = repeats
        self._retry_after = retry_after

    def is_meant(self, request: Request) -> bool:
        """Say whether a request goes to this Monite, in the name of this account."""
        own = request.url.startswith(self._address)
        return own and _read(request.body.reveal())["client_id"] == self._client_id

    def work(self, request: Request, token_name: str, mishap: str | None) -> Response | Fault:
        """Do what `request` asks for, unless a mishap prevents it. A new token is called `token_name`."""
        if mishap in _REFUSALS:
            status, message, headers = _REFUSALS[mishap]
            headers = {"retry-after": self._retry_after} if status == 429 else headers
            return _reply(status, {"error": {"message": message}}, headers)
        body = _read(request.body.reveal())
        answer = self._mint(body, token_name) if is_mint(request) else self._revoke(body)
        return answer if mishap is None else Fault("the connection broke before the answer came")

    def answers_in(self, mishap: str | None, patience: float) -> float:
        """Return in how many seconds the client knows what came of its request."""
        return patience if mishap == HANG else min(patience, LATE_BY) if mishap == LATE else 0.0

    def _mint(self, body: dict[str, str], name: str) -> Response:
        now = self._clock()
        who = body.get("entity_user_id")
        for record in self.tokens.values() if self.repeats else ():
            if record.entity_user == who and record.is_alive(now):
                left = int(record.expires_at - now)
                return _reply(
                    200, {"access_token": record.value, "token_type": "Bearer", "expires_in": left}, {}
                )
        assert name not in self.tokens, "the simulation gave a token name twice"
        self.tokens[name] = Minted(name, who, now, now + self.life)
        return _reply(200, {"access_token": name, "token_type": "Bearer", "expires_in": self.life}, {})

    def _revoke(self, body: dict[str, str]) -> Response:
        record = self.tokens[body["token"]]
        now = self._clock()
        if not record.is_alive(now):
            return _reply(
                400, {"error": {"message": "The token has been revoked, expired or not found."}}, {}
            )
        record.revoked_at = now
        return _reply(200, {"message": "done"}, {})


@lru_cache(maxsize=10_000)
def _read(body: str) -> dict[str, str]:
    """Read a request; the same ones come again and again, in hundreds of thousands of runs."""
    read: dict[str, str] = json.loads(body)
    return read


def is_mint(request: Request) -> bool:
    """Say whether the request asks for a token, and not to revoke one."""
    return request.url.endswith("/auth/token")


_REFUSALS: dict[str | None, tuple[int, str, dict[str, str]]] = {
    "down": (503, "Try again.", {}),
    "throttled": (429, "Slow down.", {}),
    LATE: (429, "Slow down.", {}),
    "credentials": (401, "Wrong client.", {}),
    "refused": (403, "No.", {}),
}


def _reply(status: int, body: dict[str, object], headers: dict[str, str]) -> Response:
    return Response(status, headers, json.dumps(body).encode())
