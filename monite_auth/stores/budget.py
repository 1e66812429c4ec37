"""The request budget: who may send to Monite, and when. Pure: a state, and two functions that return the next.

It is GCRA (the generic cell rate algorithm) with reservations. A caller with a waiting user books the next free moment and
comes back with the ticket, so waiting is first come, first served, and needs no polling. Renewals and revocations book
nothing: they go only when nobody has booked, and a revocation waits while a renewal does.

A 429, or a 503 with `Retry-After`, stops everybody for a while. The schedule is kept in *virtual* time, which stands still
during a hold. So all bookings move together, and keep their order and their distance.

After a hold one request goes first, the *probe*. It starts another, short hold, and is answered within that. If Monite refuses it,
no other request was sent in vain.
"""

import math
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import NamedTuple

__all__ = ["Admission", "Budget", "Priority", "Ticket"]

JITTER = 0.08
"""Seconds by which the way to Monite may differ from one request to the next."""

TOLERANCE = 0.003
"""Seconds that a request may be early at the gate, to make up for an earlier one that was late."""

HEADROOM = 0.999 / (1 + JITTER + TOLERANCE)
"""The fraction of the limit that is used, 92.2 %. Requests that are sent evenly arrive unevenly: what was sent within one second,
the jitter and the tolerance may arrive within one second. It is always less than the limit, whichever second Monite looks at."""

SHORTEST_WAIT = 1e-6
"""Seconds. A shorter wait counts as none: moments are sums of floats, and a caller who is early by a rounding error would ask again
at the same moment."""

PROBE = 1.0
"""Seconds for which the others wait after the first request that follows a hold: as long as a healthy Monite, or a gateway that
refuses, takes to answer."""


class Priority(IntEnum):
    """What a request is for; lower goes first."""

    USER = 0
    RENEWAL = 1
    REVOCATION = 2


class Ticket(NamedTuple):
    """A booked moment, in the budget's virtual time; `passed` when the gate has been passed already."""

    moment: float
    passed: bool = False


@dataclass(frozen=True, slots=True)
class Admission:
    """Whether to send: now when `wait` is 0, else after `wait` seconds, when the caller asks again with the `ticket`.

    When it is not `admitted`, nothing was booked: `wait` seconds are longer than the caller's patience, or somebody more urgent
    waits.
    """

    admitted: bool
    wait: float
    ticket: Ticket | None = None


@dataclass(frozen=True, slots=True)
class Budget:
    """The state that all processes share. All times are seconds of the store's clock."""

    free_at: float = 0.0
    """The next moment that is not booked, in virtual time."""
    gate: float = 0.0
    """When the next request may be sent, in virtual time. It keeps callers who come late to their moments from bunching. It is
    -inf after a hold, until a request has been sent."""
    held: float = 0.0
    """All seconds held so far: real time is virtual time plus this."""
    held_until: float = 0.0
    """Until when nobody sends, in real time."""
    renewals_until: float = 0.0
    """Until when a refused renewal is expected to come again, in real time."""

    def admit(
        self, now: float, rate: float, priority: Priority, ticket: Ticket | None, patience: float
    ) -> tuple["Budget", Admission]:
        """Admit one request at `rate` requests a second, or say how long to wait.

        `ticket` is what an earlier call returned; `patience` how many seconds the caller can wait.
        """
        interval = 1 / (rate * HEADROOM)
        virtual = now - self.held
        if ticket is None:
            moment = max(self.free_at, virtual)
            wait = max(0.0, moment - virtual)
            if priority is Priority.USER and wait > patience:
                return self, Admission(False, wait)
            if priority is not Priority.USER and (refusal := self._refuse(now, wait, interval, priority)):
                return refusal
            booked = replace(self, free_at=moment + interval)
            return booked.redeem(virtual, interval, Ticket(moment))
        return self.redeem(virtual, interval, ticket)

    def redeem(self, virtual: float, interval: float, ticket: Ticket) -> tuple["Budget", Admission]:
        """Let the holder of a ticket through the gate at its moment; all times are virtual."""
        # A hold also delays tickets that are already due: the request that got the 429 holds one.
        moment = max(ticket.moment, self.held_until - self.held)
        if virtual < moment - SHORTEST_WAIT:
            return self, Admission(True, moment - virtual, ticket)
        if self.gate == -math.inf:
            return self._probe(virtual, interval), Admission(True, 0.0, ticket)
        if ticket.passed:
            return self, Admission(True, 0.0, ticket)
        if virtual >= self.gate - TOLERANCE:
            return replace(self, gate=max(self.gate, virtual) + interval), Admission(True, 0.0, ticket)
        after = self.gate + interval
        later = replace(self, gate=after, free_at=max(self.free_at, after))
        return later, Admission(True, self.gate - virtual, Ticket(self.gate, passed=True))

    def _probe(self, virtual: float, interval: float) -> "Budget":
        """Let one request pass, and hold all others until it has been answered."""
        return replace(
            self,
            free_at=max(self.free_at, virtual),  # as in `hold`: nothing is free before its end
            gate=virtual + interval,
            held=self.held + PROBE,
            held_until=virtual + self.held + PROBE,
        )

    def _refuse(
        self, now: float, wait: float, interval: float, priority: Priority
    ) -> tuple["Budget", Admission] | None:
        """Refuse a renewal or a revocation while somebody more urgent waits; it books nothing."""
        if priority is Priority.REVOCATION:
            wait = max(wait, self.renewals_until - now)
        if wait <= 0:
            return None
        if priority is Priority.RENEWAL:
            return replace(self, renewals_until=now + wait + 2 * interval), Admission(False, wait)
        return self, Admission(False, wait)

    def hold(self, now: float, seconds: float) -> "Budget":
        """Stop everybody for `seconds` from `now`; a hold within a hold only makes it as long as the longer."""
        start = max(now, self.held_until)
        longer = max(0.0, now + seconds - start)
        # The virtual clock stands still from the start of the hold; what was free before it is free at its end.
        return replace(
            self,
            free_at=max(self.free_at, start - self.held),
            gate=-math.inf,
            held=self.held + longer,
            held_until=max(self.held_until, now + seconds),
        )
