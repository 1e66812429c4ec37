"""Shared peek: one read of the store for all who waited for the same flight.

Waiters that read one after the other take longer than the mint that they waited for. So their reads are coalesced: what one
of them reads counts for the others, under these rules:

1. *Nobody asked after the read began.* All who wait for a flight asked before it finished. So a read is shared only if
   it began after the finish; before that, more callers may join.
2. *Nothing ended in between.* The revocation epoch is the same as when the read began: no logout, relink or rejected
   token in this process. A logout in another process is noticed a little later, as if the store's answer had been on
   its way for so long: `Surroundings.peek_shared_for`.
3. *It is for the same subject.* Another session of the user may have ended.
4. *The token has not expired*, and it is a token: "there is none" is not shared.

A lock round the read lets one caller read while the others wait for what it finds. Runtimes hold it, since they know
how to wait; see `Runtime.one_by_one`.
"""

import threading
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from monite_auth.engine.surroundings import Surroundings
from monite_auth.identity import Subject
from monite_auth.tokens import AccessToken, Clock

__all__ = ["PATIENCE", "SharedPeek"]

PATIENCE = 0.05
"""Seconds that a caller waits for the read of another before it reads for itself. A store that hangs for one of them, or
that has something for another subject only, must not hold up the rest; a store that works takes a tenth of this."""


class _Result(NamedTuple):
    """What a read found: for whom, in which revocation epoch, and when (epoch seconds)."""

    subject: Subject
    token: AccessToken
    epoch: int
    at: float


class SharedPeek:
    """The reads of one flight's waiters."""

    __slots__ = ("__weakref__", "_is_open", "_result", "_surroundings", "lock")

    def __init__(self, surroundings: Surroundings) -> None:
        self.lock = threading.Lock()
        """For threads: whoever reads holds it."""
        self._surroundings = surroundings
        self._is_open = False
        self._result: _Result | None = None

    def open(self) -> None:
        """Share reads from now on: the flight is finished, and nobody joins any more."""
        self._is_open = True

    def result(self, subject: Subject, now: float) -> AccessToken | None:
        """Return the token that another caller has read, if it counts for `subject` at `now` (epoch seconds)."""
        result = self._result
        counts = (
            result is not None
            and result.subject == subject
            and result.epoch == self._surroundings.epoch.current
            and 0 <= now - result.at < self._surroundings.peek_shared_for
            and now < result.token.expires_at
        )
        token = result.token if result is not None and counts else None
        return self._surroundings.told(self, "result", token)

    async def read(
        self, subject: Subject, peek: Callable[[], Awaitable[AccessToken | None]], clock: Clock
    ) -> AccessToken | None:
        """Return the `result` for `subject`, or else what `peek` reads, which may then be the result for others."""
        known = self.result(subject, clock())
        if known is not None:
            return known
        # Both are looked up before the read: whatever happens while it is on its way makes it worthless to others.
        is_open = self._surroundings.told(self, "is_open", self._is_open)
        epoch = self._surroundings.told(self, "epoch", self._surroundings.epoch.current)
        token = await peek()
        if is_open and token is not None:
            self._result = _Result(subject, token, epoch, clock())
        return token
