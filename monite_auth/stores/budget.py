"""The request budget: who may send to Monite, and when. Pure: a state, and functions that return the next.

Two rules share the work:

- **The window keeps the limit.** The budget remembers when requests left. Within any second and JITTER, no more of them leave
  than the limit allows, however late callers come. So no more arrive within a second, if none takes JITTER longer than another.
- **Bookings keep the order.** A caller with a waiting user books the next free moment and comes back with the *ticket*, so
  waiting is first come, first served. The moments are evenly spaced, and leave the window a little room. Calls, such as those of
  a browser, book moments in a line of their own, which no mint heeds: a call whose moment has come stands back while a mint has
  booked. Renewals and revocations book nothing: they go only when nobody has booked, and a revocation waits while a renewal does.

The schedule is kept in *virtual* time. It stands still while nobody may send: during a hold, and while the window is full
because somebody came late. So all bookings move together, and keep their order and their distance.

A 429, or a 503 with `Retry-After`, starts a *hold*: nobody sends for a while. After a hold one request goes first, the *probe*. It
starts another, short hold, and is answered within that. If Monite refuses it, no other request was sent in vain.

A 429 also lowers the pace for all (additive increase, multiplicative decrease), and an answer that names a lower limit than the
settings lowers the limit for a while.
"""

import math
from enum import IntEnum
from typing import NamedTuple

from monite_auth.stores.window import ENTRIES, JITTER, RESERVE, Log, Window

__all__ = ["CONSTANTS", "HEADROOM", "Admission", "Budget", "Priority", "Ticket"]

LATENESS = 0.003
"""Seconds by which callers usually come late to their moments. The moments leave the window so much room, since a late caller
keeps a place in the window for longer."""

HEADROOM = 1 / (Window.at(1).span + LATENESS)
"""The fraction of the limit that is used, 92.2 %."""

SHORTEST_WAIT = 1e-6
"""Seconds. A shorter wait counts as none: moments are sums of floats, and a caller who is early by a rounding error would ask again
at the same moment."""

PROBE = 1.0
"""Seconds for which the others wait after the first request that follows a hold: as long as a healthy Monite, or a gateway that
refuses, takes to answer."""

SLOWER = 0.75
"""What a 429 leaves of the pace. Two of them halve it: enough where another program uses up half of the limit."""

SLOWEST = 0.1
"""The pace at the least, as a fraction: users still get their tokens, and the probes show when it is over."""

RECOVERY = 0.01
"""The fraction of the limit that the pace gains in each second without a hold. After one 429 it is whole again in 25 s."""

ONE_EXCESS = 1.0
"""Seconds of virtual time in which several 429s count as one: they are about requests that were under way together."""

LIMIT_AGE = 60.0
"""Seconds for which a limit counts that an answer has named: every later answer names it again, and a wrong one is forgotten."""

CONSTANTS = {
    "JITTER": JITTER,
    "RESERVE": RESERVE,
    "ENTRIES": ENTRIES,
    "LATENESS": LATENESS,
    "SHORTEST_WAIT": SHORTEST_WAIT,
    "PROBE": PROBE,
    "SLOWER": SLOWER,
    "SLOWEST": SLOWEST,
    "RECOVERY": RECOVERY,
    "ONE_EXCESS": ONE_EXCESS,
    "LIMIT_AGE": LIMIT_AGE,
}
"""All of them by their names, in the order in which `redis/lua/budget.lua` takes them. Stores do the arithmetic elsewhere, too."""


class Priority(IntEnum):
    """What a request is for; lower goes first.

    USER: a token that a user waits for, and what the broker asks Monite for on the way. CALL: a person's call of the API.
    """

    USER = 0
    CALL = 1
    RENEWAL = 2
    REVOCATION = 3


class Ticket(NamedTuple):
    """A booked moment, in the budget's virtual time."""

    moment: float


class Admission(NamedTuple):
    """Whether to send: now when `wait` is 0, else after `wait` seconds, when the caller asks again with the `ticket`.

    When it is not `admitted`, nothing was booked: `wait` seconds are longer than the caller's patience, or somebody more urgent
    waits.
    """

    admitted: bool
    wait: float
    ticket: Ticket | None = None


class Budget(NamedTuple):
    """The state that all processes share. All times are seconds of the store's clock."""

    free_at: float = 0.0
    """The next moment that is not booked, in virtual time."""
    calls_free_at: float = 0.0
    """The next moment that no call has booked either, in virtual time."""
    probe_next: bool = False
    """Whether no request has left since the last hold: the next one is the probe."""
    held: float = 0.0
    """All seconds in which virtual time stood still: real time is virtual time plus this."""
    held_until: float = 0.0
    """Until when nobody sends, in real time."""
    renewals_until: float = 0.0
    """Until when a refused renewal is expected to come again, in real time."""
    slowed_at: float = -math.inf
    """When a 429 last lowered the pace, in virtual time."""
    full_pace_at: float = 0.0
    """When the pace will be the whole limit again, in virtual time."""
    learned: float = 0.0
    """The lowest limit that answers have named lately, in requests a second."""
    learned_until: float = 0.0
    """Until when it counts, in real time."""
    seen_at: float = 0.0
    """When the state was last changed, in real time. An earlier time than that shows that the clock was set back."""
    sent: Log = ()
    """When requests left, in real time: those that the window still counts."""

    @classmethod
    def unknown(cls, now: float, *, held_until: float = 0.0) -> "Budget":
        """Return a state for when it is not known what has left: nothing more leaves for a second, and then a probe."""
        return cls().hold(now, max(Window.at(1).span, held_until - now))

    def admit(
        self, now: float, limit: float, priority: Priority, ticket: Ticket | None, patience: float
    ) -> tuple["Budget", Admission]:
        """Admit one request, or say how long to wait.

        `limit`: requests a second, by the settings. `ticket` is what an earlier call returned; `patience` how many seconds the
        caller can wait.
        """
        here = _moved(self, now)
        window = Window.at(_rate(here, now, limit))
        interval = (window.span + LATENESS) / window.allowed
        virtual, opens = now - here.held, window.opens(here.sent, now)
        if ticket is None:
            moment = max(here.free_at, virtual)
            if priority is not Priority.USER:
                moment = max(moment, here.calls_free_at)
            ticket, wait = Ticket(moment), moment - virtual
            if priority is Priority.USER or priority is Priority.CALL:
                if wait > patience:
                    return self, Admission(False, wait)
            else:
                wait = max(wait, opens - now)
                if priority is Priority.REVOCATION:
                    wait = max(wait, here.renewals_until - now)
                if wait > 0:
                    if priority is Priority.REVOCATION:
                        return self, Admission(False, wait)
                    return here._replace(renewals_until=now + wait + 2 * interval), Admission(False, wait)
            if priority is not Priority.CALL:
                here = here._replace(free_at=moment + interval)
            elif wait > 0 or not window.is_half_empty(here.sent, now):  # a page may make some calls at once
                here = here._replace(calls_free_at=moment + interval)
        # A hold also delays tickets that are already due: the request that got the 429 holds one.
        moment = max(ticket.moment, here.held_until - here.held)
        if priority is Priority.CALL:
            moment = max(moment, here.free_at)  # others may have booked since it did
        if virtual < moment - SHORTEST_WAIT:
            return here, Admission(True, moment - virtual, ticket)
        if opens > now + SHORTEST_WAIT:
            return _stopped(here, now, opens), Admission(True, opens - now, ticket)
        here = here._replace(sent=window.add(here.sent, now))
        if here.probe_next:
            here = _stopped(here, now, now + PROBE)._replace(probe_next=False)
        return here, Admission(True, 0.0, ticket)

    def hold(self, now: float, seconds: float, *, throttled: bool = False) -> "Budget":
        """Stop everybody for `seconds` from `now`; a hold within a hold only makes it as long as the longer.

        `throttled`: Monite has refused a request as one too many, so the pace goes down too.
        """
        here = _moved(self, now)
        virtual = max(now, here.held_until) - here.held
        if throttled and virtual >= here.slowed_at + ONE_EXCESS:
            pace = max(SLOWEST, SLOWER * _pace(here, virtual))
            here = here._replace(slowed_at=virtual, full_pace_at=virtual + (1 - pace) / RECOVERY)
        return _stopped(here, now, now + seconds)._replace(probe_next=True)

    def pace(self, now: float, limit: float) -> tuple[float, float]:
        """Return for how many seconds nobody may send, and how many requests a second may leave otherwise."""
        here = _moved(self, now)
        return max(0.0, here.held_until - now), _rate(here, now, limit)

    def lower_limit(self, now: float, limit: float) -> "Budget":
        """Keep to a `limit` that an answer has named, for LIMIT_AGE; a lower one that is in force stays as it is."""
        here = _moved(self, now)
        if now < here.learned_until and here.learned < limit:
            return self
        return here._replace(learned=limit, learned_until=now + LIMIT_AGE)


def _rate(budget: Budget, now: float, limit: float) -> float:
    """Return how many requests a second may leave now."""
    if now < budget.learned_until:
        limit = min(limit, budget.learned)
    return limit * _pace(budget, max(now, budget.held_until) - budget.held)


def _pace(budget: Budget, virtual: float) -> float:
    """Return the fraction of the limit that is used: less after a 429."""
    return max(SLOWEST, 1 - RECOVERY * max(0.0, budget.full_pace_at - virtual))


def _stopped(budget: Budget, now: float, until: float) -> Budget:
    """Let virtual time stand still from `now`, or from the end of a hold that goes on, to `until`."""
    start = max(now, budget.held_until)
    return budget._replace(
        free_at=max(budget.free_at, start - budget.held),  # nothing is free before the end
        held=budget.held + max(0.0, until - start),
        held_until=max(budget.held_until, until),
    )


def _moved(budget: Budget, now: float) -> Budget:
    """Return the state at `now`. If the clock was set back, all moments move along, or everybody would wait."""
    back = now - budget.seen_at
    if back >= 0:
        return budget._replace(seen_at=now)
    return budget._replace(
        held=budget.held + back,
        held_until=budget.held_until + back,
        renewals_until=budget.renewals_until + back,
        learned_until=budget.learned_until + back,
        seen_at=now,
        sent=tuple([(moment + back, count) for moment, count in budget.sent]),
    )
