"""What is kept for one account."""

import threading
from dataclasses import dataclass, field
from itertools import count

from monite_auth.identity import LEEWAY, Partner
from monite_auth.stores import Budget, Cooldown, Slot
from monite_auth.tokens import SAFETY, AccessToken, Clock

__all__ = ["Part", "Place", "Revocation", "State"]


@dataclass
class Place:
    """One slot: its token, older tokens that may be alive, and who mints for it or why nobody does."""

    token: AccessToken | None = None
    superseded: list[AccessToken] = field(default_factory=list)
    lease: str = ""
    owner: str = ""
    leased_until: float = 0.0
    is_fenced: bool = False
    cooldown: Cooldown | None = None
    cooling_until: float = 0.0


@dataclass
class Revocation:
    """A token that is to be revoked."""

    token: AccessToken
    since: float
    due_at: float
    attempts: int = 0


@dataclass
class State:
    """All of one account."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    ids: "count[int]" = field(default_factory=count)
    places: dict[Slot, Place] = field(default_factory=dict)
    known: dict[tuple[str, str], float] = field(default_factory=dict)  # (user, session): until when
    began: dict[tuple[str, str], float] = field(default_factory=dict)  # the same: when it began
    # By user, and session, date or all: when.
    ended: dict[tuple[str, str | float | None], float] = field(default_factory=dict)
    everything_ended: float = 0.0
    pending: dict[str, Revocation] = field(default_factory=dict)
    # By the fingerprint of a revoked token: until when it lived.
    spent: dict[str, float] = field(default_factory=dict)
    notes: dict[tuple[str, str], tuple[str, float]] = field(default_factory=dict)
    cooldown: Cooldown | None = None  # of every slot
    cooling_until: float = 0.0
    budget: Budget = field(default_factory=Budget)


class Part:
    """What every part of the operations works with."""

    def __init__(self, state: State, clock: Clock, session_memory: float, rate: float) -> None:
        self.state = state
        self.clock = clock
        self.session_memory = session_memory
        self.rate = rate

    def ended_at(self, user: str, session: str | float | None) -> float:
        """Return when a session ended (by its id, its date, or None for all of the user's); 0 if that is forgotten."""
        at = self.state.ended.get((user, session), 0.0)
        return at if self.clock() < at + self.session_memory + LEEWAY else 0.0

    def know(self, user: str, session: str, *, began: float) -> None:
        """Know a session from now on. It began then, if it was not known before."""
        if self.state.known.get((user, session), 0.0) <= self.clock():
            self.state.began[user, session] = began
        self.state.known[user, session] = self.clock() + self.session_memory

    def revoke_later(self, token: AccessToken) -> int:
        """Make a token pending, and return 1; return 0 if it has expired or was revoked."""
        value = token.fingerprint
        if token.expires_at + SAFETY <= self.clock() or self.state.spent.get(value, 0.0) > self.clock():
            return 0
        if all(each.token.fingerprint != value for each in self.state.pending.values()):
            self.state.pending[str(next(self.state.ids))] = Revocation(token, self.clock(), self.clock())
        return 1

    def take_away(self, user: str | Partner, session: str | None = None) -> int:
        """Fence the user's mints and make their tokens pending: all, or those of a session. Return how many."""
        taken = 0
        for slot, place in self.state.places.items():
            if slot.user == user and (session is None or slot.session in (None, session)):
                place.is_fenced = True
                taken += sum(
                    map(self.revoke_later, [*place.superseded, *([place.token] if place.token else [])])
                )
                place.token, place.superseded = None, []
        return taken
