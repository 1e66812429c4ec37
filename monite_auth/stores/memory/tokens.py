"""Tokens and leases in memory."""

from monite_auth.identity import PARTNER, Principal, Subject
from monite_auth.stores.bounds import MOST_SUPERSEDED
from monite_auth.stores.memory.account import MemoryAccount
from monite_auth.stores.memory.users import Cooling, HeldLease, Place, User
from monite_auth.stores.values import Busy, Claim, Claimed, Committed, Cooldown, Hit, Lease, Slot
from monite_auth.tokens import SAFETY, AccessToken

__all__ = ["MemoryTokens"]


class MemoryTokens(MemoryAccount):
    """See TokenOperations."""

    async def peek(self, slot: Slot, principal: Subject) -> AccessToken | None:
        """See TokenOperations."""
        user = self._users.by_name.get(slot.user)
        place = user.places.get(slot[1:]) if user is not None else None
        token = place.token if place is not None else None
        now = self._clock()
        if user is None or token is None or token.expires_at <= now:
            return None
        # After the token was read, not before.
        if principal is PARTNER or self._may_peek(user, principal, now):
            return token
        return None

    def _may_peek(self, user: User, principal: Principal, now: float) -> bool:
        if principal.session_id is not None:
            session = user.sessions.get(principal.session_id)
            return session is not None and session.until > now
        if principal.began_at is None:
            return True
        with self._lock:  # endings are in a cache, which readers change too
            return self._ending_of(principal, is_known=False) is None

    async def claim(
        self, slot: Slot, principal: Subject, *, owner: str, seconds: float, min_life: float
    ) -> Claim:
        """See TokenOperations."""
        with self._lock:
            now = self._clock()
            user = self._users.get_or_new(slot.user)
            if principal is not PARTNER:
                ending = self._ending_of(principal, is_known=user.knows(principal.session_id, now))
                if ending is not None:
                    return ending
            if principal is not PARTNER and principal.session_id is not None:
                dated = self._endings.began(principal)
                began = now if dated is None else min(now, dated.by)
                user.know(principal.session_id, began=began, until=now + self._session_memory)
            place = user.claim(slot)
            claim = self._claim(place, slot, now, owner, seconds, min_life)
            self._make_room(user, now)
            self._users.write(slot.user, user)
            return claim

    def _claim(
        self, place: Place, slot: Slot, now: float, owner: str, seconds: float, min_life: float
    ) -> Claim:
        left = place.token.expires_at - now if place.token is not None else 0.0
        if place.token is not None and left > 0 and left >= min_life:
            return Hit(place.token)
        for cooling in (*self._everyone, place.cooling):
            if cooling is not None and (answer := cooling.answer(now)) is not None:
                return answer
        held = place.lease
        if held is not None and held.owner != owner and now < held.until:
            return Busy(held.until - now)
        place.lease = HeldLease(self._new_id(), owner, now + seconds)
        return Claimed(Lease(slot, place.lease.id))

    async def commit(self, lease: Lease, token: AccessToken) -> Committed:
        """See TokenOperations."""
        with self._lock:
            user, place = self._held_under(lease)
            if self._revocations.is_doomed(token.fingerprint):
                return Committed.DOOMED
            if user is None or place is None or place.lease is None or place.lease.fenced:
                if place is not None:
                    place.lease = None
                self._revocations.add(lease.slot, token)
                return Committed.FENCED
            now = self._clock()
            self._supersede(place, by=token)
            alive = [each for each in place.superseded if each.expires_at + SAFETY > now]
            while len(alive) > MOST_SUPERSEDED:
                self._revocations.add(lease.slot, alive.pop(0))
            place.superseded = tuple(alive)
            place.token, place.lease, place.cooling = token, None, None
            self._holders.add(place, token)
            self._users.write(lease.slot.user, user)
            return Committed.STORED

    async def abandon(self, lease: Lease, cooldown: Cooldown | None = None) -> None:
        """See TokenOperations."""
        with self._lock:
            cooling = Cooling(cooldown, self._clock() + cooldown.seconds) if cooldown is not None else None
            if cooling is not None and cooling.why.everyone:
                self._everyone[:] = [cooling]
            user, place = self._held_under(lease)
            if user is None or place is None:
                return
            place.lease = None
            if cooling is not None and not cooling.why.everyone:
                place.cooling = cooling
            if not place.is_needed(self._clock()):  # a tenant that nobody has checked, say
                self._drop_place(user, place)
            self._users.write(lease.slot.user, user)

    async def discard(self, slot: Slot, fingerprint: str) -> None:
        """See TokenOperations."""
        with self._lock:
            place = self._users.place(slot)
            if place is not None and place.token is not None and place.token.fingerprint == fingerprint:
                self._supersede(place)

    def _held_under(self, lease: Lease) -> tuple[User | None, Place | None]:
        """Return the user and place that `lease` is for, if it is still in force there."""
        user = self._users.by_name.get(lease.slot.user)
        place = self._users.place(lease.slot)
        if place is None or place.lease is None or place.lease.id != lease.id:
            return None, None
        return user, place
