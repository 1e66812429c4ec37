"""Waiting for one's turn in the request budget, and telling everybody to wait."""

import logging
from typing import Protocol

from monite_auth.stores import Operations, Priority, Ticket
from monite_auth.tokens import Clock

__all__ = ["LONGEST_HOLD", "Waiting", "hold", "turn"]

log = logging.getLogger("monite_auth")

LONGEST_HOLD = 60.0
"""Seconds for which an account is stopped at most, whatever `Retry-After` says: then one request asks again."""


class Waiting(Protocol):
    """What a wait takes: a Runtime, for one."""

    store: Operations

    @property
    def clock(self) -> Clock:
        """The time, in epoch seconds."""

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""


async def turn(rt: Waiting, priority: Priority, *, until: float) -> float:
    """Wait until one request may be sent; return 0 then, or for how long it would still be, beyond `until` (epoch s)."""
    ticket: Ticket | None = None
    while True:
        left = until - rt.clock()
        admission = await rt.store.admit(priority, ticket, patience=left)
        if admission.admitted and admission.wait <= 0:
            return 0.0
        if admission.wait > left:
            return admission.wait
        ticket = admission.ticket
        await rt.sleep(admission.wait)


async def hold(store: Operations, seconds: float) -> float:
    """Keep everybody who shares the store from sending, since Monite said so; return for how many seconds."""
    seconds = min(seconds, LONGEST_HOLD)
    log.warning("Monite wants to be left alone: everybody holds for %.1f s.", seconds)
    await store.hold(seconds)
    return seconds
