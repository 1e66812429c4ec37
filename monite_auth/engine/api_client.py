"""Calls of Monite's API that this package makes itself: as one subject, within the request budget and a deadline.

Roles and provisioning use it. An application's own calls go through httpx, and are its own to repeat; see `outbound`.
"""

from typing import Protocol

from monite_auth.engine.asking import Turn, send
from monite_auth.engine.runtime import Runtime
from monite_auth.errors import MoniteUnavailable, RateLimited
from monite_auth.identity import Subject
from monite_auth.monite_api.answers import Fault, Response
from monite_auth.monite_api.dead_tokens import names_dead_token, speaks_of_dead_token
from monite_auth.monite_api.requests import Call, call_request
from monite_auth.settings import Settings
from monite_auth.stores import Priority
from monite_auth.tokens import AccessToken

__all__ = ["ApiClient", "Tokens"]

SHORTEST_HOLD = 0.2
"""Seconds to hold after a 429 at least: an answer that says 0 would be asked again at once, and again."""


class Tokens(Protocol):
    """Where the tokens of calls come from; `TokenFlow` is one."""

    async def token(
        self, runtime: Runtime, subject: Subject, /, *, until: float | None = None
    ) -> AccessToken:
        """Return the subject's token. `until`: the caller's deadline, epoch seconds."""

    async def exchange(
        self, runtime: Runtime, subject: Subject, token: AccessToken, /, *, certain: bool
    ) -> bool:
        """Return whether a call that was refused with `token` is worth another try with a new one."""

    async def exchanged(self, runtime: Runtime, subject: Subject, /, *, helped: bool) -> None:
        """Note whether the second try was accepted."""


class ApiClient:
    """Calls as one subject, all together within the deadline of `token()`: somebody may be waiting there for them."""

    def __init__(self, runtime: Runtime, settings: Settings, tokens: Tokens, subject: Subject) -> None:
        self._runtime = runtime
        self._settings = settings
        self._tokens = tokens
        self._subject = subject
        self.token: AccessToken | None = None
        """The token of the last call."""
        self.until = runtime.clock() + settings.deadline
        """The deadline of all calls, epoch seconds."""
        self._patience = settings.connect_timeout + settings.read_timeout
        self.longest = settings.deadline + self._patience
        """Seconds that all calls take together at most: they end with the deadline, give or take the last one."""

    def time_left(self, failed: str) -> float:
        """Return the seconds that are left, or raise MoniteUnavailable; `failed` says in it what could not be done."""
        left = self.until - self._runtime.clock()
        if left <= 0:
            raise MoniteUnavailable(
                f"{failed}: no time was left within the deadline of {self._settings.deadline:g} s.",
                retry_after=1,
            )
        return left

    async def send(self, call: Call, *, failed: str) -> Response:
        """Send `call` and return the answer, whatever its status; a call that has to wait is sent again.

        `failed`: the sentence that an error begins with, such as "The role could not be read".
        Raises RateLimited, MoniteUnavailable, and what `token()` raises.
        """
        token = self.token = await self._tokens.token(self._runtime, self._subject, until=self.until)
        response = await self._send(call, token, failed)
        if not _is_refused(response):
            return response
        certain = names_dead_token(response.status, response.body)
        if await self._tokens.exchange(self._runtime, self._subject, token, certain=certain):
            token = self.token = await self._tokens.token(self._runtime, self._subject, until=self.until)
            response = await self._send(call, token, failed)
            await self._tokens.exchanged(self._runtime, self._subject, helped=not _is_refused(response))
        return response

    async def _send(self, call: Call, token: AccessToken, failed: str) -> Response:
        request = call_request(self._settings, token, call)
        turn = Turn(self._runtime)
        while True:
            wait = await turn.take(Priority.USER, until=self.until)
            if wait > 0:
                raise RateLimited(
                    f"{failed}: no request may go to Monite for the next {wait:.1f} s. Its limit of "
                    f"{self._settings.requests_per_second:g} requests/s, or less where it says so, is used up, or it asked for "
                    "a pause.",
                    retry_after=wait,
                )
            within = min(self._patience, self.time_left(failed))
            answer, held = await send(self._runtime, request, within=within, shortest_hold=SHORTEST_HOLD)
            if isinstance(answer, Fault):
                # Only its kind: the text of an HTTP library may quote the request, and so a person's data.
                kind = answer.reason.partition(":")[0]
                raise MoniteUnavailable(f"{failed}: {kind}.", request_id=answer.request_id, retry_after=1)
            if not held:
                return answer


def _is_refused(response: Response) -> bool:
    return speaks_of_dead_token(response.status, response.body)
