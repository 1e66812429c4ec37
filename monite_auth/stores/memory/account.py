"""Everything that memory keeps for one account, and what its operations share.

Writers take one lock, for microseconds. Readers take none: `peek` reads plain dictionaries and records, first the token and then
the session's right to it, so that a logout between the two is seen. A reader that comes while a writer puts a record at the end
of its order finds nothing. Then it claims, which waits for the writer.
"""

import itertools
from collections.abc import Callable

from cachetools import TLRUCache

from monite_auth.identity import Partner, Principal
from monite_auth.processes.lifetimes import ProcessLock
from monite_auth.stores.bounds import MOST_SLOTS
from monite_auth.stores.budget import Budget
from monite_auth.stores.dates import WallClock
from monite_auth.stores.memory.endings import Endings
from monite_auth.stores.memory.holders import Holders
from monite_auth.stores.memory.pending import PendingRevocations
from monite_auth.stores.memory.users import Cooling, Place, User, Users
from monite_auth.stores.values import Ended, Slot
from monite_auth.tokens import AccessToken, Clock

__all__ = ["MemoryAccount"]

MOST_LOOKED_AT = 8
"""Slots that one claim looks at to make room: more than it adds, and few enough to cost nothing."""


class MemoryAccount:
    """What is kept for one account. `MemoryStore` says what the options mean."""

    def __init__(
        self,
        *,
        max_users: int,
        max_ended: int,
        session_memory: float,
        requests_per_second: float,
        clock: Clock,
        wall_clock: WallClock,
        new_id: Callable[[], str],
    ) -> None:
        self._clock = clock
        self._new_id = new_id
        self._session_memory = session_memory
        self._rate = requests_per_second
        self._lock = ProcessLock()
        self._users = Users(max_users, clock, self._dropped)
        self._endings = Endings(max_ended, session_memory, clock=clock, wall_clock=wall_clock)
        self._revocations = PendingRevocations(max_ended, clock=clock, new_id=new_id)
        self._holders = Holders()
        self._everyone: list[Cooling] = []
        """The cooldown of all slots, if there is one."""
        self._notes: TLRUCache[tuple[str, str], tuple[str, float]] = TLRUCache(
            max_users, lambda _key, note, _now: note[1], timer=clock
        )
        self._budget = Budget()

    def _ending_of(self, principal: Principal, *, is_known: bool) -> Ended | None:
        return self._endings.of(principal, is_known=is_known)

    def _supersede(self, place: Place, *, by: AccessToken | None = None) -> None:
        """Stop handing out a place's token; it is kept for the next logout, unless `by` is the same value."""
        token, place.token = place.token, None
        if token is not None:
            self._let_go(place, token)
            place.superseded = (*place.superseded, token)
        if by is not None:
            place.superseded = tuple(each for each in place.superseded if each.value != by.value)

    def _let_go(self, place: Place, token: AccessToken) -> None:
        self._holders.remove(place, token)

    def _end(self, name: str | Partner, user: User, includes: Callable[[Slot], bool]) -> int:
        """Fence the mints and make the tokens pending of those slots that `includes` names."""
        ended = 0
        for place in user.places.values():
            slot = place.slot
            if not includes(slot):
                continue
            if place.lease is not None:
                place.lease.fenced = True
            self._supersede(place)
            tokens, place.superseded = place.superseded, ()
            ended += sum(self._revocations.add(slot, token) for token in tokens)
        self._users.write(name, user)
        return ended

    def _make_room(self, user: User, now: float) -> None:
        """Drop the places of a user that were claimed longest ago, if they are of no use any more or there are too many."""
        for place in list(itertools.islice(user.places.values(), MOST_LOOKED_AT)):
            are_too_many = len(user.places) > MOST_SLOTS
            if place.is_leased(now) or (place.is_needed(now) and not are_too_many):
                continue
            self._drop_place(user, place)

    def _drop_place(self, user: User, place: Place) -> None:
        user.leave(place)
        self._revoke_later(place)

    def _dropped(self, user: User) -> None:
        """Make the tokens of a user pending that makes room for others, or is of no use any more."""
        for place in user.places.values():
            self._revoke_later(place)

    def _revoke_later(self, place: Place) -> None:
        for token in place.tokens():
            self._let_go(place, token)
            self._revocations.add(place.slot, token)
