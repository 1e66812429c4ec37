"""What memory keeps of each user: slots with their tokens, leases and cooldowns, and known sessions."""

import itertools
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from cachetools import TLRUCache

from monite_auth.identity import Partner
from monite_auth.stores.bounds import MOST_SESSIONS
from monite_auth.stores.values import Cooldown, CoolingDown, Slot
from monite_auth.tokens import SAFETY, AccessToken, Clock

__all__ = ["Cooling", "HeldLease", "Place", "User", "Users"]


LATE = 60.0
"""Seconds that a lease is remembered after it ran out: its holder may still come with a token."""


@dataclass(slots=True)
class HeldLease:
    """The lease in force at a place, and whose it is."""

    id: str
    owner: str
    until: float
    fenced: bool = False


@dataclass(slots=True)
class Cooling:
    """A cooldown, and when it is over."""

    why: Cooldown
    until: float

    def answer(self, now: float) -> CoolingDown | None:
        """Return the answer to a claim, or None when the cooldown is over."""
        return CoolingDown(self.until - now, self.why) if now < self.until else None


@dataclass(slots=True)
class Place:
    """What one slot holds."""

    token: AccessToken | None = None
    superseded: list[AccessToken] = field(default_factory=list)
    lease: HeldLease | None = None
    cooling: Cooling | None = None

    def tokens(self) -> list[AccessToken]:
        """Return all tokens that may be alive."""
        return [self.token, *self.superseded] if self.token is not None else self.superseded

    def needed_until(self) -> float:
        """Return when nothing of it is of use any more."""
        moments = [token.expires_at + SAFETY for token in self.tokens()]
        moments += [each.until for each in (self.cooling, self.lease) if each is not None]
        return max(moments, default=0.0)

    def is_leased(self, now: float) -> bool:
        """Say whether somebody mints for it."""
        return self.lease is not None and now < self.lease.until

    def is_needed(self, now: float) -> bool:
        """Say whether it holds something that is of use, or was until a moment ago."""
        return (
            any(now < token.expires_at + SAFETY for token in self.tokens())
            or (self.lease is not None and now < self.lease.until + LATE)
            or (self.cooling is not None and now < self.cooling.until)
        )


@dataclass(slots=True)
class User:
    """All that is known of one user, or of the partner. `sessions` are known and have not ended: until when, in this order.

    `places` are in the order in which they were claimed.
    `began`: when each of them began, as far as that is known.
    """

    places: OrderedDict[Slot, Place] = field(default_factory=OrderedDict)
    sessions: OrderedDict[str, float] = field(default_factory=OrderedDict)
    began: dict[str, float] = field(default_factory=dict)
    needed_until: float = 0.0
    """When nothing of this is of use any more, at the latest."""

    def know(self, session: str, *, began: float, until: float) -> None:
        """Know a session until then; it began at that moment if it was not known before."""
        if session not in self.sessions:
            self.began[session] = began
        self.sessions[session] = until
        self.sessions.move_to_end(session)
        if len(self.sessions) > MOST_SESSIONS:
            self.forget(next(iter(self.sessions)))

    def date_back(self, session: str, began: float) -> None:
        """Note that a known session began at that moment, if it seemed to begin later."""
        self.began[session] = min(began, self.began.get(session, began))

    def forget(self, session: str) -> None:
        """Know a session no more."""
        self.sessions.pop(session, None)
        self.began.pop(session, None)

    def forget_expired(self, now: float) -> None:
        """Forget the sessions that were known until now. They are in the order of their ends."""
        while self.sessions and next(iter(self.sessions.values())) <= now:
            self.forget(next(iter(self.sessions)))

    def tokens(self) -> list[tuple[Slot, AccessToken]]:
        """Return all tokens that may be alive."""
        return [(slot, each) for slot, place in self.places.items() for each in place.tokens()]

    def need(self, places: Iterable[Place]) -> None:
        """Note that these places, and the sessions, are of use until their ends."""
        last_session = itertools.islice(reversed(self.sessions.values()), 1)
        self.needed_until = max(
            [self.needed_until, *last_session, *(place.needed_until() for place in places)]
        )


class Users:
    """The users by name. Where there are too many, the one that was least recently written is dropped.

    `by_name` is for readers, who hold no lock; everything else is called with the lock held. `dropped` is told of each user
    that goes.
    """

    def __init__(self, maxsize: int, clock: Clock, dropped: Callable[[User], None]) -> None:
        self.by_name: dict[str | Partner, User] = {}
        self._clock = clock
        self._dropped = dropped
        self._cache = _Cache(maxsize, clock, self._drop)
        self._written: User | None = None

    def __len__(self) -> int:
        return len(self._cache)

    def get_or_new(self, name: str | Partner) -> User:
        """Return a user, or a new one that `write` has yet to keep."""
        return self.by_name.get(name) or User()

    def place(self, slot: Slot) -> Place | None:
        """Return what a slot holds, if anything."""
        user = self.by_name.get(slot.user)
        return user.places.get(slot) if user is not None else None

    def write(self, name: str | Partner, user: User, *places: Place) -> None:
        """Keep `user` as it is now: sessions and these places may be of use for longer."""
        user.forget_expired(self._clock())
        user.need(places)
        self._written = user
        self._cache[name] = user
        self._written = None
        if name in self._cache:
            self.by_name[name] = user
        else:  # nothing of it is of use any more
            self.by_name.pop(name, None)

    def _drop(self, name: str | Partner, user: User) -> None:
        if user is self._written:  # its time was over, and what is written now gives it more
            return
        self.by_name.pop(name, None)
        self._dropped(user)


class _Cache(TLRUCache[str | Partner, User]):
    """A cache that says what goes, whether it was evicted or its time was over."""

    def __init__(self, maxsize: int, clock: Clock, gone: Callable[[str | Partner, User], None]) -> None:
        super().__init__(maxsize, lambda _key, user, _now: user.needed_until, timer=clock)
        self._gone = gone

    def popitem(self) -> tuple[str | Partner, User]:
        name, user = super().popitem()
        self._gone(name, user)
        return name, user

    def expire(self, time: float | None = None) -> Any:
        expired = super().expire(time)
        for name, user in expired:
            self._gone(name, user)
        return expired
