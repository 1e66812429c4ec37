"""What memory keeps of each user: places with their tokens, leases and cooldowns, and known sessions.

There may be many users, so the records are small: they have slots, a user's place and session need no dictionary (`few`), and what
can be found out when it is needed is not kept.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from monite_auth.identity import Partner
from monite_auth.stores.bounds import MOST_SESSIONS
from monite_auth.stores.memory import few
from monite_auth.stores.memory.few import NOTHING, Few, Record
from monite_auth.stores.values import Cooldown, CoolingDown, Slot
from monite_auth.tokens import SAFETY, AccessToken, Clock

__all__ = ["Cooling", "HeldLease", "Place", "Session", "User", "Users"]


LATE = 60.0
"""Seconds that a lease is remembered after it ran out: its holder may still come with a token."""

MOST_CHECKED = 8
"""Users that one write checks for being of no use any more: all are checked within an eighth as many writes as there are users."""

Key = tuple[str | None, str | None, str | None]
"""A slot without its user: the tenant, the session, and the kind."""

ORDINARY: Key = (None, None, None)
"""The key of the one slot that nearly every user has. It is kept once for all of them."""


def key_of(slot: Slot) -> Key:
    """Return the slot's key among those of its user."""
    key = slot[1:]
    return ORDINARY if key == ORDINARY else key


@dataclass(slots=True, eq=False)
class HeldLease:
    """The lease in force at a place, and whose it is."""

    id: str
    owner: str
    until: float
    fenced: bool = False


class Cooling(NamedTuple):
    """A cooldown, and when it is over."""

    why: Cooldown
    until: float

    def answer(self, now: float) -> CoolingDown | None:
        """Return the answer to a claim, or None when the cooldown is over."""
        return CoolingDown(self.until - now, self.why) if now < self.until else None


@dataclass(slots=True, eq=False)
class Place(Record):
    """What one slot of a user holds."""

    user: str | Partner
    key: Key
    token: AccessToken | None = None
    superseded: tuple[AccessToken, ...] = ()
    lease: HeldLease | None = None
    cooling: Cooling | None = None

    @property
    def slot(self) -> Slot:
        """The slot."""
        return Slot(self.user, *self.key)

    def tokens(self) -> tuple[AccessToken, ...]:
        """Return all tokens that may be alive."""
        return (self.token, *self.superseded) if self.token is not None else self.superseded

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


@dataclass(slots=True, eq=False)
class Session(Record):
    """A session that is known and has not ended: its id, when it began as far as that is known, and until when it is known."""

    key: str
    began: float
    until: float


@dataclass(slots=True, eq=False)
class User:
    """All that is known of one user, or of the partner.

    `places` are in the order in which they were claimed, and `sessions` in that of the ends of their times.
    """

    places: Few[Place] = NOTHING
    sessions: Few[Session] = NOTHING

    def claim(self, slot: Slot) -> Place:
        """Return the place of a slot that is being claimed; it is the last from now on."""
        place = self.places.get(slot[1:]) or Place(slot.user, key_of(slot))
        self.places = few.put(self.places, place)
        return place

    def leave(self, place: Place) -> None:
        """Keep a place no more."""
        self.places = few.remove(self.places, place.key)

    def knows(self, session: str | None, now: float) -> bool:
        """Say whether a session is known."""
        known = self.sessions.get(session)
        return known is not None and known.until > now

    def know(self, session: str, *, began: float, until: float) -> None:
        """Know a session until then; it began at that moment if it was not known before."""
        known = self.sessions.get(session) or Session(session, began, until)
        known.until = until
        self.sessions = few.put(self.sessions, known)
        if len(self.sessions) > MOST_SESSIONS:
            self._forget_first()

    def date_back(self, session: str, began: float) -> None:
        """Note that a known session began at that moment, if it seemed to begin later."""
        known = self.sessions.get(session)
        if known is not None:
            known.began = min(began, known.began)

    def forget(self, session: str) -> None:
        """Know a session no more."""
        known = self.sessions.get(session)
        if known is not None:
            known.until = 0.0  # a reader may have found it already
            self.sessions = few.remove(self.sessions, session)

    def forget_expired(self, now: float) -> None:
        """Forget the sessions that were known until now."""
        while (first := next(iter(self.sessions.values()), None)) is not None and first.until <= now:
            self._forget_first()

    def _forget_first(self) -> None:
        self.forget(next(iter(self.sessions.values())).key)

    def is_needed(self, now: float) -> bool:
        """Say whether anything of this is of use."""
        last = next(iter(reversed(self.sessions.values())), None)
        return (last is not None and last.until > now) or any(
            place.is_needed(now) for place in reversed(self.places.values())
        )

    def tokens(self) -> Iterator[tuple[Slot, AccessToken]]:
        """Return all tokens that may be alive."""
        return ((place.slot, each) for place in self.places.values() for each in place.tokens())


class Users:
    """The users by name. Where there are too many, the one that was least recently written is dropped.

    `by_name` is for readers, who hold no lock; everything else is called with the lock held. It is in the order of writing.
    `dropped` is told of each user that goes. Users who are of no use any more go at one of the next writes, since each write checks
    some: that takes less than a list of who goes when.
    """

    def __init__(self, maxsize: int, clock: Clock, dropped: Callable[[User], None]) -> None:
        self.by_name: dict[str | Partner, User] = {}
        self._maxsize = maxsize
        self._clock = clock
        self._dropped = dropped
        self._unchecked: list[str | Partner] = []
        """Whom the next writes check. Once it is empty, everybody is in it again."""

    def __len__(self) -> int:
        return len(self.by_name)

    def get_or_new(self, name: str | Partner) -> User:
        """Return a user, or a new one that `write` has yet to keep."""
        return self.by_name.get(name) or User()

    def place(self, slot: Slot) -> Place | None:
        """Return what a slot holds, if anything."""
        user = self.by_name.get(slot.user)
        return user.places.get(slot[1:]) if user is not None else None

    def write(self, name: str | Partner, user: User) -> None:
        """Keep `user` as it is now, if anything of it is of use."""
        now = self._clock()
        user.forget_expired(now)
        self.by_name.pop(name, None)
        if user.is_needed(now):
            self.by_name[name] = user
        else:
            self._dropped(user)
        for _ in range(MOST_CHECKED):
            self._check_next(now)
        while len(self.by_name) > self._maxsize:
            self._drop(next(iter(self.by_name)))

    def _check_next(self, now: float) -> None:
        if not self._unchecked:
            self._unchecked.extend(reversed(self.by_name))
        if self._unchecked:
            name = self._unchecked.pop()
            user = self.by_name.get(name)
            if user is not None and not user.is_needed(now):
                self._drop(name)

    def _drop(self, name: str | Partner) -> None:
        self._dropped(self.by_name.pop(name))
